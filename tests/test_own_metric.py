"""A metric and an extractor of the user's own: one Python file and one YAML each, in gan-train and in gan-eval."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import TINY

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.train import gan_train

METRIC = '''
from dataclasses import dataclass
from typing import ClassVar

from gan_cli.metrics import FEATURES, Measured, Result


@dataclass(frozen=True)
class MeanDistance:
    """Distance of the means of the features."""

    scale: float = 1.0
    values: ClassVar[dict] = {"mean_distance": "lower"}
    needs: ClassVar[frozenset] = frozenset({FEATURES})

    def check(self, data, real, fake):
        pass

    def __call__(self, comparison):
        means = [side.features().mean(axis=0) for side in (comparison.real, comparison.fake)]
        return Result({"mean_distance": Measured(self.scale * float(abs(means[0] - means[1]).sum()))})
'''
EXTRACTOR = '''
from dataclasses import dataclass

from gan_cli.features import Extracted


@dataclass(frozen=True)
class Brightness:
    """One feature: the mean of all pixels."""

    def check(self, data):
        pass

    def open(self, data, labelled, teller):
        return self

    dimensions = 1
    classes = 0
    identity = {"name": "brightness"}

    def __call__(self, examples):
        return Extracted(examples.reshape(len(examples), -1).mean(axis=1, keepdims=True).astype("float32"))
'''


@pytest.fixture
def own_folder(working_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    (working_folder / "my_metric.py").write_text(METRIC)
    (working_folder / "my_features.py").write_text(EXTRACTOR)
    for group, name, text in [
        ("metric", "mean_distance", "mean_distance:\n  _target_: my_metric.MeanDistance\n  scale: 1.0\n"),
        ("features", "brightness", "_target_: my_features.Brightness\n"),
    ]:
        (working_folder / "conf" / group).mkdir(parents=True)
        (working_folder / "conf" / group / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield working_folder
    for name in ("my_metric", "my_features"):
        sys.modules.pop(name, None)


def test_both_measure_while_training_and_afterwards(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = ["--config-dir", "conf", "metric=[mean_distance,fid]", "features=brightness"]
    train = [*own, *TINY, "train.steps=6", "eval.every=3", "eval.samples=60", "hydra.run.dir=run"]
    assert gan_train([*train, "metric.mean_distance.scale=2"]) == 0
    assert "mean_distance" in capsys.readouterr().out
    assert gan_eval([*own, "run=run", "samples=60", "json=true"]) == 0
    afterwards = json.loads(capsys.readouterr().out)
    lines = [json.loads(line) for line in (own_folder / "run" / "evaluations.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 6]
    twice = 2 * afterwards["values"]["mean_distance"]["value"]
    assert lines[1]["values"]["mean_distance"]["value"] == pytest.approx(twice, rel=1e-12)
    assert afterwards["protocol"]["features"] == {"name": "brightness"}
