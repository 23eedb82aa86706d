"""Penalties against closed forms: a linear critic D(x) = w·x has the gradient w everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.penalties import Batch, Penalty, Projection
from gan_cli.penalties.dragan import Dragan
from gan_cli.penalties.gradient_penalty import GradientPenalty, interpolate
from gan_cli.penalties.r1 import R1
from gan_cli.penalties.r2 import R2
from gan_cli.penalties.weight_clip import WeightClip
from gan_cli.penalties.zero_gp import ZeroCentredGradientPenalty

SEED = tf.constant([3, 4], tf.int32)
GENTLE = np.array([[3.0, 0.0], [0.0, 4.0]], np.float32)  # as a 2x2 "image": norm 5
REAL = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
FAKE = -REAL

SLOPES = {
    "two-sided": (GradientPenalty(), 16.0, 1.0),  # (5 - 1)², (0 - 1)²
    "one-sided": (GradientPenalty(sides="one"), 16.0, 0.0),
    "steepest": (GradientPenalty(target=0.0, over="max"), 25.0, 0.0),
    "dragan": (Dragan(), 16.0, 1.0),
    "zero_gp": (ZeroCentredGradientPenalty(), 25.0, 0.0),
    "r1": (R1(weight=7.0), 12.5, 0.0),  # 5² / 2; the weight is applied by the step
    "r2": (R2(), 12.5, 0.0),
}
"""Each with what it says of a linear critic of norm 5, and of one that is flat."""
PENALTIES = [penalty for penalty, _, _ in SLOPES.values()]
every_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=SLOPES)
every_cost = pytest.mark.parametrize(("penalty", "of_five", "of_flat"), SLOPES.values(), ids=SLOPES)


def value_of(penalty: object, discriminator: object, real: object, fake: object) -> tf.Tensor:
    return penalty(Batch(discriminator, real, fake, seed=SEED))


def linear(weights: object):
    return lambda batch: DiscriminatorOutput(tf.reduce_sum(batch * weights, axis=[1, 2]))


def half_square(batch: tf.Tensor) -> DiscriminatorOutput:
    """D(x) = ||x||² / 2, whose gradient at x is x itself."""
    return DiscriminatorOutput(0.5 * tf.reduce_sum(tf.square(batch), axis=[1, 2]))


@every_cost
def test_a_linear_critic_costs_what_its_weights_say(penalty, of_five, of_flat):
    assert float(value_of(penalty, linear(GENTLE), REAL, FAKE)) == pytest.approx(of_five, rel=1e-6)


def test_the_target_is_the_slope_that_costs_nothing():
    assert float(value_of(GradientPenalty(target=5.0), linear(GENTLE), REAL, FAKE)) == pytest.approx(0.0, abs=1e-10)
    assert float(value_of(Dragan(target=3.0), linear(GENTLE), REAL, FAKE)) == pytest.approx(4.0, rel=1e-6)


def test_r1_looks_at_real_examples_and_r2_at_generated_ones():
    # mean ||x||² / 2: of the real ones (14 + 126 + 366) / 3 / 2, of twos 4 * 4 / 2
    assert float(value_of(R1(), half_square, REAL, 2.0 * np.ones_like(REAL))) == pytest.approx(506 / 6, rel=1e-6)
    assert float(value_of(R2(), half_square, REAL, 2.0 * np.ones_like(REAL))) == pytest.approx(8.0, rel=1e-6)


def test_interpolates_lie_on_the_lines_each_at_its_own_place():
    real, fake = np.full((500, 2, 2), 3.0, np.float32), np.full((500, 2, 2), 1.0, np.float32)
    between = interpolate(real, fake, SEED).numpy()
    assert np.ptp(between, axis=(1, 2)).max() == 0.0  # one share for all values of an example
    places = between[:, 0, 0]
    assert places.min() > 1.0 - 1e-6
    assert places.max() < 3.0 + 1e-6
    assert places.mean() == pytest.approx(2.0, abs=0.1)
    assert places.std() == pytest.approx(2.0 / np.sqrt(12), abs=0.05)  # of a uniform distribution of length 2


def test_interpolates_are_drawn_from_the_seed_alone():
    first, again = interpolate(REAL, FAKE, SEED), interpolate(REAL, FAKE, SEED)
    other = interpolate(REAL, FAKE, tf.constant([3, 5], tf.int32))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


@every_penalty
def test_slopes_in_the_weights_agree_with_finite_differences(penalty):
    def value(weights: tf.Tensor) -> tf.Tensor:
        return value_of(
            penalty,
            lambda batch: DiscriminatorOutput(tf.reduce_sum(tf.tanh(batch * weights), axis=[1, 2])),
            0.1 * REAL, 0.1 * FAKE,
        )  # fmt: skip

    weights, step = tf.constant([[0.5, -1.0], [1.5, 0.7]]), 1e-2
    with tf.GradientTape() as tape:
        tape.watch(weights)
        total = value(weights)
    slopes = tape.gradient(total, weights).numpy()
    for place in np.ndindex(2, 2):
        shift = np.zeros((2, 2), np.float32)
        shift[place] = step
        difference = float(value(weights + shift) - value(weights - shift)) / (2 * step)
        assert slopes[place] == pytest.approx(difference, rel=1e-2, abs=1e-3)


@every_penalty
def test_a_flat_critic_has_finite_slopes(penalty):
    weights = tf.zeros((2, 2))
    with tf.GradientTape() as tape:
        tape.watch(weights)
        total = value_of(penalty, linear(weights), REAL, FAKE)
    assert np.isfinite(tape.gradient(total, weights)).all()


@every_cost
def test_a_critic_that_ignores_its_input_is_penalised_without_an_error(penalty, of_five, of_flat):
    constant = lambda batch: DiscriminatorOutput(tf.zeros(tf.shape(batch)[:1]))  # noqa: E731
    assert float(value_of(penalty, constant, REAL, FAKE)) == of_flat


@every_cost
def test_gradients_are_float32_where_the_critic_computes_in_bfloat16(penalty, of_five, of_flat):
    def coarse(batch: tf.Tensor) -> DiscriminatorOutput:
        assert batch.dtype == tf.float32
        products = tf.cast(batch, tf.bfloat16) * tf.cast(GENTLE, tf.bfloat16)
        return DiscriminatorOutput(tf.cast(tf.reduce_sum(products, axis=[1, 2]), tf.float32))

    value = value_of(penalty, coarse, tf.cast(REAL, tf.bfloat16), tf.cast(FAKE, tf.bfloat16))
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(of_five)


@every_penalty
def test_a_compiled_penalty_agrees_with_an_eager_one(penalty):
    # Between equal examples lies only one point, and around equal values there is no spread, so it does not matter that
    # XLA draws other numbers.
    same = np.full_like(REAL, 3.0)
    compiled = tf.function(
        lambda real, fake: value_of(penalty, half_square, real, fake), jit_compile=True, autograph=False
    )
    assert float(compiled(same, same)) == pytest.approx(float(value_of(penalty, half_square, same, same)), rel=1e-5)


def test_weight_clip_puts_every_variable_back_into_its_box_and_leaves_the_rest():
    variables = [tf.Variable([0.5, -0.5, 0.005]), tf.Variable([[-0.02]])]
    WeightClip(limit=0.01).project(variables)
    np.testing.assert_array_equal(variables[0], np.array([0.01, -0.01, 0.005], np.float32))
    np.testing.assert_array_equal(variables[1], np.array([[-0.01]], np.float32))


def test_each_kind_is_distinguished_from_the_other():
    assert all(isinstance(penalty, Penalty) and not isinstance(penalty, Projection) for penalty in PENALTIES)
    assert isinstance(WeightClip(), Projection)
    assert not isinstance(WeightClip(), Penalty)
    assert all(penalty.uses_input_gradients for penalty in PENALTIES)


@pytest.mark.parametrize(
    ("build", "key"),
    [
        (lambda: WeightClip(limit=0.0), "limit=0.0"),
        (lambda: GradientPenalty(weight=-1.0), "weight=-1.0"),
        (lambda: GradientPenalty(target=-1.0), "target=-1.0"),
        (lambda: GradientPenalty(sides="both"), "sides=both"),
        (lambda: GradientPenalty(over="sum"), "over=sum"),
        (lambda: Dragan(perturbation=0.0), "perturbation=0.0"),
        (lambda: ZeroCentredGradientPenalty(weight=-1.0), "weight=-1.0"),
        (lambda: R1(every=0), "every=0"),
        (lambda: R2(weight=float("inf")), "weight=inf"),
    ],
)
def test_a_number_outside_its_range_is_refused_by_its_key(build, key):
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        build()
