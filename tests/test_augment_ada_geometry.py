"""Where ADA's pixels come from, against NumPy pixel by pixel and against images whose signal is known everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.augmentations.affine_resampling import midpoint_weights, move_whole_pixels, reflect_indices, resample
from gan_cli.augmentations.geometric_transforms import (
    Affine,
    AffineTransform,
    Blit,
    draw_affine,
    draw_blit,
    inverse_translation,
)

SEED = tf.constant([3, 4], tf.int32)
IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 9, 9, 3)).astype(np.float32)
WIDE = IMAGES[:, :7]
"""Seven high and nine wide."""
both_ways = pytest.mark.parametrize("move", [move_whole_pixels, resample])


def fill(*values: float) -> list[Any]:
    """Each number for a batch of two."""
    return [tf.constant([value, value], tf.float32) for value in values]


def blit(flip: float = 0, quarters: float = 0, right: float = 0, down: float = 0) -> Affine:
    return Blit(*fill(flip, quarters, right, down)).inverse()


def motion(
    scale: float = 1, first: float = 0, stretch: float = 1, second: float = 0, right: float = 0, down: float = 0
) -> Affine:
    return AffineTransform(*fill(scale, first, stretch, second, right, down)).inverse()


def shifted_mirror(images: np.ndarray, right: int, down: int) -> np.ndarray:
    """Images that go on as their mirror image beyond their edges, seen through a window that has moved."""
    height, width = images.shape[1:3]
    padded = np.pad(images, [(0, 0), (height - 1, height - 1), (width - 1, width - 1), (0, 0)], mode="reflect")
    return padded[:, height - 1 - down :, width - 1 - right :][:, :height, :width]


@both_ways
def test_a_flip_is_a_reversal(move):
    np.testing.assert_array_equal(move(WIDE, blit(flip=1)), WIDE[:, :, ::-1])


@both_ways
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_quarter_turn_is_that_of_numpy(move, quarters):
    np.testing.assert_array_equal(move(IMAGES, blit(quarters=quarters)), np.rot90(IMAGES, quarters, axes=(1, 2)))


@both_ways
@pytest.mark.parametrize(("right", "down"), [(1, 0), (-3, 2), (8, -6)])
def test_a_shift_by_whole_pixels_moves_them_and_fills_with_the_mirror_image(move, right, down):
    expected = shifted_mirror(WIDE, right, down)
    np.testing.assert_array_equal(move(WIDE, blit(right=right, down=down)), expected)


@both_ways
def test_a_quarter_turn_within_an_image_that_is_not_square_is_about_its_centre(move):
    # Seven by nine: of the turned image, nine by seven, the middle seven rows are left, with mirrored columns beside.
    turned = np.rot90(WIDE, 1, axes=(1, 2))[:, 1:-1]
    expected = np.pad(turned, [(0, 0), (0, 0), (1, 1), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(move(WIDE, blit(quarters=1)), expected)


def test_a_quarter_turn_between_pixels_takes_the_pixels_beside_or_the_signal():
    # Eight by nine: the turned image lies half a pixel off. On a slope along the rows, row r shows column 7.5 - r.
    slope = np.tile(np.arange(9, dtype=np.float32), (2, 8, 1))[..., None]
    middle = resample(slope, blit(quarters=1)).numpy()[0, :, 4, 0]
    np.testing.assert_allclose(middle[2:6], [5.5, 4.5, 3.5, 2.5], atol=0.02)
    nearest = move_whole_pixels(slope, blit(quarters=1)).numpy()[0, :, 4, 0]
    np.testing.assert_allclose(nearest, [8, 7, 6, 5, 4, 3, 2, 1])


@both_ways
def test_what_is_done_together_is_done_in_the_published_order(move):
    flipped = IMAGES[:, :, ::-1]
    expected = shifted_mirror(np.rot90(flipped, 1, axes=(1, 2)), 2, -1)
    np.testing.assert_array_equal(move(IMAGES, blit(flip=1, quarters=1, right=2, down=-1)), expected)


def test_each_image_is_moved_in_its_own_way():
    back = Blit(*(tf.constant(value, tf.float32) for value in ([1, 0], [0, 2], [0, 1], [0, 0]))).inverse()
    expected = [WIDE[0, :, ::-1], shifted_mirror(WIDE[1:, ::-1, ::-1], 1, 0)[0]]
    np.testing.assert_array_equal(resample(WIDE, back), expected)


SYM6 = np.array(
    [
        *(0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633),
        *(0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252),
        *(-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148),
    ]
)
"""Daubechies 1992, "Ten Lectures on Wavelets", table 6.3, N = 6, as in training/augment.py of the paper's code."""


def test_the_signal_between_pixels_is_that_of_the_papers_two_filters():
    together = np.convolve(SYM6, SYM6[::-1])
    np.testing.assert_allclose(together[::2], midpoint_weights(), atol=1e-12)
    np.testing.assert_allclose(together[1::2], np.eye(11)[5], atol=1e-12)  # on pixels, the pixels


def test_a_shift_by_any_amount_is_that_of_the_papers_filters():
    # A row, mirrored: zeros between its pixels, filter, shift by 1.5 fine pixels with bilinear weights, filter, halve.
    row = IMAGES[0, 0, :, 0]
    long = np.pad(row, 16, mode="reflect")
    fine = np.convolve(np.stack([long, 0 * long], axis=1).ravel(), np.sqrt(2) * SYM6)
    moved = (np.roll(fine, 1) + np.roll(fine, 2)) / 2
    expected = np.convolve(moved, SYM6[::-1] / np.sqrt(2))[11::2][16:25]
    images = np.tile(row[None, None, :, None], (2, 5, 1, 1))
    actual = resample(images, inverse_translation(*fill(0.75, 0.0)))
    np.testing.assert_allclose(actual[1, 2, :, 0], expected, atol=2e-6)


def wave(x: Any, y: Any, height: int, width: int) -> Any:
    """A signal that is its own mirror image at the edges of an image of that size, so that it is known everywhere."""
    return np.cos(2 * np.pi * (x / (width - 1) + 0.5)) + np.cos(np.pi * (y / (height - 1) + 0.5))


@pytest.mark.parametrize(
    ("parameters", "back"),
    [
        ({"scale": 2.0}, lambda x, y: (x / 2, y / 2)),
        ({"scale": 0.5}, lambda x, y: (2 * x, 2 * y)),
        ({"stretch": 1.25}, lambda x, y: (x / 1.25, 1.25 * y)),
        ({"right": 3.3, "down": -0.4}, lambda x, y: (x - 3.3, y + 0.4)),
        # Counter-clockwise, y downwards: what is now at (0, -1) was at (1, 0) before a quarter turn.
        ({"first": 0.5}, lambda x, y: (np.cos(0.5) * x - np.sin(0.5) * y, np.sin(0.5) * x + np.cos(0.5) * y)),
        (
            {"first": np.pi / 2, "stretch": 1.25, "second": np.pi, "right": 2.0},
            lambda x, y: (y * 1.25, -(x - 2) / 1.25),
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_smooth_image_is_seen_where_the_map_leads_back_to(parameters, back):
    height, width = 32, 48
    y, x = np.mgrid[:height, :width].astype(float)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    image = wave(x, y, height, width).astype(np.float32)
    expected = wave(*back(x, y), height, width)
    # Straight lines between points half a pixel apart: off by (1/2)² / 8 of the second derivative, (2 π / 47)² at most
    # along one axis and (π / 31)² along the other.
    tolerance = ((2 * np.pi / 47) ** 2 + (np.pi / 31) ** 2) / 32 + 1e-5
    actual = resample(np.stack([image, image])[..., None], motion(**parameters))[1, ..., 0]
    np.testing.assert_allclose(actual, expected, atol=tolerance)
    assert np.abs(expected - image).max() > 100 * tolerance


def test_the_edges_are_mirrored_again_and_again():
    np.testing.assert_array_equal(reflect_indices(np.arange(-5, 10), 4), [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3])
    np.testing.assert_array_equal(reflect_indices(np.array([-1.5, 3.25]), 4), [1.5, 2.75])
    np.testing.assert_array_equal(reflect_indices(np.arange(-2, 3), 1), np.zeros(5))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (4, 1)])
def test_the_smallest_images_can_be_moved(height, width):
    images = tf.ones([2, height, width, 1])
    np.testing.assert_allclose(resample(images, motion(scale=0.7, first=1.0, right=5.0)), images, rtol=1e-5)


def test_the_gradient_goes_where_pixels_came_from_whatever_the_order():
    # What is done is linear, y = A x, so that the slope of u · A x is Aᵀ u, and the slope of v · Aᵀ A x is Aᵀ A v.
    rng = np.random.default_rng(1)
    x, u, v = (tf.constant(rng.normal(size=(2, 6, 8, 2)), tf.float32) for _ in range(3))
    back = motion(scale=0.8, first=0.7, right=1.3)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            moved = resample(x, back)
            half = 0.5 * tf.reduce_sum(tf.square(moved)) + tf.reduce_sum(u * moved)
        slope = inner.gradient(half, x)  # Aᵀ (A x + u)
        along = tf.reduce_sum(slope * v)
    np.testing.assert_allclose(along, tf.reduce_sum((moved + u) * resample(v, back)), rtol=1e-4)
    second = outer.gradient(along, x)
    np.testing.assert_allclose(
        tf.reduce_sum(second * u), tf.reduce_sum(resample(v, back) * resample(u, back)), rtol=1e-4
    )


def test_compiled_a_map_does_the_same():
    back = motion(scale=0.8, first=0.7, right=1.3)
    compiled = tf.function(resample, jit_compile=True, autograph=False)
    np.testing.assert_allclose(compiled(tf.constant(WIDE), back), resample(WIDE, back), atol=1e-5)


MANY = 20_000


def frequency(values: Any) -> Any:
    return pytest.approx(values, abs=4.5 * np.sqrt(0.25 / MANY))


def test_pixels_are_moved_as_often_and_as_far_as_published():
    drawn = Blit(*(values.numpy() for values in draw_blit(MANY, 64, 100, tf.constant(0.4), SEED)))
    assert drawn.flip.mean() == frequency(0.4 / 2)  # every other flip is none
    for quarters in (1, 2, 3):
        assert (drawn.quarters == quarters).mean() == frequency(0.4 / 4)
    # Up to an eighth: 12.5 columns, 8 rows, so that shifts by no column and by no row are 1 in 25 and 1 in 16.
    moved = (drawn.right != 0) | (drawn.down != 0)
    assert moved.mean() == frequency(0.4 * (1 - 1 / 25 / 16))
    assert (np.abs(drawn.right).max(), np.abs(drawn.down).max()) == (12, 8)
    assert drawn.right[moved].std() == pytest.approx(25 / np.sqrt(12), rel=0.03)
    assert drawn.down[moved].std() == pytest.approx(16 / np.sqrt(12), rel=0.03)
    np.testing.assert_array_equal(drawn.right, np.round(drawn.right))
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.035  # each by itself, with either sign


def test_images_are_scaled_turned_and_shifted_as_often_and_as_far_as_published():
    drawn = AffineTransform(*(values.numpy() for values in draw_affine(MANY, 64, 100, tf.constant(0.4), SEED)))
    for scale in (drawn.scale, drawn.stretch):
        assert (scale != 1).mean() == frequency(0.4)
        assert np.log2(scale[scale != 1]).mean() == pytest.approx(0.0, abs=0.01)
        assert np.log2(scale[scale != 1]).std() == pytest.approx(0.2, rel=0.03)
    turns = [angle != 0 for angle in (drawn.first_angle, drawn.second_angle)]
    assert turns[0].mean() == frequency(1 - np.sqrt(0.6))
    assert (turns[0] | turns[1]).mean() == frequency(0.4)
    assert np.abs(drawn.first_angle).max() == pytest.approx(np.pi, rel=0.01)
    assert drawn.second_angle[turns[1]].std() == pytest.approx(2 * np.pi / np.sqrt(12), rel=0.03)
    assert (drawn.right != 0).mean() == frequency(0.4)
    np.testing.assert_array_equal(drawn.right != 0, drawn.down != 0)  # one coin for both
    assert drawn.right[drawn.right != 0].std() == pytest.approx(12.5, rel=0.03)
    assert drawn.down[drawn.down != 0].std() == pytest.approx(8, rel=0.03)


@pytest.mark.parametrize("draw", [draw_blit, draw_affine])
def test_at_strength_1_every_image_is_moved_and_at_0_none(draw):
    never = draw(100, 64, 64, tf.constant(0.0), SEED).inverse()
    for coefficient, expected in zip(never, Affine(1.0, 0.0, 0.0, 1.0), strict=True):
        np.testing.assert_array_equal(coefficient, np.full(100, expected))
    always = draw(100, 64, 64, tf.constant(1.0), SEED)
    assert (np.abs(always.right) + np.abs(always.down) > 0).mean() > 0.98
