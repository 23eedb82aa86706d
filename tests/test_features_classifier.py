"""The small classifier: what it tells of real digits, that it is always the same, and that it disturbs nothing."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from quick_classifier import QUICK, Heard, opened

from gan_cli.data import DataSpec, InMemory
from gan_cli.data.digits import Digits
from gan_cli.errors import ConfigError
from gan_cli.features import FeatureExtractor
from gan_cli.features.classifier import Classifier
from gan_cli.metrics.fid import frechet_distance
from gan_cli.metrics.mean_and_covariance import moments_of

pytestmark = pytest.mark.usefixtures("own_cache")


@cache
def quick_digits() -> tuple[FeatureExtractor, Heard]:
    """The classifier of digits, and what its training reported."""
    examples, heard = Digits().open(), Heard()
    return opened(examples, reporter=heard), heard


def striped(shape: tuple[int, ...], examples: int = 200) -> InMemory:
    """Noise, and the same noise with a brighter upper half."""
    generator = np.random.default_rng(0)
    labels = np.arange(examples, dtype=np.int32) % 2
    values = generator.integers(0, 200, (examples, *shape), np.uint8)
    values[:, : (shape[0] + 1) // 2] += (40 * labels).astype(np.uint8)[:, None, None, None]
    return InMemory(DataSpec(shape, examples, 2), values, labels, [])


def test_it_learns_digits_and_tells_how_well_it_reads_those_kept_aside(digits: InMemory) -> None:
    embedding, heard = quick_digits()
    assert embedding.identity["accuracy"] >= 0.97
    assert heard.lines == [f"classifier features: accuracy {embedding.identity['accuracy']:.4f} on 179 held-out images"]
    assert heard.warnings == []
    assert heard.done[-1] == (300, 300)
    features, logits = embedding(digits.values)
    assert logits is not None
    assert (features.shape, features.dtype) == ((1797, embedding.dimensions), np.float32)
    assert (logits.shape, logits.dtype) == ((1797, embedding.classes), np.float32)
    assert (features.std(axis=0) > 0.01 * features.std()).all()  # none is dead
    assert (logits.argmax(axis=1) == digits.labels).mean() >= 0.97
    assert json.loads(json.dumps(embedding.identity)) == embedding.identity
    assert embedding.identity["settings"] == {"steps": 300, "width": 32, "learning_rate": 0.001, "seed": 0}


def test_accuracy_is_that_on_images_which_training_never_saw(digits: InMemory) -> None:
    """Labels without any meaning can be learnt by heart, and are then told no better than by chance."""
    labels = np.random.default_rng(0).integers(0, 10, 150, np.int32)
    meaningless = InMemory(replace(digits.spec, examples=150), digits.values[:150], labels, [])
    heard = Heard()
    embedding = opened(meaningless, Classifier(steps=300), heard)
    logits = embedding(meaningless.values).logits
    assert logits is not None
    assert (logits.argmax(axis=1) == labels).mean() > 0.85
    assert embedding.identity["accuracy"] < 0.4
    assert "mean little" in heard.warnings[0]


def test_features_of_digits_are_the_farther_away_the_noisier_they_are(digits: InMemory) -> None:
    embedding, _ = quick_digits()
    real = moments_of(embedding(digits.values[::2]).features)
    others = digits.values[1::2]
    noise = np.random.default_rng(0).normal(size=others.shape)
    levels = [np.clip(np.round(others + 255 * level * noise), 0, 255).astype(np.uint8) for level in (0, 0.1, 0.2, 0.4)]
    distances = [frechet_distance(real, moments_of(embedding(noisy).features)) for noisy in levels]
    assert distances == sorted(distances)
    assert distances[1] > 1.5 * distances[0]
    assert distances[3] > 10 * distances[0]


def test_nothing_of_a_training_in_the_same_process_is_disturbed(digits: InMemory) -> None:
    import keras
    import tensorflow as tf

    def drawn() -> list[Any]:
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
        eager = tf.random.uniform([2]).numpy().tolist()
        return [eager, layer.kernel.numpy().tolist(), random.random(), np.random.rand()]

    keras.utils.set_random_seed(1)
    expected = drawn()
    number = int(keras.layers.Dense(2).name.rpartition("_")[2])
    keras.utils.set_random_seed(1)
    opened(digits, replace(QUICK, steps=5))(digits.values[:3])
    assert drawn() == expected
    assert keras.layers.Dense(2).name == f"dense_{number + 2}"  # one in drawn()


def test_what_a_training_in_the_same_process_has_set_makes_no_difference(digits: InMemory, own_cache: Path) -> None:
    import keras

    short = replace(QUICK, steps=20)
    plain = opened(digits, short)
    before = keras.config.dtype_policy()
    (own_cache / "classifier").rename(own_cache / "elsewhere")
    keras.utils.set_random_seed(7)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        other = opened(digits, short)
    finally:
        keras.config.set_dtype_policy(before)
    assert len(list((own_cache / "classifier").iterdir())) == 1
    assert other.identity == plain.identity
    np.testing.assert_array_equal(other(digits.values).features, plain(digits.values).features)


def test_features_of_an_image_do_not_depend_on_its_neighbours(digits: InMemory) -> None:
    embedding = opened(digits, replace(QUICK, steps=20))
    whole = embedding(digits.values[:300])
    order = np.random.default_rng(0).permutation(300)
    for expected, found in zip(whole, embedding(digits.values[order]), strict=True):
        assert expected is not None
        np.testing.assert_array_equal(expected[order], found)
    for count in (1, 127, 129):
        np.testing.assert_array_equal(embedding(digits.values[:count]).features, whole.features[:count])


@pytest.mark.parametrize("shape", [(8, 8, 1), (3, 5, 2), (9, 40, 4), (28, 28, 1), (70, 64, 3)])
def test_images_of_any_size_will_do(shape: tuple[int, int, int]) -> None:
    examples = striped(shape)
    embedding = opened(examples, Classifier(steps=60, width=8))
    assert embedding.identity["accuracy"] == 1 if min(shape[:2]) >= 8 else embedding.identity["accuracy"] > 0.5
    features, logits = embedding(examples.values[:2])
    assert logits is not None
    assert (features.shape, logits.shape) == ((2, 32), (2, 2))


def test_what_has_no_labels_is_reported_at_once() -> None:
    program = """
import sys
from gan_cli.errors import ConfigError
from gan_cli.data import DataSpec
from gan_cli.features.classifier import Classifier
from gan_cli.progress import SilentReporter
from gan_cli.features.classifier import Classifier
labelled = DataSpec((8, 8, 1), 100, 10)
Classifier().check(labelled)
tries = [
    lambda: Classifier().check(DataSpec((8, 8, 1), 100)),
    lambda: Classifier().check(DataSpec((8, 8, 1), 100, 1)),
    lambda: Classifier().check(DataSpec((8, 8, 1), 9, 2)),
    lambda: Classifier().check(DataSpec((2,), 100, 2)),
    lambda: Classifier().load(labelled, None, SilentReporter()),
]
for attempt in tries:
    try:
        attempt()
    except ConfigError as error:
        print(error.below("features"))
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("features: ") for line in lines)
    for line in (lines[0], lines[1], lines[4]):
        assert "labels" in line
        assert "features=inception or features=random" in line
    assert "features=pixels" in lines[3]


@pytest.mark.parametrize(
    ("key", "value"), [("steps", 0), ("width", 0), ("learning_rate", 0.0), ("seed", -1), ("seed", 2**32)]
)
def test_a_setting_out_of_range_is_named(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"^{key}="):
        Classifier(**{key: value})


def test_a_training_that_diverges_is_reported(digits: InMemory, own_cache: Path) -> None:
    with pytest.raises(ConfigError, match=r"^learning_rate=1e\+30: .*diverged"):
        opened(digits, Classifier(steps=5, learning_rate=1e30))
    assert not own_cache.exists()
