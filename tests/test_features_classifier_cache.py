"""The cache of small classifiers: what comes from it is what was trained, and damage is found."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import command
from quick_classifier import Heard, opened

from gan_cli.data import InMemory
from gan_cli.features.classifier import Classifier
from gan_cli.features.classifier_cache import TrainedClassifier, read_classifier, write_classifier
from gan_cli.features.classifier_network import initial_weights, weight_shapes

pytestmark = pytest.mark.usefixtures("own_cache")


SHORT = Classifier(steps=2)


@pytest.fixture(scope="module")
def short_cache(digits: InMemory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the classifier that SHORT trains."""
    folder = tmp_path_factory.mktemp("short_cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_CLI_CACHE", str(folder))
        opened(digits, SHORT)
    return folder


def test_what_comes_from_the_cache_is_what_was_trained(digits: InMemory) -> None:
    trained = opened(digits, SHORT)
    heard = Heard()
    kept = opened(digits, SHORT, reporter=heard)
    assert heard.done == []  # no training
    assert kept.identity == trained.identity
    for first, second in zip(trained(digits.values), kept(digits.values), strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_process_trains_the_same_weights(digits: InMemory, tmp_path: Path) -> None:
    here = opened(digits, Classifier(steps=40)).identity["weights_sha256"]
    np.save("fake.npy", digits.values[:50])
    words = ["dataset=digits", "fake=fake.npy", "metric=[fid]", "features=classifier", "features.steps=40", "seed=5"]
    done = command("gan-eval", *words, "json=true", GAN_CLI_CACHE=str(tmp_path / "another"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "another" / "classifier").is_dir()  # trained there
    assert json.loads(done.stdout)["protocol"]["features"]["weights_sha256"] == here


def test_another_content_or_setting_is_another_network(digits: InMemory, own_cache: Path) -> None:
    relabelled = replace(digits, labels=9 - digits.labels)
    brighter = replace(digits, values=np.maximum(digits.values, 1))
    found = [opened(examples, SHORT) for examples in (digits, relabelled, brighter)]
    found += [opened(digits, replace(SHORT, **change)) for change in ({"seed": 1}, {"width": 16}, {"steps": 3})]
    found += [opened(digits, replace(SHORT, learning_rate=0.002))]
    assert len({embedding.identity["weights_sha256"] for embedding in found}) == len(found)
    assert len(list((own_cache / "classifier").iterdir())) == len(found)


def write_zeros(path: Path) -> None:
    """A whole file with arrays of the right names and shapes."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: np.zeros_like(archive[name]) for name in archive.files}
    np.savez(path, allow_pickle=False, **arrays)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("weights_*.npz", flip_a_byte),
        ("weights_*.npz", lambda path: path.write_bytes(path.read_bytes()[:-100])),
        ("weights_*.npz", lambda path: path.write_bytes(b"")),
        ("weights_*.npz", Path.unlink),
        ("weights_*.npz", write_zeros),
        ("weights_*.npz", lambda path: np.savez(path, hidden_bias=np.zeros(128, np.float32))),
        ("weights_*.npz", lambda path: np.savez(path, hidden_bias=np.array([Path()], object))),
        ("about.json", lambda path: path.write_text("{")),
        ("about.json", lambda path: path.write_text("[]")),
        ("about.json", lambda path: path.write_text('{"weights_sha256": "../../x"}')),
        ("about.json", lambda path: path.write_text(path.read_text().replace('"accuracy": ', '"accuracy": 2'))),
    ],
)
def test_a_damaged_file_is_reported_and_trained_again(
    digits: InMemory, own_cache: Path, short_cache: Path, file: str, damage: Any
) -> None:
    shutil.copytree(short_cache, own_cache)
    expected = opened(digits, SHORT)
    damage(next((own_cache / "classifier").glob(f"*/{file}")))
    heard = Heard()
    again = opened(digits, SHORT, heard)
    assert "can't be used" in heard.warnings[0]
    assert again.identity == expected.identity
    heard = Heard()
    opened(digits, SHORT, heard)
    assert heard.done == []  # it was written anew


def test_of_two_processes_that_write_at_once_one_wins_whole(own_cache: Path) -> None:
    shapes = weight_shapes((8, 8, 1), 2, 4)
    folder = own_cache / "classifier" / "both"
    first, second = (
        TrainedClassifier(initial_weights(shapes, np.random.RandomState(seed)), 0.5, 10) for seed in (0, 1)
    )
    write_classifier(folder, first, {})
    about = (folder / "about.json").read_bytes()
    write_classifier(folder, second, {})
    read = read_classifier(folder, shapes)
    assert read is not None
    assert read.sha256 == second.sha256
    (folder / "about.json").write_bytes(about)  # as if the first had been slower with its last file
    read = read_classifier(folder, shapes)
    assert read is not None
    assert read.sha256 == first.sha256


def test_a_cache_that_cannot_be_written_is_reported_and_survived(
    digits: InMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "file"))
    heard = Heard()
    assert opened(digits, Classifier(steps=2), heard)(digits.values[:3]).features.shape == (3, 128)
    assert "GAN_CLI_CACHE" in heard.warnings[0]
