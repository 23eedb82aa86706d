"""Features of a network with random weights: the same everywhere, for any images, and telling near from far."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gan_cli.data import DataSpec, Source
from gan_cli.data.digits import Digits
from gan_cli.data.folder import Folder
from gan_cli.data.tfds import TFDS
from gan_cli.devices import dtype_policy, set_up_tensorflow
from gan_cli.errors import ConfigError
from gan_cli.features import FeatureExtractor
from gan_cli.features.random_network import BATCH, RandomNetwork, random_kernels
from gan_cli.metrics.fid import frechet_distance, root_of_covariance
from gan_cli.metrics.mean_and_covariance import moments_of
from gan_cli.progress import SilentReporter


@pytest.fixture(scope="module", autouse=True)
def as_in_a_run() -> None:
    set_up_tensorflow(seed=0, deterministic=True)


def opened(shape: tuple[int, ...], seed: int = 0) -> FeatureExtractor:
    return RandomNetwork(seed).load(DataSpec(shape, 10), None, SilentReporter())


def noise_images(count: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def distances_from(first: np.ndarray, *others: np.ndarray) -> list[float]:
    """The Fréchet distance of each of the other images to the first ones."""
    embedding = opened(first.shape[1:])
    moments = moments_of(embedding(first).features)
    root = root_of_covariance(moments)
    return [frechet_distance(moments, moments_of(embedding(images).features), root) for images in others]


def with_noise(images: np.ndarray, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, deviation, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def first_of(source: Source, count: int) -> np.ndarray:
    """Some examples at random."""
    examples = source.open()
    return examples.read(np.random.default_rng(0).permutation(examples.spec.examples)[:count])[0]


@pytest.mark.parametrize(
    ("shape", "dimensions"),
    [((4, 4, 1), 128), ((8, 8, 1), 256), ((9, 31, 4), 256), ((28, 28, 1), 384), ((64, 48, 3), 512)],
)
def test_any_image_from_four_pixels_on_has_features(shape: tuple[int, ...], dimensions: int) -> None:
    embedding = opened(shape)
    found = embedding(noise_images(3, shape))
    assert found.features.shape == (3, dimensions)
    assert found.features.dtype == np.float32
    assert np.isfinite(found.features).all()
    assert found.logits is None
    assert (embedding.dimensions, embedding.classes) == (dimensions, 0)


def test_the_features_are_means_and_deviations_of_the_convolutions() -> None:
    images = noise_images(2, (4, 6, 2))
    (kernel,) = random_kernels(0, (4, 6, 2))
    padded = np.pad(images / 127.5 - 1, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    maps = np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel), 0)
    expected = np.concatenate([maps.mean(axis=(1, 2)), maps.std(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(opened((4, 6, 2))(images).features, expected, rtol=1e-4, atol=1e-6)


def test_the_weights_are_the_same_on_every_machine() -> None:
    digest = "00ff104fc7c4f6803e19906cd3aa9675cb4e8bb2d0b73e2927c6d83d84823f12"
    assert opened((28, 28, 1)).identity == {
        "name": "random",
        "weights_sha256": digest,
        "seed": 0,
    }


def test_the_weights_keep_the_scale_of_what_they_are_given() -> None:
    for kernel in random_kernels(0, (64, 64, 3)):
        assert kernel.mean() == pytest.approx(0, abs=float(0.02 * kernel.std()))
        assert kernel.var() == pytest.approx(2 / np.prod(kernel.shape[:3]), rel=0.05)


def test_another_seed_or_number_of_channels_is_another_network() -> None:
    identities = [opened((8, 8, 1)), opened((8, 8, 1), seed=1), opened((8, 8, 3))]
    assert len({json.dumps(embedding.identity) for embedding in identities}) == 3


def test_what_is_given_for_an_image_depends_neither_on_the_others_nor_on_the_dtype_policy() -> None:
    images = noise_images(BATCH + 1, (28, 28, 1))
    together = opened((28, 28, 1))(images).features
    with dtype_policy("mixed_bfloat16"):
        embedding = opened((28, 28, 1))
        np.testing.assert_array_equal(embedding(images[-1:]).features, together[-1:])
        np.testing.assert_array_equal(embedding(images[::-1]).features, together[::-1])


def test_digits_are_nearer_to_digits_than_to_noisy_ones() -> None:
    digits = first_of(Digits(), 1797)
    some, others = digits[:900], digits[900:]
    compared = [others, *(with_noise(others, deviation) for deviation in (10, 20, 40)), 255 - others]
    distances = distances_from(some, *compared)
    assert distances == sorted(distances)


def test_photographs_are_farther_from_mnist_than_noise_and_its_test_images(
    test_data: Path, eurosat_folder: Path
) -> None:
    mnist = str(test_data / "tfds")
    train, test = (
        first_of(TFDS(name="mnist", data_dir=mnist, split=f"{split}[:1000]"), 1000) for split in ("train", "test")
    )
    photographs = first_of(Folder(path=str(eurosat_folder), image_size="28", channels="grey", memory_limit=0), 1000)
    compared = [test, with_noise(test, 20), with_noise(test, 60), photographs]
    distances = distances_from(train, *compared)
    assert distances == sorted(distances)
    assert 5 * distances[0] < distances[1]


@pytest.mark.parametrize(
    ("shape", "problem"), [((2,), "these are points"), ((3, 8, 1), "at least 4 pixels a side, not 3")]
)
def test_other_data_is_refused_with_advice(shape: tuple[int, ...], problem: str) -> None:
    with pytest.raises(ConfigError, match=f"{problem}.*features=pixels"):
        RandomNetwork().check(DataSpec(shape, 10))


def test_a_seed_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="seed=-1: expected a whole number at least 0"):
        RandomNetwork(seed=-1)
