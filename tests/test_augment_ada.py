"""ADA's colours, bands, noise and holes against NumPy and the paper's matrices, and the six classes together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.augmentations.ada import PARTS, AdaptiveAugmentation
from gan_cli.augmentations.color_transforms import Coloring, draw_coloring, transform_colors
from gan_cli.augmentations.frequency_filter import apply_gains, draw_gains, filters, power_preserving_gains
from gan_cli.augmentations.noise_and_cutout import Cutout, add_noise, cut_out, draw_cutout, draw_noise_deviations
from gan_cli.errors import ConfigError

SEED = tf.constant([3, 4], tf.int32)
IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 12, 16, 3)).astype(np.float32)
MANY = 20_000


def ada(*on: str, **changed: Any) -> AdaptiveAugmentation:
    return AdaptiveAugmentation(
        **{part: part in on for part in PARTS}, **{"target": 0.6, "ramp_images": 500_000, "interval": 4, **changed}
    )


def fill(*values: float) -> list[Any]:
    """Each number for a batch of two."""
    return [tf.constant([value, value], tf.float32) for value in values]


def coloring(
    brightness: float = 0, contrast: float = 1, flip: float = 0, angle: float = 0, saturation: float = 1
) -> Coloring:
    return Coloring(*fill(brightness, contrast, flip, angle, saturation))


V = np.array([1, 1, 1, 0]) / np.sqrt(3)
"""The luma axis, homogeneous."""


def turn_about_luma(angle: float) -> np.ndarray:
    """Rodrigues' formula."""
    x = y = z = 1 / np.sqrt(3)
    cross = np.array([[0, -z, y, 0], [z, 0, -x, 0], [-y, x, 0, 0], [0, 0, 0, 0]])
    return np.eye(4) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


# 4x4 matrices as in the pseudocode of the paper's appendix.
MATRICES = {
    "brightness": (0.3, np.array([[1, 0, 0, 0.3], [0, 1, 0, 0.3], [0, 0, 1, 0.3], [0, 0, 0, 1]])),
    "contrast": (1.7, np.diag([1.7, 1.7, 1.7, 1])),
    "flip": (1.0, np.eye(4) - 2 * np.outer(V, V)),
    "angle": (2.1, turn_about_luma(2.1)),
    "saturation": (0.4, np.outer(V, V) + 0.4 * (np.eye(4) - np.outer(V, V))),
}


@pytest.mark.parametrize("names", [[name] for name in MATRICES] + [list(MATRICES)], ids="-".join)
def test_colours_are_multiplied_by_the_papers_matrices_one_after_the_other(names):
    matrix = np.eye(4)
    for name in names:
        matrix = MATRICES[name][1] @ matrix
    # Saturation's matrix scales the homogeneous coordinate too; the paper, like its code, leaves that row out.
    expected = IMAGES @ matrix[:3, :3].T + matrix[:3, 3]
    actual = transform_colors(IMAGES, coloring(**{name: MATRICES[name][0] for name in names}))
    np.testing.assert_allclose(actual, expected, atol=2e-6)


def test_a_hue_turned_by_a_third_exchanges_the_channels():
    actual = transform_colors(IMAGES, coloring(angle=2 * np.pi / 3))
    np.testing.assert_allclose(actual, np.roll(IMAGES, 1, axis=3), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grey_image_stays_grey_and_has_neither_hue_nor_saturation(channels):
    grey = np.repeat(IMAGES[..., :1], channels, axis=3)
    actual = transform_colors(grey, coloring(0.3, 1.7, 1.0, 2.1, 0.4))
    np.testing.assert_allclose(actual, -1.7 * (grey + 0.3), atol=1e-6)


def test_of_other_numbers_of_channels_luma_is_their_mean_and_saturation_the_distance_from_it():
    images = np.concatenate([IMAGES, IMAGES[..., ::-1]], axis=3)[..., :5]
    luma = images.mean(axis=3, keepdims=True)
    actual = transform_colors(images, coloring(flip=1.0, angle=2.1, saturation=0.4))
    np.testing.assert_allclose(actual, -luma + 0.4 * (images - luma), atol=1e-6)


def test_each_image_has_its_own_colours():
    actual = transform_colors(
        IMAGES, Coloring(*(tf.constant(pair) for pair in ([0.5, 0.0], [1.0, 2.0], *[[0.0, 0.0]] * 2, [1.0] * 2)))
    )
    np.testing.assert_allclose(actual, [IMAGES[0] + 0.5, 2 * IMAGES[1]], atol=1e-6)


def test_the_bands_add_up_to_the_image_and_each_has_its_octave():
    bands = filters()
    np.testing.assert_allclose(bands.sum(axis=0), np.eye(bands.shape[1])[bands.shape[1] // 2], atol=1e-12)
    np.testing.assert_allclose(bands, bands[:, ::-1], atol=1e-12)
    power = np.abs(np.fft.fft(bands, 256)) ** 2
    # Frequencies in 256ths; edges between octaves lie at 16, 32 and 64, where neighbours share the signal alike.
    for frequency, band in [(0, 0), (4, 0), (23, 1), (46, 2), (100, 3), (128, 3)]:
        assert power[:, frequency].argmax() == band
    np.testing.assert_allclose(np.sqrt(power[:, [0, 128]]), [[1, 0], [0, 0], [0, 0], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(np.sqrt(power[3, 64]), 0.5, atol=1e-12)


def test_a_bands_gain_leaves_a_natural_image_its_power():
    # Power falls as 1 / frequency: 10, 1, 1, 1 of 13 in the four bands. A gain of 4 on the second: 28/13 of the power.
    gains = power_preserving_gains(tf.constant([4.0, 1.0]), 1).numpy()
    np.testing.assert_allclose(gains[0], np.array([1, 4, 1, 1]) / np.sqrt(28 / 13), rtol=1e-6)
    np.testing.assert_array_equal(gains[1], np.ones(4))


def test_bands_are_amplified_along_both_axes_with_mirrored_edges():
    gains = np.array([[0.5, 2.0, 1.0, 3.0], [1.0, 1.0, 0.25, 1.0]], np.float32)
    actual = apply_gains(IMAGES, tf.constant(gains)).numpy()
    for image, own, result in zip(IMAGES, gains, actual, strict=True):
        kernel = own @ filters()
        middle = len(kernel) // 2
        padded = np.pad(image, [(middle, middle), (middle, middle), (0, 0)], mode="reflect")
        expected = np.apply_along_axis(np.convolve, 0, padded, kernel, mode="valid")
        expected = np.apply_along_axis(np.convolve, 1, expected, kernel, mode="valid")
        np.testing.assert_allclose(result, expected, atol=1e-5)


def test_a_plain_image_stays_plain_and_only_the_lowest_bands_gain_acts_on_it():
    plain = tf.fill([2, 8, 6, 2], 0.5)
    actual = apply_gains(plain, tf.constant([[1.0, 3.0, 0.2, 5.0], [0.5, 3.0, 0.2, 5.0]]))
    np.testing.assert_allclose(actual[0], plain[0], atol=1e-5)
    np.testing.assert_allclose(actual[1], 0.25 * plain[1], atol=1e-5)  # along both axes


def test_noise_is_normal_and_as_strong_as_each_image_has_it():
    images = tf.zeros([2, 100, 100, 3])
    noise = add_noise(images, tf.constant([0.0, 0.2]), SEED).numpy()
    np.testing.assert_array_equal(noise[0], images[0])
    assert noise[1].std() == pytest.approx(0.2, rel=0.02)
    assert noise[1].mean() == pytest.approx(0.0, abs=0.005)
    assert (np.abs(noise[1]) < 0.2).mean() == pytest.approx(0.6827, abs=0.01)  # of a normal distribution


def test_a_hole_is_grey_where_a_pixels_centre_is_in_it():
    # Of 12 rows, half of them about 1/4: 0 to 5. Of 16 columns, half of them about 0.9: from 10.4 on, so 10 to 15.
    expected = IMAGES.copy()
    expected[0, :6, 10:] = 0.0
    cutout = Cutout(*(tf.constant(pair) for pair in ([0.5, 0.0], [0.9, 0.5], [0.25, 0.5])))
    np.testing.assert_array_equal(cut_out(IMAGES, cutout), expected)


def frequency(value: float) -> Any:
    return pytest.approx(value, abs=4.5 * np.sqrt(0.25 / MANY))


def test_colours_change_as_often_and_as_far_as_published():
    drawn = Coloring(*(values.numpy() for values in draw_coloring(MANY, tf.constant(0.3), SEED)))
    changed = Coloring(*(values != default for values, default in zip(drawn, (0, 1, 0, 0, 1), strict=True)))
    for name, share in zip(Coloring._fields, (0.3, 0.3, 0.15, 0.3, 0.3), strict=True):
        assert getattr(changed, name).mean() == frequency(share)
    assert drawn.brightness[changed.brightness].std() == pytest.approx(0.2, rel=0.04)
    assert np.log2(drawn.contrast[changed.contrast]).std() == pytest.approx(0.5, rel=0.04)
    assert np.log2(drawn.saturation[changed.saturation]).std() == pytest.approx(1.0, rel=0.04)
    assert np.abs(drawn.angle).max() == pytest.approx(np.pi, rel=0.01)
    assert drawn.angle[changed.angle].std() == pytest.approx(2 * np.pi / np.sqrt(12), rel=0.03)
    assert np.abs(np.corrcoef(np.array(changed, float)) - np.eye(5)).max() < 0.035  # each by itself


def test_bands_noise_and_holes_come_as_often_and_as_strong_as_published():
    strength = tf.constant(0.3)
    gains = draw_gains(MANY, strength, SEED).numpy()
    assert (gains == 1).all(axis=1).mean() == frequency(0.7**4)
    alone = gains[(gains[:, 1] == gains[:, 2]) & (gains[:, 2] == gains[:, 3]) & (gains[:, 0] != gains[:, 1])]
    assert np.log2(alone[:, 0] / alone[:, 1]).std() == pytest.approx(1.0, rel=0.05)  # the lowest alone
    deviations = draw_noise_deviations(MANY, strength, SEED).numpy()
    assert (deviations > 0).mean() == frequency(0.3)
    assert np.sqrt((deviations[deviations > 0] ** 2).mean()) == pytest.approx(0.1, rel=0.04)
    cutout = draw_cutout(MANY, strength, SEED)
    np.testing.assert_array_equal(np.unique(cutout.size), [0.0, 0.5])
    assert (cutout.size.numpy() > 0).mean() == frequency(0.3)
    assert (cutout.x.numpy().mean(), cutout.y.numpy().mean()) == (frequency(0.5), frequency(0.5))


@pytest.mark.parametrize("part", PARTS)
def test_what_a_class_draws_does_not_depend_on_which_others_are_on(part):
    images, strength = tf.constant(np.tile(IMAGES, (8, 1, 1, 1))), 0.8
    alone = ada(part)(images, strength, SEED).numpy()
    assert np.abs(alone - images).max() > 0.05
    together = ada(*PARTS)(images, strength, SEED).numpy()
    others = ada(*(other for other in PARTS if other != part))(images, strength, SEED).numpy()
    assert np.abs(together - others).max() > 0.05
    np.testing.assert_array_equal(ada(part)(images, 0.0, SEED), images)
    if part == "cutout":  # the last
        np.testing.assert_array_equal(together == 0.0, alone == 0.0)


def test_the_classes_come_in_the_published_order():
    images = tf.constant(np.tile(IMAGES, (4, 1, 1, 1)))
    expected = images
    for parts in (("blit", "geometry"), ("color",), ("filter",), ("noise",), ("cutout",)):
        expected = ada(*parts)(expected, 0.8, SEED)
    np.testing.assert_allclose(ada(*PARTS)(images, 0.8, SEED), expected, atol=1e-5)


def test_images_are_flipped_and_turned_by_quarters_before_they_are_turned_by_any_angle():
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (32, 9, 9, 1)), tf.float32)
    first = ada("blit")(images, 0.7, SEED).numpy()
    turns = [np.rot90(one, quarters, axes=(1, 2)) for one in (images, images[:, :, ::-1]) for quarters in range(4)]
    unshifted = np.any([(first == turn).all(axis=(1, 2, 3)) for turn in turns], axis=0)  # whose edges are as they were
    expected = ada("geometry")(first, 0.7, SEED).numpy()
    np.testing.assert_allclose(ada("blit", "geometry")(images, 0.7, SEED)[unshifted], expected[unshifted], atol=1e-4)
    assert (np.abs(expected - first).max(axis=(1, 2, 3)) > 0.1)[unshifted].sum() >= 5


def test_the_probability_moves_towards_its_target_as_published():
    augmentation = ada("color", target=0.6, ramp_images=1600, interval=2)
    state = {name: tf.constant(value) for name, value in augmentation.initial_state.items()}
    seen = []
    # Means of signs in pairs of updates of 16 images: 1, 0.75 (above 0.6: up by 2 x 16 / 1600), then 0.5, -1 (down).
    for negative in (0, 0, 0, 4, 2, 6, 16, 16):
        margins = tf.constant([-1.0] * negative + [2.0] * (16 - negative))
        state = augmentation.next_state(margins, 16, state, step=0)
        seen.append(float(augmentation.strength(tf.constant(0, tf.int64), state)))
    np.testing.assert_allclose(seen, [0, 0.02, 0.02, 0.04, 0.04, 0.02, 0.02, 0.0], atol=1e-7)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ada(), "all switched off.*augment=\\[\\]"),
        (lambda: ada("color", target=1.5), "^target=1.5: expected"),
        (
            lambda: AdaptiveAugmentation(True, "yes", *[False] * 4, 0.6, 500_000, 4),
            "^geometry=yes: expected true or false",
        ),
    ],
)
def test_what_can_not_be_is_refused_by_its_key(build, message):
    with pytest.raises(ConfigError, match=message):
        build()
