"""MMD losses against published values, the float64 kernels of the metrics, closed forms and finite differences."""

from __future__ import annotations

from functools import partial
from typing import Any

import golden
import keras
import numpy as np
import pytest
import reference_kernels as float64
import tensorflow as tf

from gan_cli.evaluation.discriminator_diagnostics import health
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.kernel_loss import MEDIAN_OF, SMOOTHING, KernelLoss, median_width, squared_distances
from gan_cli.losses.mmd import MMDLoss
from gan_cli.losses.mmd_pixels import MMDPixelsLoss
from gan_cli.metrics.mmd import median_distance
from gan_cli.penalties import Batch
from gan_cli.penalties.gradient_penalty import GradientPenalty
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator, Role
from gan_cli.training.forward_pass import Inputs

ALPHAS = [0.2, 0.5, 1.0, 2.0, 5.0]
BY_NAME = {
    "gaussian mixture, sigmas 2 5 10 20 40 80, summed": MMDLoss("gaussian", sigma=[2, 5, 10, 20, 40, 80]),
    "rational quadratic, alphas 0.1 1 10, summed": MMDLoss("rational_quadratic", alphas=[0.1, 1, 10]),
    "rational quadratic, alphas 0.2 0.5 1 2 5, summed": MMDLoss(),
    "distance |x|+|y|-|x-y| (energy)": MMDLoss("distance"),
    "linear <x,y>": MMDLoss("linear"),
}
EXACT: list[tuple[MMDLoss, Any]] = [
    (MMDLoss("gaussian", sigma=1.5), partial(float64.gaussian_kernel, sigmas=[1.5])),
    (MMDLoss("gaussian", sigma=[0.7, 3.0]), partial(float64.gaussian_kernel, sigmas=[0.7, 3.0])),
    (MMDLoss(), partial(float64.rational_quadratic_kernel, alphas=ALPHAS)),
    (MMDLoss("distance"), partial(float64.distance_kernel, smoothing=SMOOTHING)),
    (MMDLoss("linear"), float64.linear_kernel),
    (
        MMDLoss("distance", linear=0.5),
        lambda x, y: float64.distance_kernel(x, y, SMOOTHING) + 0.5 * float64.linear_kernel(x, y),
    ),
]
LOSSES = [*(loss for loss, _ in EXACT), MMDLoss("gaussian")]


def name_of(loss: Any) -> str | None:
    return f"{loss.kernel} {loss.sigma} {loss.linear}" if isinstance(loss, KernelLoss) else None


every_loss = pytest.mark.parametrize("loss", LOSSES, ids=name_of)
every_size = pytest.mark.parametrize("dimensions", [3, 40], ids=["sums of squares", "products"])


def vectors(count: int, dimensions: int, seed: int = 0, offset: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(offset, 1.0, (count, dimensions))).astype(np.float32)


def embedded(rows: Any) -> DiscriminatorOutput:
    return DiscriminatorOutput(None, embedding=tf.convert_to_tensor(rows, tf.float32))


def mmd(loss: KernelLoss, real: Any, fake: Any) -> float:
    return float(loss.generator(embedded(fake), embedded(real)))


# Values


@pytest.mark.parametrize("name", BY_NAME)
def test_each_kernel_gives_its_published_value(name: str) -> None:
    published = golden.values()["mmd_squared(mmd_fake, mmd_real)"][name]["unbiased"]  # computed in float32
    inputs = golden.inputs()
    assert mmd(BY_NAME[name], inputs["mmd_real"], inputs["mmd_fake"]) == pytest.approx(published, rel=1e-4)


@every_size
@pytest.mark.parametrize(("loss", "kernel"), EXACT, ids=name_of)
def test_a_loss_is_the_squared_discrepancy_in_float64(loss: MMDLoss, kernel: Any, dimensions: int) -> None:
    real, fake = vectors(12, dimensions), vectors(9, dimensions, seed=1, offset=0.4)
    expected = float64.mmd_squared(real, fake, kernel)
    assert mmd(loss, real, fake) == pytest.approx(expected, rel=2e-5)
    assert float(loss.discriminator(embedded(real), embedded(fake))) == pytest.approx(-expected, rel=2e-5)


@every_size
@pytest.mark.parametrize(("loss", "kernel"), EXACT, ids=name_of)
def test_kernel_values_of_each_pair_are_those_in_float64(loss: MMDLoss, kernel: Any, dimensions: int) -> None:
    first, second = vectors(4, dimensions), vectors(3, dimensions, seed=1, offset=0.4)
    found = loss.compare(tf.constant(first), tf.constant(second), loss.widths(first, second))
    np.testing.assert_allclose(found, kernel(first, second), rtol=1e-4, atol=1e-4)


@every_size
@pytest.mark.parametrize(("loss", "kernel"), EXACT, ids=name_of)
def test_slopes_are_the_finite_differences_in_float64(loss: MMDLoss, kernel: Any, dimensions: int) -> None:
    real, fake, shift = vectors(4, dimensions), vectors(5, dimensions, seed=1, offset=0.4), 1e-5
    inputs = [tf.constant(real), tf.constant(fake)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = loss.generator(embedded(inputs[1]), embedded(inputs[0]))
    slopes = tape.gradient(value, inputs)
    for side, row, column in [(0, 1, 0), (0, 3, 2), (1, 0, 1), (1, 4, 2)]:
        moved = []
        for sign in (1, -1):
            samples = [real.astype(np.float64), fake.astype(np.float64)]
            samples[side][row, column] += sign * shift
            moved.append(float64.mmd_squared(*samples, kernel))
        difference = (moved[0] - moved[1]) / (2 * shift)
        assert float(slopes[side][row, column]) == pytest.approx(difference, rel=1e-3, abs=1e-5)


@every_size
@every_loss
def test_alike_batches_have_finite_values_and_slopes(loss: MMDLoss, dimensions: int) -> None:
    for rows in (vectors(6, dimensions), np.ones((6, dimensions)), np.zeros((6, dimensions))):
        real, fake = tf.constant(rows, tf.float32), tf.constant(rows, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            judged = DiscriminatorOutput(None, embedding=real), DiscriminatorOutput(None, embedding=fake)
            value = loss.generator(judged[1], judged[0]) + tf.reduce_sum(loss.mmd_witness(real, real, fake))
        assert value.dtype == tf.float32
        assert np.isfinite(value)
        for slope in tape.gradient(value, [real, fake]):
            assert np.isfinite(slope).all()


@every_loss
def test_a_compiled_loss_agrees_with_an_eager_one(loss: MMDLoss) -> None:
    def value(real: Any, fake: Any) -> Any:
        return loss.generator(embedded(fake), embedded(real)), loss.mmd_witness(fake, real, fake)

    real, fake = tf.constant(vectors(8, 40)), tf.constant(vectors(8, 40, seed=1, offset=1.0))
    compiled = tf.function(value, jit_compile=True, autograph=False)(real, fake)
    for found, expected in zip(compiled, value(real, fake), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# The median width


@every_size
def test_the_median_is_that_of_distances_in_the_pooled_batch(dimensions: int) -> None:
    real, fake = vectors(7, dimensions), vectors(6, dimensions, seed=1)
    pooled = np.concatenate([real, fake]).astype(np.float64)
    expected = median_distance(((pooled[:, None] - pooled[None]) ** 2).sum(axis=2))
    assert float(median_width(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert mmd(MMDLoss("gaussian"), real, fake) == pytest.approx(
        mmd(MMDLoss("gaussian", sigma=expected), real, fake), rel=1e-4
    )


def test_equal_examples_do_not_count_for_the_median() -> None:
    line = np.array([[0.0], [0.0], [1.0]], np.float32)
    assert float(median_width(line, np.array([[3.0]], np.float32))) == pytest.approx(2)  # 1, 1, 2, 3, 3
    assert float(median_width(np.ones((4, 3), np.float32), np.ones((4, 3), np.float32))) == 1


def test_the_median_of_a_single_distance_is_that_distance() -> None:
    zero, three = np.zeros((1, 1), np.float32), np.full((1, 1), 3.0, np.float32)
    assert float(median_width(zero, three)) == 3
    assert float(median_width(np.repeat(zero, 3, axis=0), three)) == 3


def test_the_median_looks_at_so_many_examples_of_each_side_only() -> None:
    real, fake = vectors(MEDIAN_OF + 50, 2), vectors(MEDIAN_OF + 9, 2, seed=1)
    assert float(median_width(real, fake)) == float(median_width(real[:MEDIAN_OF], fake[:MEDIAN_OF]))
    far = np.concatenate([real[:MEDIAN_OF], 1e3 * real])
    assert float(median_width(far, fake)) == float(median_width(real, fake))


def test_a_median_of_examples_that_are_all_but_equal_leaves_slopes_moderate() -> None:
    real, fake = tf.constant(1e-12 * vectors(5, 3)), tf.constant(1e-12 * vectors(5, 3, seed=1))
    with tf.GradientTape() as tape:
        tape.watch(fake)
        value = MMDLoss("gaussian").generator(embedded(fake), embedded(real))
    assert np.abs(tape.gradient(value, fake)).max() < 1e3


def test_the_median_width_is_a_constant_for_slopes() -> None:
    real, fake = tf.constant(vectors(5, 3)), tf.constant(vectors(5, 3, seed=1))
    slopes = []
    for sigma in ("median", float(median_width(real, fake))):
        with tf.GradientTape() as tape:
            tape.watch(fake)
            value = MMDLoss("gaussian", sigma=sigma).generator(embedded(fake), embedded(real))
        slopes.append(tape.gradient(value, fake))
    np.testing.assert_allclose(*slopes, rtol=1e-5, atol=1e-7)


def test_no_digits_are_lost_far_from_the_origin() -> None:
    rows = vectors(6, 40)
    squared = float64.squared_distances(rows.astype(np.float64), rows.astype(np.float64))
    found = squared_distances(tf.constant(rows + 1000), tf.constant(rows + 1000))
    np.testing.assert_allclose(found, squared, rtol=1e-3, atol=1e-3)


# The witness


def test_the_witness_is_the_mean_kernel_to_the_real_minus_that_to_the_generated_ones() -> None:
    real, fake = tf.constant([[0.0], [2.0]]), tf.constant([[5.0]])
    found = MMDLoss("gaussian", sigma=1.0).mmd_witness(tf.constant([[1.0], [5.0]]), real, fake)
    by_hand = [np.exp(-0.5) - np.exp(-8), (np.exp(-12.5) + np.exp(-4.5)) / 2 - 1]
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)


@every_loss
def test_the_witness_of_alike_samples_is_the_equilibrium_everywhere(loss: MMDLoss) -> None:
    rows = vectors(5, 3)
    found = loss.mmd_witness(tf.constant(vectors(9, 3, seed=2)), tf.constant(rows), tf.constant(rows))
    np.testing.assert_allclose(found, np.full(9, loss.decision_threshold), atol=1e-6)


@every_loss
def test_means_of_the_witness_of_a_batch_are_as_far_apart_as_the_loss_says(loss: MMDLoss) -> None:
    real, fake = tf.constant(vectors(6, 3)), tf.constant(vectors(8, 3, seed=1, offset=1.0))
    apart = tf.reduce_mean(loss.mmd_witness(real, real, fake)) - tf.reduce_mean(loss.mmd_witness(fake, real, fake))
    assert float(apart) == pytest.approx(mmd(loss, real, fake), rel=1e-4)


def test_the_gradient_penalty_of_the_witness_is_that_of_the_paper_and_its_code() -> None:
    """φ(x) = Wx and k(x, y) = x·y: the witness is φ(x)·W(r - f), its slope in x is WᵀW(r - f), r and f being means.

    W stands in both factors: slopes in the weights flow through the embeddings that are compared with, too.
    """
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, use_bias=False)])
    augmented = AugmentedDiscriminator(network, MMDLoss("linear"), {}, pack=1, seed=0, state={})
    context = augmented.context(tf.constant(0, tf.int64), tf.constant(0, tf.int64))
    real, fake = vectors(5, 2, offset=1.0), vectors(5, 2, seed=1)
    weights = network.get_weights()[0].astype(np.float64)

    def expected(matrix: np.ndarray) -> float:  # Keras has x·matrix, so W is its transpose
        return float((np.linalg.norm(matrix @ matrix.T @ (real.mean(0) - fake.mean(0))) - 1.0) ** 2)

    with tf.GradientTape() as tape:
        outputs = context.forward_pair(Inputs(real, fake), (Role.REAL, Role.FAKE))
        batch = Batch(context.for_penalty(0, outputs), real, fake, seed=tf.constant([1, 2]))
        value = GradientPenalty(weight=1.0)(batch)
    assert float(value) == pytest.approx(expected(weights), rel=1e-4)
    slopes = tape.gradient(value, network.trainable_variables)[0].numpy()
    for place in [(0, 0), (1, 2)]:
        shift = np.zeros_like(weights)
        shift[place] = 1e-6
        difference = (expected(weights + shift) - expected(weights - shift)) / 2e-6
        assert slopes[place] == pytest.approx(difference, rel=1e-3)


# Health


def test_known_examples_do_not_seem_more_real_for_being_compared_with_themselves() -> None:
    points = keras.Input((2,))
    network, loss = keras.Model(points, points * 1.0), MMDLoss("gaussian", sigma=1e-3)
    train, held_out, fake = (vectors(30, 2, seed=seed) for seed in range(3))  # no two of them are near each other
    found = health(network, loss, train, held_out, fake).values
    for name in ("train", "held_out", "fake"):
        assert found[f"discriminator_accuracy_{name}"].value == 0.5
    assert found["discriminator_gap"].value == 0


def test_health_tells_samples_apart_that_are_apart() -> None:
    points = keras.Input((2,))
    network, loss = keras.Model(points, points * 1.0), MMDLoss()
    train, fake = vectors(1500, 2), vectors(1100, 2, seed=1, offset=5.0)  # more than are scored at once
    found = health(network, loss, train, None, fake).values
    assert found["discriminator_accuracy_train"].value == pytest.approx(1, abs=0.01)
    assert found["discriminator_accuracy_fake"].value == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("loss", [MMDLoss(), MMDPixelsLoss()])
def test_the_generator_needs_real_examples(loss: KernelLoss) -> None:
    with pytest.raises(ValueError, match="real"):
        loss.generator(embedded(vectors(3, 2)), None)


@pytest.mark.parametrize("dimensions", [16, 17])
def test_distances_of_rows_far_from_0_are_precise(dimensions: int) -> None:
    offset = 3000.0 * (-1.0) ** np.arange(dimensions)  # its mean over the dimensions is near 0
    random = np.random.default_rng(0)
    first, second = (np.float32(random.normal(size=(rows, dimensions)) + offset) for rows in (7, 9))
    exact = np.square(np.float64(first)[:, None] - np.float64(second)).sum(axis=2)
    np.testing.assert_allclose(squared_distances(first, second), exact, rtol=1e-4)


def test_the_witness_of_the_only_example_compares_it_with_itself_and_that_of_one_of_two_with_the_other() -> None:
    loss = MMDLoss("gaussian", sigma=1.0)
    one, two = tf.constant([[0.0, 0.0]]), tf.constant([[0.0, 0.0], [2.0, 0.0]])
    far = tf.constant([[99.0, 0.0]])
    np.testing.assert_allclose(loss.mmd_witness(one, one, far), [1.0], rtol=1e-6)
    np.testing.assert_allclose(loss.mmd_witness(two, two, far), [np.exp(-2.0)] * 2, rtol=1e-6)
