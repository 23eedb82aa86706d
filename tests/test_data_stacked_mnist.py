"""Stacked MNIST: which digits an image is made of, and that its modes can be read."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan_cli.data import DataSpec, InMemory
from gan_cli.data.stacked_mnist import StackedMNIST
from gan_cli.data.tfds import TFDS
from gan_cli.errors import ConfigError
from gan_cli.features.classifier import Classifier
from gan_cli.metrics.mode_classifier import read_modes
from gan_cli.metrics.modes import divergence_from_equal, label_counts
from gan_cli.progress import SilentReporter

QUICK = Classifier(steps=250, width=8, learning_rate=0.006)
"""Good enough, in seconds."""


@pytest.fixture(scope="module")
def folder(test_data: Path) -> str:
    if not (test_data / "tfds" / "mnist").is_dir():
        pytest.skip(f"no MNIST in {test_data / 'tfds'}")
    return str(test_data / "tfds")


def small(folder: str, **changes: Any) -> StackedMNIST:
    return replace(StackedMNIST(data_dir=folder, split="test[:600]", examples=500), **changes)


def test_each_channel_is_a_digit_of_mnist_and_the_label_is_their_number(folder: str) -> None:
    source = small(folder)
    examples = source.open()
    assert examples.spec == source.describe() == DataSpec((28, 28, 3), 500, 1000)
    values, labels = examples.read(np.arange(500))
    assert (values.dtype, labels.dtype) == (np.uint8, np.int32)
    assert (values.flags.c_contiguous, values.shape) == (True, (500, 28, 28, 3))
    digits, names = TFDS(name="mnist", data_dir=folder, split="test[:600]").open().read(np.arange(600))
    label_of = {digit.tobytes(): name for digit, name in zip(digits[..., 0], names, strict=True)}
    shown = [
        [label_of[np.ascontiguousarray(image[..., channel]).tobytes()] for channel in range(3)] for image in values
    ]
    assert np.array_equal(np.array(shown) @ [100, 10, 1], labels)


def test_an_image_is_a_function_of_its_index_and_the_seed(folder: str) -> None:
    values, labels = small(folder).open().read(np.arange(500))
    fewer = small(folder, examples=120).open().read(np.arange(120))
    assert np.array_equal(fewer[0], values[:120])
    assert np.array_equal(fewer[1], labels[:120])
    other = small(folder, seed=1).open().read(np.arange(500))[1]
    assert np.mean(other == labels) < 0.05


def test_images_put_together_on_demand_are_those_in_memory_from_any_thread(folder: str) -> None:
    kept = small(folder).open()
    assert isinstance(kept, InMemory)
    singles_fit, nothing_fits = 0.001, 0.0  # GiB; 600 digits take 0.0004, 500 images 0.0011
    for memory_limit in (singles_fit, nothing_fits):
        made = small(folder, memory_limit=memory_limit).open()
        assert not isinstance(made, InMemory)
        parts = np.random.default_rng(0).permutation(500).reshape(5, 100)
        with ThreadPoolExecutor(3) as pool:
            for indices, (values, labels) in zip(parts, pool.map(made.read, parts), strict=True):
                assert np.array_equal(values, kept.values[indices])
                assert np.array_equal(labels, kept.labels[indices])


def test_digits_are_drawn_evenly_and_each_place_by_itself(folder: str) -> None:
    source = StackedMNIST(data_dir=folder, split="test", memory_limit=0.05, examples=26_000)
    labels = source.open().read(np.arange(26_000))[1]
    counts = label_counts(labels, 1000)
    assert counts.all()
    # by chance (1000 - 1) / 2 / 26,000 = 0.019; MNIST's digits are not quite equally many, which adds 3 x 0.002
    assert divergence_from_equal(counts) == pytest.approx(0.019 + 0.006, abs=0.006)


def test_modes_are_read_from_images(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path))
    source = StackedMNIST(data_dir=folder, split="test", examples=6000)
    recipe = source.channel_modes()
    images, labels = source.open().read(np.arange(6000))
    read = read_modes(images, recipe, SilentReporter(), QUICK)
    assert (read.shape, read.dtype) == ((6000,), np.int32)
    assert np.mean(read == labels) > 0.9  # three digits right
    counts = label_counts(read, recipe.count)
    assert np.count_nonzero(counts) >= 985  # of even ones, 6,000 leave 2.5 unseen on average
    assert divergence_from_equal(counts) < 0.12  # 999 / 2 / 6,000 = 0.083 by chance
    collapsed = np.repeat(images[:1], 5, axis=0)
    assert np.unique(read_modes(collapsed, recipe, SilentReporter(), QUICK)).tolist() == [labels[0]]
    turned = images[:500, :, :, ::-1]
    assert np.mean(read_modes(turned, recipe, SilentReporter(), QUICK) // 100 == labels[:500] % 10) > 0.95


def test_held_out_images_are_of_the_test_digits(folder: str) -> None:
    source = StackedMNIST(data_dir=folder)
    assert source.held_out() == StackedMNIST(data_dir=folder, split="test", examples=26_000)
    assert small(folder).held_out() is None


def test_what_cannot_be_stacked_is_reported_at_once(tmp_path: Path) -> None:
    program = f"""
import sys
from gan_cli.errors import ConfigError
from gan_cli.data.stacked_mnist import StackedMNIST
print(StackedMNIST(data_dir={str(tmp_path)!r}).describe())
for wrong in ({{"data_dir": "nowhere"}}, {{"split": "trian"}}):
    try:
        StackedMNIST(**{{"data_dir": {str(tmp_path)!r}, **wrong}}).describe()
    except ConfigError as error:
        print(error)
assert not any(name in sys.modules for name in ("tensorflow", "keras", "tensorflow_datasets"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    described, no_folder, no_split = done.stdout.splitlines()
    assert described == "128,000 images of 28x28x3, 1000 classes"
    assert no_folder.startswith("data_dir=nowhere: ")
    assert "Did you mean train?" in no_split


@pytest.mark.parametrize(("key", "value"), [("examples", 0), ("seed", -1), ("seed", 2**32), ("memory_limit", -1.0)])
def test_a_setting_out_of_range_is_named(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"^{key}="):
        StackedMNIST(**{key: value})  # type: ignore[arg-type]
