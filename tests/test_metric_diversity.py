"""MS-SSIM against closed properties and TensorFlow's, and the pairs that it compares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from gan_cli.data import DataSpec
from gan_cli.data.folder import Folder
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Result, diversity
from gan_cli.metrics.diversity import PairSimilarity, pair_places, read_pairs, similarities
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.ms_ssim import ms_ssim, scale_weights, scales_that_fit

RANDOM = np.random.default_rng(0)
DIGITS = np.round(load_digits().images[..., None] * (255 / 16)).astype(np.uint8)
LABELS = load_digits().target.astype(np.int32)


def compare(real: InMemoryFeatures, fake: InMemoryFeatures, pairs: int = 300) -> Result:
    return PairSimilarity(pairs)(Comparison(real, fake))


def smooth(shape: tuple[int, ...]) -> np.ndarray:
    """Random images with structure at several scales, uint8."""
    count, height, width, channels = shape
    total = np.zeros(shape)
    for side in (4, 8, 16, 32):
        coarse = RANDOM.uniform(-40, 40, (count, -(-height // side), -(-width // side), channels))
        total += coarse.repeat(side, 1).repeat(side, 2)[:, :height, :width]
    return np.clip(total + 128, 0, 255).astype(np.uint8)


def test_an_image_is_like_itself_and_similarity_has_no_direction() -> None:
    first, second = smooth((3, 40, 50, 3)), smooth((3, 40, 50, 3))
    np.testing.assert_allclose(ms_ssim(first, first), 1, rtol=1e-6)
    np.testing.assert_allclose(ms_ssim(first, second), ms_ssim(second, first), rtol=1e-6)
    assert ms_ssim(first, second).max() < 0.6


def test_the_opposite_of_an_image_is_not_like_it_at_all() -> None:
    images = smooth((3, 64, 64, 1))
    assert ms_ssim(images, 255 - images).max() == 0


def test_noise_and_brightness_each_lower_it_the_more_of_them_there_is() -> None:
    images = smooth((20, 48, 48, 3))
    noise = RANDOM.normal(size=images.shape)
    noisy = [ms_ssim(images, np.clip(images + scale * noise, 0, 255)).mean() for scale in (0, 5, 20, 60)]
    brighter = [ms_ssim(images, images.astype(np.float32) + more).mean() for more in (0, 10, 40, 100)]
    assert noisy == sorted(noisy, reverse=True)
    assert brighter == sorted(brighter, reverse=True)


@pytest.mark.parametrize("size", [(176, 200, 3), (161, 161, 1), (96, 50, 2), (33, 47, 4), (21, 21, 1), (12, 15, 3)])
def test_numbers_are_those_of_tensorflow(size: tuple[int, int, int]) -> None:
    import tensorflow as tf

    first = smooth((2, *size))
    second = np.clip(first + RANDOM.normal(scale=25, size=first.shape), 0, 255).astype(np.uint8)
    weights = scale_weights(scales_that_fit(*size[:2])).tolist()
    theirs = tf.image.ssim_multiscale(first.astype(np.float32), second.astype(np.float32), 255.0, power_factors=weights)
    np.testing.assert_allclose(ms_ssim(first, second), theirs.numpy(), rtol=1e-4)


def test_channels_are_averaged_however_many() -> None:
    first, second = smooth((4, 30, 30, 5)), smooth((4, 30, 30, 5))
    apart = [ms_ssim(first[..., [channel]], second[..., [channel]]) for channel in range(5)]
    np.testing.assert_allclose(ms_ssim(first, second), np.mean(apart, axis=0), rtol=1e-5)


def test_small_images_have_the_scales_for_which_there_is_room_with_weights_of_sum_one() -> None:
    sides = (8, 20, 21, 32, 41, 64, 81, 160, 161, 512)
    assert [scales_that_fit(side, 600) for side in sides] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert all(scale_weights(scales).sum() == pytest.approx(1, abs=2e-4) for scales in range(1, 6))
    assert scale_weights(2)[1] / scale_weights(2)[0] == pytest.approx(0.2856 / 0.0448)


def test_images_smaller_than_the_window_are_compared_as_a_whole() -> None:
    """One window of 8 x 8: SSIM's own formula with weighted moments, written out."""
    first, second = DIGITS[:5].astype(float), DIGITS[5:10].astype(float)
    offsets = np.arange(8) - 3.5
    weights = np.exp(-(offsets**2) / (2 * (1.5 * 8 / 11) ** 2))
    weights = np.outer(weights, weights)[None, :, :, None] / np.outer(weights, weights).sum()
    mean = (first * weights).sum((1, 2)), (second * weights).sum((1, 2))
    variance = [(weights * (image - m[:, None, None]) ** 2).sum((1, 2)) for image, m in zip((first, second), mean)]  # noqa: B905
    both = (weights * (first - mean[0][:, None, None]) * (second - mean[1][:, None, None])).sum((1, 2))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean[0] * mean[1] + c1) / (mean[0] ** 2 + mean[1] ** 2 + c1)
    expected = luminance * (2 * both + c2) / (variance[0] + variance[1] + c2)
    np.testing.assert_allclose(ms_ssim(DIGITS[:5], DIGITS[5:10]), np.maximum(expected[:, 0], 0), rtol=1e-4)


def test_images_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected two equal ones"):
        ms_ssim(DIGITS[:5], DIGITS[:4])


def test_pairs_are_of_one_class_and_use_no_example_twice() -> None:
    labels = RANDOM.integers(0, 5, 1000)
    places = pair_places(labels, 100)
    assert (labels[places[:, 0]] == labels[places[:, 1]]).all()
    assert len(np.unique(places)) == places.size
    assert (np.bincount(labels[places[:, 0]]) == 20).all()
    assert (np.diff(places[:, 1]) > 0).all()
    assert places[labels[places[:, 0]] == 3].min() == np.flatnonzero(labels == 3)[0]


def test_a_class_with_too_few_examples_gives_as_many_pairs_as_it_can() -> None:
    assert pair_places(np.array([0, 1, 1, 0, 2, 0, 1, 1]), 30).tolist() == [[1, 2], [0, 3], [6, 7]]


def test_pairs_are_read_in_chunks_and_put_together_over_their_borders() -> None:
    values = np.arange(1000).reshape(-1, 1, 1, 1) * np.ones((1, 2, 2, 1))
    labels = np.where(np.arange(1000) % 251 == 0, 1, RANDOM.integers(2, 4, 1000))  # class 1: 0, 251, 502, 753
    places = pair_places(labels, 900)
    parts = list(read_pairs(InMemoryFeatures(values=values), places))
    assert len(parts) > 1
    read = np.concatenate([np.stack([first[:, 0, 0, 0], second[:, 0, 0, 0]], axis=1) for first, second in parts])
    np.testing.assert_array_equal(read, places)
    assert [0, 251] in read.tolist()


def test_one_image_again_and_again_is_the_least_diverse() -> None:
    values = compare(InMemoryFeatures(values=DIGITS), InMemoryFeatures(values=DIGITS[:1].repeat(600, 0))).values
    assert values["ms_ssim"].value == pytest.approx(1)
    assert values["ms_ssim"].uncertainty == pytest.approx(0, abs=1e-9)
    assert values["ms_ssim_real"].value < 0.4


def test_other_real_digits_are_as_diverse_within_the_error_and_noise_is_more_so() -> None:
    real = InMemoryFeatures(values=DIGITS[:900])
    values = compare(real, InMemoryFeatures(values=DIGITS[900:])).values
    fake, true = values["ms_ssim"], values["ms_ssim_real"]
    assert fake.uncertainty is not None and true.uncertainty is not None
    assert abs(fake.value - true.value) < 3 * np.hypot(fake.uncertainty, true.uncertainty)
    noise = RANDOM.integers(0, 256, DIGITS[:900].shape).astype(np.uint8)
    assert compare(real, InMemoryFeatures(values=noise)).values["ms_ssim"].value < true.value / 2


def test_a_set_is_exactly_as_diverse_as_itself_and_about_so_in_another_order() -> None:
    side = InMemoryFeatures(values=DIGITS)
    values = compare(side, side).values
    assert values["ms_ssim"] == values["ms_ssim_real"]
    shuffled = compare(side, InMemoryFeatures(values=RANDOM.permutation(DIGITS))).values["ms_ssim"]
    assert shuffled.value == pytest.approx(values["ms_ssim"].value, abs=4 * (values["ms_ssim"].uncertainty or 0))


def test_digits_of_one_class_are_more_alike_than_any_two() -> None:
    labelled, bare = InMemoryFeatures(values=DIGITS, labels=LABELS), InMemoryFeatures(values=DIGITS)
    within, across = compare(labelled, labelled), compare(labelled, bare)
    assert within.values["ms_ssim_real"].value > 1.5 * across.values["ms_ssim_real"].value
    assert not any("no classes" in note for note in within.notes)
    assert any("no classes" in note for note in across.notes)
    assert all(any("1 of MS-SSIM's 5 scales" in note for note in result.notes) for result in (within, across))


def test_a_generator_with_one_image_for_each_class_shows_where_there_are_labels() -> None:
    one_each = np.stack([DIGITS[label == LABELS][0] for label in range(10)])[LABELS]
    real = InMemoryFeatures(values=DIGITS, labels=LABELS)
    assert compare(real, InMemoryFeatures(values=one_each, labels=LABELS)).values["ms_ssim"].value == pytest.approx(1)
    assert compare(real, InMemoryFeatures(values=one_each)).values["ms_ssim"].value < 0.5


def test_photographs_are_compared_at_three_scales_and_those_of_the_sea_are_alike(eurosat_folder: Path) -> None:
    values, labels = Folder(path=str(eurosat_folder), memory_limit=0).open().read(np.arange(0, 5000, 10))
    sea = labels == 9  # the last of the ten folders
    whole = InMemoryFeatures(values=values, labels=labels)
    result = compare(whole, InMemoryFeatures(values=values[sea], labels=labels[sea]))
    assert any("3 of MS-SSIM's 5 scales" in note for note in result.notes)
    assert 0.1 < result.values["ms_ssim_real"].value < 0.6 < result.values["ms_ssim"].value < 1


def test_what_can_t_be_measured_is_refused() -> None:
    with pytest.raises(ConfigError, match="compares images"):
        PairSimilarity().check(DataSpec((2,), 100), 100, 100)
    with pytest.raises(ConfigError, match=r"^real_samples=30: diversity needs at least 200"):
        PairSimilarity().check(DataSpec((8, 8, 1), 30, 100), 30, 1000)
    with pytest.raises(ConfigError, match=r"^pairs=3: expected"):
        PairSimilarity(pairs=3)
    with pytest.raises(ConfigError, match=r"^samples=3: diversity needs two examples of a class"):
        compare(
            InMemoryFeatures(values=DIGITS, labels=LABELS),
            InMemoryFeatures(values=DIGITS[:3], labels=np.array([0, 1, 2])),
        )


def test_images_compared_in_blocks_have_the_same_similarities(monkeypatch: pytest.MonkeyPatch) -> None:
    images = InMemoryFeatures(values=DIGITS[:40])
    at_once = similarities(images, within_classes=False, pairs=20)
    monkeypatch.setattr(diversity, "BLOCK", 3 * DIGITS[0].size)
    np.testing.assert_allclose(similarities(images, within_classes=False, pairs=20), at_once, rtol=1e-6)


def test_two_pairs_are_enough_and_one_is_not() -> None:
    assert similarities(InMemoryFeatures(values=DIGITS[:4]), within_classes=False, pairs=10).shape == (2,)
    with pytest.raises(ConfigError, match="two examples"):
        similarities(InMemoryFeatures(values=DIGITS[:3]), within_classes=False, pairs=10)


def test_twenty_images_are_the_least() -> None:
    data = DataSpec((8, 8, 1), 100)
    PairSimilarity().check(data, 20, 20)
    with pytest.raises(ConfigError, match="at least 20"):
        PairSimilarity().check(data, 20, 19)
