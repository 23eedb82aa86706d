"""gan-eval: cached features are checked before they are used, and are not needed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from runs import measured

from gan_cli.commands.evaluate import gan_eval
from gan_cli.evaluation import feature_store

pytestmark = pytest.mark.usefixtures("own_cache")


def test_features_of_real_examples_are_kept_checked_and_made_again_where_damaged(
    run: Path, own_cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"run={run}", "metric=[fid]", "features=random", "samples=100"]
    first = measured(capsys, *words)
    (folder,) = (own_cache / "features").iterdir()
    assert not list(folder.parent.glob(".*"))

    made: list[str] = []
    write = feature_store.write_features

    def counted(examples: Any, embedding: Any, where: Path, reporter: Any, what: str) -> None:
        made.append(what)
        write(examples, embedding, where, reporter, what)

    monkeypatch.setattr(feature_store, "write_features", counted)
    assert measured(capsys, *words)["values"] == first["values"]
    assert made == ["generated"]
    content = bytearray((folder / "features.npy").read_bytes())
    content[-1] ^= 1
    (folder / "features.npy").write_bytes(content)
    assert gan_eval([*words, "json=true"]) == 0
    told = capsys.readouterr()
    assert "can't be used" in told.err
    assert json.loads(told.out)["values"] == first["values"]
    assert made == ["generated", "real", "generated"]

    # Damaged features that can't be removed are not used.
    (folder / "features.npy").write_bytes(content[:-4])
    monkeypatch.setattr(feature_store, "shutil", SimpleNamespace(rmtree=lambda *_, **__: None))
    assert measured(capsys, *words)["values"] == first["values"]


def test_a_cache_that_cannot_be_written_is_done_without(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"run={run}", "metric=[fid]", "features=random", "samples=100"]
    first = measured(capsys, *words)
    Path("file").write_text("no folder")
    monkeypatch.setenv("GAN_CLI_CACHE", "file")
    assert gan_eval([*words, "json=true"]) == 0
    told = capsys.readouterr()
    assert "can't be written" in told.err
    assert json.loads(told.out)["values"] == first["values"]
