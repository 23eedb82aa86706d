"""What every augmentation keeps to, found by glob; then instance noise and DiffAugment against direct computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from composition import choices_of
from random_numbers import draw_alike_where_xla_compiles

from gan_cli.augmentations import Augmentation
from gan_cli.augmentations.diffaugment import (
    DiffAugment,
    brighten,
    contrast,
    cut_out,
    draw,
    saturate,
    translate,
)
from gan_cli.augmentations.instance_noise import InstanceNoise
from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_each
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError

SEED, OTHER = tf.constant([3, 4], tf.int32), tf.constant([3, 5], tf.int32)
NAMES = choices_of("augment")
BUILT: dict[str, Augmentation] = build_each(
    "augment", compose("train", [f"augment=[{','.join(NAMES)}]"]).config["augment"]
)
ADAPTIVE = {name: one for name, one in BUILT.items() if one.learns}
SIZES = [(32, 48, 3), (28, 28, 1), (16, 16, 4)]
POINTS = DataSpec((2,), 100, value_range=(-3.0, 3.0))
each = pytest.mark.parametrize("augmentation", BUILT.values(), ids=BUILT)
each_size = pytest.mark.parametrize("shape", SIZES, ids=["x".join(map(str, size)) for size in SIZES])


def examples(shape: tuple[int, ...], batch: int = 6, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, (batch, *shape)), tf.float32)


def strength_of(augmentation: Augmentation, adapted: float = 0.7) -> Any:
    """The strength at the first step, of one that adapts as far as it has."""
    state = {**augmentation.initial_state, "strength": tf.constant(adapted)}
    return augmentation.strength(tf.constant(0, tf.int64), state)


def seen(augmentation: Augmentation, real: Any, seed: Any = SEED, adapted: float = 0.7) -> Any:
    """What the discriminator sees of real examples, generated ones being 0."""
    strength = strength_of(augmentation, adapted)
    return augmentation(augmentation.replace_real(real, tf.zeros_like(real), strength, seed), strength, seed)


@each
@each_size
def test_examples_keep_their_shape_and_stay_float32_numbers(augmentation, shape):
    augmentation.check(DataSpec(shape, 100))
    changed = seen(augmentation, examples(shape))
    assert changed.shape == (6, *shape)
    assert changed.dtype == tf.float32
    assert np.isfinite(changed).all()


@each
def test_points_are_augmented_or_refused_with_advice(augmentation):
    try:
        augmentation.check(POINTS)
    except ConfigError as error:
        assert "augment=" in error.advice
    else:
        changed = seen(augmentation, examples((2,)))
        assert changed.shape == (6, 2)
        assert changed.dtype == tf.float32


@each
def test_what_is_seen_is_a_function_of_the_seed_alone(augmentation):
    real = examples((16, 16, 3), batch=16)
    first = seen(augmentation, real)
    np.testing.assert_array_equal(first, seen(augmentation, real))
    assert np.abs(first - seen(augmentation, real, OTHER)).max() > 0.01
    assert np.abs(first - real).max() > 0.01


@each
def test_the_slope_through_it_agrees_with_a_difference(augmentation):
    real, way, weights = (examples((16, 24, 3), seed=seed) for seed in range(3))

    def value(share: float) -> Any:
        return tf.reduce_sum(weights * tf.square(seen(augmentation, real + share * way)))

    with tf.GradientTape() as tape:
        tape.watch(real)
        total = value(0.0)
    slope = float(tf.reduce_sum(tape.gradient(total, real) * way))
    assert slope == pytest.approx(float(value(0.1) - value(-0.1)) / 0.2, rel=1e-3, abs=0.05)
    assert abs(slope) > 1.0


@each
def test_a_penalty_on_slopes_can_be_learned_through_it(augmentation):
    # D(x) = k Σ w a(x)², so that |dD/dx|² is k² times what it is at k = 1, and its slope at k = 1 is twice that.
    real, weights, factor = examples((16, 16, 3)), examples((16, 16, 3), seed=1), tf.constant(1.0)
    with tf.GradientTape() as outer:
        outer.watch(factor)
        with tf.GradientTape() as inner:
            inner.watch(real)
            value = factor * tf.reduce_sum(weights * tf.square(seen(augmentation, real)))
        penalty = tf.reduce_sum(tf.square(inner.gradient(value, real)))
    assert float(outer.gradient(penalty, factor)) == pytest.approx(2.0 * float(penalty), rel=1e-4)
    assert float(penalty) > 1.0


@each
def test_what_is_seen_and_its_slopes_are_the_same_where_xla_compiles_it(augmentation, monkeypatch):
    draw_alike_where_xla_compiles(monkeypatch)

    def seen_and_slopes(real: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(real)
            found = seen(augmentation, real)
            total = tf.reduce_sum(tf.square(found))
        return found, tape.gradient(total, real)

    real = examples((8, 12, 3), batch=16)
    compiled = tf.function(seen_and_slopes, jit_compile=True, autograph=False)
    assert np.abs(seen_and_slopes(real)[0] - real).max() > 0.01
    for one, other in zip(seen_and_slopes(real), compiled(real), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "augmentation", [one for one in BUILT.values() if one.learns], ids=lambda one: type(one).__name__
)
@each_size
def test_before_it_has_learned_anything_it_changes_nothing(augmentation, shape):
    real = examples(shape)
    np.testing.assert_array_equal(seen(augmentation, real, adapted=augmentation.initial_state["strength"]), real)


@pytest.mark.parametrize(
    ("step", "sigma"), [(0, 0.5), (250, 0.4), (500, 0.3), (1000, 0.1), (5000, 0.1)], ids=lambda value: str(value)
)
def test_instance_noise_fades_on_a_straight_line(step, sigma):
    noise = InstanceNoise(sigma=0.5, final_sigma=0.1, steps=1000)
    assert float(noise.strength(tf.constant(step, tf.int64), {})) == pytest.approx(sigma)


def test_instance_noise_is_normal_and_as_strong_as_it_says():
    real = examples((20, 10, 3), batch=100)
    noise = (InstanceNoise(0.5, 0.0, 10)(real, tf.constant(0.25), SEED) - real).numpy()
    assert noise.mean() == pytest.approx(0.0, abs=0.005)
    assert noise.std() == pytest.approx(0.25, rel=0.01)
    assert (np.abs(noise) < 0.25).mean() == pytest.approx(0.6827, abs=0.01)  # of a normal distribution
    halves = noise.reshape(2, -1)
    assert abs(np.corrcoef(halves)[0, 1]) < 0.02  # no image has another's noise


def test_instance_noise_that_has_faded_leaves_examples_as_they_are():
    noise, real = InstanceNoise(sigma=0.5, final_sigma=0.0, steps=10), examples((2,))
    np.testing.assert_array_equal(noise(real, noise.strength(tf.constant(10, tf.int64), {}), SEED), real)


IMAGES = np.random.default_rng(0).uniform(-1, 1, (3, 6, 9, 3)).astype(np.float32)
"""Three images, six high and nine wide."""


def test_brightness_is_added():
    changed = brighten(IMAGES, tf.constant([0.5, -0.25, 0.0]))
    np.testing.assert_allclose(changed, [IMAGES[0] + 0.5, IMAGES[1] - 0.25, IMAGES[2]], rtol=1e-6)


def test_saturation_stretches_what_tells_the_channels_of_a_pixel_apart():
    changed = saturate(IMAGES, tf.constant([0.0, 1.0, 2.0])).numpy()
    grey = IMAGES.mean(axis=3, keepdims=True)
    np.testing.assert_allclose(changed[0], np.repeat(grey[0], 3, axis=2), atol=1e-6)
    np.testing.assert_allclose(changed[1], IMAGES[1], atol=1e-6)
    np.testing.assert_allclose(changed[2], 2.0 * IMAGES[2] - grey[2], atol=1e-6)


def test_saturation_does_nothing_to_grey_images():
    grey = IMAGES[..., :1]
    np.testing.assert_array_equal(saturate(grey, tf.constant([0.0, 0.7, 2.0])), grey)


def test_contrast_stretches_what_tells_an_image_from_its_mean():
    changed = contrast(IMAGES, tf.constant([0.5, 1.0, 1.5])).numpy()
    for factor, before, after in zip([0.5, 1.0, 1.5], IMAGES, changed, strict=True):
        np.testing.assert_allclose(after, before.mean() + factor * (before - before.mean()), atol=1e-6)


def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Pixel by pixel."""
    result = np.zeros_like(image)
    for row, column in np.ndindex(image.shape[:2]):
        if 0 <= row + down < image.shape[0] and 0 <= column + right < image.shape[1]:
            result[row + down, column + right] = image[row, column]
    return result


@pytest.mark.parametrize(
    ("down", "right"), [([0, 1, -1], [0, -2, 2]), ([5, -5, 2], [8, 1, -8]), ([6, -6, 0], [0, 0, -9])]
)
def test_translation_moves_pixels_and_fills_with_0(down, right):
    changed = translate(IMAGES, tf.constant(down), tf.constant(right))
    expected = [moved(image, *way) for image, *way in zip(IMAGES, down, right, strict=True)]
    np.testing.assert_array_equal(changed, expected)


def test_the_gradient_of_translation_moves_back():
    images, upstream = tf.constant(IMAGES), np.random.default_rng(1).normal(size=IMAGES.shape).astype(np.float32)
    down, right = [1, -2, 6], [3, 0, -1]
    with tf.GradientTape() as tape:
        tape.watch(images)
        changed = translate(images, tf.constant(down), tf.constant(right))
    expected = [moved(image, -one, -other) for image, one, other in zip(upstream, down, right, strict=True)]
    np.testing.assert_array_equal(tape.gradient(changed, images, output_gradients=tf.constant(upstream)), expected)


@pytest.mark.parametrize(("top", "left"), [([0, 3, 1], [0, 4, 2]), ([-1, 4, -2], [-2, 7, 3])])
def test_cutout_sets_a_rectangle_of_half_the_size_to_0(top, left):
    changed = cut_out(IMAGES, tf.constant(top), tf.constant(left))
    expected = IMAGES.copy()
    for image, first_row, first_column in zip(expected, top, left, strict=True):
        image[max(first_row, 0) : first_row + 3, max(first_column, 0) : first_column + 5] = 0.0  # 4.5 is rounded up
    np.testing.assert_array_equal(changed, expected)


def test_each_of_the_ranges_is_drawn_from_evenly_and_whole():
    drawn = {name: values.numpy() for name, values in draw(SEED, 20_000, 32, 27)._asdict().items()}
    for name, low, high in [("brightness", -0.5, 0.5), ("saturation", 0.0, 2.0), ("contrast", 0.5, 1.5)]:
        assert drawn[name].min() == pytest.approx(low, abs=1e-3)
        assert drawn[name].max() == pytest.approx(high, abs=1e-3)
        assert drawn[name].mean() == pytest.approx((low + high) / 2, abs=0.02)
        assert drawn[name].std() == pytest.approx((high - low) / np.sqrt(12), rel=0.02)
    # An eighth of 32 is 4, of 27 3.4. The hole's middle is in the image: 16 rows begin at -8 to 24, since an even hole
    # has its middle between two pixels, 14 columns (13.5 rounded up) at -7 to 20.
    for name, low, high in [("down", -4, 4), ("right", -3, 3), ("top", -8, 24), ("left", -7, 20)]:
        values, counts = np.unique(drawn[name], return_counts=True)
        np.testing.assert_array_equal(values, np.arange(low, high + 1))
        expected = 20_000 / len(values)
        assert np.abs(counts - expected).max() < 4.5 * np.sqrt(expected)
    assert np.abs(np.corrcoef(list(drawn.values())) - np.eye(7)).max() < 0.04  # each by itself


def test_a_hole_of_odd_size_has_its_middle_on_every_pixel():
    drawn = draw(SEED, 2000, 10, 6)  # holes of 5 and 3
    assert (drawn.top.numpy().min(), drawn.top.numpy().max()) == (-2, 7)
    assert (drawn.left.numpy().min(), drawn.left.numpy().max()) == (-1, 4)


def test_the_three_are_done_in_their_order_and_what_one_draws_does_not_depend_on_the_others():
    drawn = draw(SEED, 3, 6, 9)
    coloured = contrast(saturate(brighten(IMAGES, drawn.brightness), drawn.saturation), drawn.contrast)
    shifted = translate(coloured, drawn.down, drawn.right)
    images = tf.constant(IMAGES)
    for switches, expected in [
        ((True, True, True), cut_out(shifted, drawn.top, drawn.left)),
        ((True, False, False), coloured),
        ((False, True, False), translate(IMAGES, drawn.down, drawn.right)),
        ((False, False, True), cut_out(IMAGES, drawn.top, drawn.left)),
    ]:
        np.testing.assert_array_equal(DiffAugment(*switches)(images, 1.0, SEED), expected)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: InstanceNoise(-0.1, 0.0, 10), "^sigma=-0.1: expected a number at least 0"),
        (lambda: InstanceNoise(0.1, -1.0, 10), "^final_sigma=-1.0: expected a number at least 0"),
        (lambda: InstanceNoise(0.1, 0.0, 0), "^steps=0: expected a whole number at least 1"),
        (lambda: DiffAugment(color="no", translation=True, cutout=True), "^color=no: expected true or false"),
        (lambda: DiffAugment(color=False, translation=False, cutout=False), "augment=\\[\\]"),
    ],
)
def test_what_can_not_be_is_refused_by_its_key(build, message):
    with pytest.raises(ConfigError, match=message):
        build()
