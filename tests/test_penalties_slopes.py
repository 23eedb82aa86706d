"""What each penalty on slopes looks at, and which slopes cost something."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.losses import DiscriminatorOutput
from gan_cli.penalties import Batch
from gan_cli.penalties.dragan import Dragan, perturb
from gan_cli.penalties.gradient_norms import safe_sqrt, slope_cost
from gan_cli.penalties.gradient_penalty import GradientPenalty
from gan_cli.penalties.zero_gp import ZeroCentredGradientPenalty

SEED = tf.constant([3, 4], tf.int32)
NORMS = tf.constant([0.5, 1.0, 3.0])


def half_square(batch: tf.Tensor) -> DiscriminatorOutput:
    """D(x) = ||x||² / 2, whose gradient at x is x itself."""
    return DiscriminatorOutput(0.5 * tf.reduce_sum(tf.square(batch), axis=1))


@pytest.mark.parametrize(
    ("sides", "over", "target", "expected"),
    [
        ("two", "mean", 1.0, (0.25 + 0.0 + 4.0) / 3),
        ("one", "mean", 1.0, 4.0 / 3),
        ("two", "max", 1.0, 4.0),
        ("one", "max", 1.0, 4.0),
        ("two", "max", 4.0, 1.0),
        ("one", "max", 4.0, 0.0),
        ("two", "max", 0.0, 9.0),
    ],
)
def test_one_side_forgives_gentle_slopes_and_the_maximum_sees_the_steepest(sides, over, target, expected):
    assert float(slope_cost(NORMS, target, sides, over)) == pytest.approx(expected, rel=1e-6)


def test_only_the_slopes_that_cost_something_are_changed():
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(NORMS)
        one, steepest = slope_cost(NORMS, 1.0, sides="one"), slope_cost(NORMS, 0.0, over="max")
    np.testing.assert_allclose(tape.gradient(one, NORMS), [0.0, 0.0, 2 * 2.0 / 3], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(steepest, NORMS), [0.0, 0.0, 6.0], rtol=1e-6)


def test_a_gradient_penalty_of_an_older_configuration_is_two_sided_and_a_mean():
    assert GradientPenalty(weight=10.0, target=1.0, every=1) == GradientPenalty(sides="two", over="mean")


def test_zero_gp_looks_between_real_and_generated_examples():
    real, fake = np.full((400, 1), 1.0, np.float32), np.full((400, 1), 3.0, np.float32)
    value = float(ZeroCentredGradientPenalty()(Batch(half_square, real, fake, seed=SEED)))
    assert value == pytest.approx(4.0 + 4.0 / 12, abs=0.2)  # E[u²], u uniform in [1, 3]
    at_one_place = float(ZeroCentredGradientPenalty()(Batch(half_square, fake, fake, seed=SEED)))
    assert at_one_place == pytest.approx(9.0, rel=1e-6)


def test_dragan_looks_around_real_examples_alone():
    real = np.array([[3.0, 4.0], [3.0, 4.0]], np.float32)
    values = [float(Dragan()(Batch(half_square, real, fake, seed=SEED))) for fake in (real, 100 * real)]
    assert values[0] == values[1]
    # the deviation of all values is 0.5, so the slopes lie between ||(3, 4)|| and ||(3.25, 4.25)||
    assert (5.0 - 1.0) ** 2 <= values[0] <= (np.hypot(3.25, 4.25) - 1.0) ** 2


def test_dragan_moves_each_example_by_a_share_of_its_own_of_noise_of_one_sign():
    real = np.tile([[1.0], [3.0]], (200, 100)).astype(np.float32)  # deviation 1
    moves = (perturb(real, 0.5, SEED) - real) / 0.5
    assert moves.numpy().min() >= 0.0
    shares = moves.numpy().max(axis=1)  # of 100 uniform numbers below the share, nearly the share itself
    assert shares.max() < 1.0
    assert shares.mean() == pytest.approx(0.5, abs=0.05)
    assert shares.std() == pytest.approx(1 / np.sqrt(12), abs=0.03)
    within = (moves.numpy() / shares[:, None]).ravel()
    assert within.mean() == pytest.approx(0.5, abs=0.02)
    assert within.std() == pytest.approx(1 / np.sqrt(12), abs=0.01)


def test_dragan_is_drawn_from_the_seed_alone():
    real = np.eye(4, dtype=np.float32)
    np.testing.assert_array_equal(perturb(real, 0.5, SEED), perturb(real, 0.5, SEED))
    assert np.abs(perturb(real, 0.5, SEED) - perturb(real, 0.5, SEED + 1)).max() > 0.01


def test_the_root_of_0_has_the_slope_0():
    values = tf.constant([0.0, 0.25, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        roots = safe_sqrt(values)
    np.testing.assert_allclose(roots, [0.0, 0.5, 2.0])
    np.testing.assert_allclose(tape.gradient(roots, values), [0.0, 1.0, 0.25])
