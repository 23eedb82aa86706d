"""Penalties on weights, against sums written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from by_hand import do, make_step, weights

from gan_cli.errors import ConfigError
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties import Batch, is_on_generator
from gan_cli.penalties.orthogonal import OrthogonalPenalty, overlap, sum_of_overlaps

TALL = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]], np.float32)  # columns (1, 3, 0) and (2, 4, 1): product 14
WIDE = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 2.0]], np.float32)  # products 1, 0 and 2


def test_overlap_is_the_sum_of_squared_products_of_different_columns():
    assert float(overlap(TALL)) == pytest.approx(2 * 14**2)
    assert float(overlap(WIDE)) == pytest.approx(2 * (1 + 0 + 4))
    assert float(overlap(np.diag([1.0, -5.0, 0.1]).astype(np.float32))) == 0.0  # whatever their length


def test_a_wide_kernel_costs_what_the_definition_says():
    wide = np.random.default_rng(0).normal(size=(3, 3, 4, 50)).astype(np.float32)
    products = wide.reshape(36, 50).T @ wide.reshape(36, 50)
    off_diagonal = products * (1 - np.eye(50, dtype=np.float32))
    assert float(overlap(wide)) == pytest.approx(float((off_diagonal**2).sum()), rel=1e-5)


@pytest.mark.parametrize("kernel", [TALL, WIDE, 0 * TALL, 0 * WIDE, 0.1 * np.arange(24.0).reshape(2, 2, 3, 2)])
def test_slopes_of_overlap_agree_with_finite_differences(kernel):
    kernel, step = tf.constant(kernel, tf.float32), 1e-2
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        value = overlap(kernel)
    slopes = tape.gradient(value, kernel).numpy()
    for place in np.ndindex(*kernel.shape):
        shift = np.zeros(kernel.shape, np.float32)
        shift[place] = step
        difference = float(overlap(kernel + shift) - overlap(kernel - shift)) / (2 * step)
        assert slopes[place] == pytest.approx(difference, rel=1e-2, abs=2e-2)


def test_biases_and_scales_cost_nothing():
    vector = tf.Variable([1.0, 2.0])
    assert float(sum_of_overlaps([vector])) == 0.0
    assert float(sum_of_overlaps([])) == 0.0
    assert float(sum_of_overlaps([tf.Variable(TALL), vector, tf.Variable(WIDE)])) == pytest.approx(392 + 10)


def test_overlaps_are_float32_of_weights_of_any_type():
    batch = Batch(None, None, None, variables=[tf.Variable(TALL, dtype=tf.bfloat16)])
    value = OrthogonalPenalty()(batch)
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(392.0)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_the_generator_learns_from_a_penalty_on_its_weights(simultaneous):
    # Its kernel is one row of two columns, 0.5 and -1: the overlap is 2 (0.5 * 1)², its slopes 4 * 0.5 and -4 / 4.
    penalty, rate = OrthogonalPenalty(weight=0.5, network="generator"), 0.1
    plain, penalised = make_step(WassersteinLoss()), make_step(WassersteinLoss(), {"orthogonal": penalty})
    for step in (plain, penalised):
        step.simultaneous = simultaneous
    assert do(penalised)["penalty_orthogonal"] == pytest.approx(0.5)
    do(plain)
    moved = weights(penalised)[0] - weights(plain)[0]
    np.testing.assert_allclose(moved, [-rate * 0.5 * 2.0, rate * 0.5 * 1.0], rtol=1e-5)
    np.testing.assert_array_equal(weights(penalised)[1], weights(plain)[1])


def test_the_network_says_whose_loss_it_is_added_to():
    assert is_on_generator(OrthogonalPenalty(network="generator"))
    assert not is_on_generator(OrthogonalPenalty(network="discriminator"))
    with pytest.raises(ConfigError, match=r"^network=critic: expected one of generator, discriminator\."):
        OrthogonalPenalty(network="critic")
