"""Penalties that set generated examples apart: neighbours of latents, and samples of a batch."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from by_hand import RATE, REAL, do, make_step, weights

from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties import Batch, is_on_generator
from gan_cli.penalties.kernel_diversity import KernelDiversity, mean_log_kernel
from gan_cli.penalties.latent_consistency import LatentConsistency, LatentDiversity

SAMPLES = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 4.0]], np.float32)  # squared distances 25, 16 and 9


def first_value(examples: tf.Tensor) -> DiscriminatorOutput:
    return DiscriminatorOutput(tf.cast(examples, tf.float32)[:, 0])


def test_latent_consistency_is_the_mean_squared_change_of_what_is_said_of_neighbours():
    fake, neighbours = np.array([[1.0, 9.0], [2.0, 9.0]]), np.array([[4.0, 0.0], [1.0, 0.0]])
    batch = Batch(first_value, None, fake, fake_output=first_value(fake), perturbed=neighbours)
    assert float(LatentConsistency()(batch)) == pytest.approx((9 + 1) / 2)


def test_latent_consistency_asks_again_where_examples_were_augmented():
    said = DiscriminatorOutput(tf.constant([100.0]))
    batch = Batch(first_value, None, [[1.0]], fake_output=said, perturbed=[[3.0]], augmented=True)
    assert float(LatentConsistency()(batch)) == pytest.approx(4.0)


def test_latent_diversity_is_minus_the_mean_squared_difference_of_neighbours():
    batch = Batch(None, None, np.array([[1.0, 9.0], [2.0, 9.0]]), perturbed=np.array([[4.0, 9.0], [1.0, 7.0]]))
    value = LatentDiversity()(batch)
    assert float(value) == pytest.approx(-(9 + 0 + 1 + 4) / 4)
    assert value.dtype == tf.float32


@pytest.mark.parametrize("simultaneous", [False, True])
def test_the_generator_drives_neighbours_apart(simultaneous):
    # G(z) = w z with one noise d for each latent: the term is -|w|² E[d²] / 2, its slope -w E[d²], so w grows in its
    # own direction, where the critic stands still at 0.
    none = {"discriminator": None, "rates": (RATE, 0.0), "simultaneous": simultaneous}
    step = make_step(WassersteinLoss(), {"apart": LatentDiversity(weight=1.0, perturbation_std=0.5)}, **none)
    step.discriminator.set_weights([np.zeros((2, 1), np.float32)])
    value = do(step)["penalty_apart"]
    squared_noise = -2 * value / 1.25  # |w|² = 0.25 + 1
    np.testing.assert_allclose(weights(step)[0], np.array([0.5, -1.0]) * (1 + RATE * squared_noise), rtol=1e-5)


def test_each_term_belongs_to_its_network():
    assert not is_on_generator(LatentConsistency())
    assert is_on_generator(LatentDiversity())
    assert is_on_generator(KernelDiversity())


def test_the_log_kernel_is_a_mean_over_pairs_of_different_samples():
    assert float(mean_log_kernel(SAMPLES, 2.0)) == pytest.approx(-(25 + 16 + 9) / 3 / (2 * 2.0**2))
    samples = np.random.default_rng(0).normal(3, 2, (12, 4, 4, 2)).astype(np.float32)
    pairs = [((one - other) ** 2).sum() for i, one in enumerate(samples) for j, other in enumerate(samples) if i != j]
    assert float(mean_log_kernel(samples, 5.0)) == pytest.approx(-np.mean(pairs) / 50, rel=1e-5)


def test_without_a_width_the_kernel_grows_with_the_number_of_values():
    assert float(KernelDiversity()(Batch(None, None, SAMPLES))) == pytest.approx(-(25 + 16 + 9) / 3 / (2 * 2))
    repeated = np.repeat(SAMPLES, 50, axis=1)
    assert float(KernelDiversity()(Batch(None, None, repeated))) == pytest.approx(-(25 + 16 + 9) / 3 / (2 * 2))
    assert float(KernelDiversity(sigma=1.0)(Batch(None, None, repeated))) == pytest.approx(-50 * 50 / 3 / 2)


@pytest.mark.parametrize(("real_scale", "pushed"), [(1.5, True), (0.5, False)])
def test_a_bounded_kernel_pushes_until_samples_are_as_far_apart_as_real_examples(real_scale, pushed):
    samples = tf.constant(SAMPLES)
    with tf.GradientTape() as tape:
        tape.watch(samples)
        value = KernelDiversity(bounded=True)(Batch(None, real_scale * SAMPLES, samples))
    assert float(value) == pytest.approx(-(25 + 16 + 9) / 3 / (2 * 2) * (1.0 if pushed else real_scale**2))
    assert (np.abs(tape.gradient(value, samples)).max() > 0.0) == pushed


def test_samples_are_pushed_away_from_their_mean():
    samples = tf.constant(SAMPLES)
    with tf.GradientTape() as tape:
        tape.watch(samples)
        value = mean_log_kernel(samples, 1.0)
    np.testing.assert_allclose(tape.gradient(value, samples), -(SAMPLES - SAMPLES.mean(0)), rtol=1e-5)  # 2 / (n - 1)


def test_a_batch_of_equal_samples_and_a_batch_of_one_cost_nothing_and_stay_put():
    for samples in (tf.ones([5, 3]), tf.ones([1, 3])):
        with tf.GradientTape() as tape:
            tape.watch(samples)
            value = KernelDiversity()(Batch(None, None, samples))
        assert float(value) == 0.0
        np.testing.assert_array_equal(tape.gradient(value, samples), np.zeros(samples.shape))


@pytest.mark.parametrize("simultaneous", [False, True])
def test_the_generator_spreads_its_samples(simultaneous):
    spread = {"spread": KernelDiversity(weight=1.0)}
    step = make_step(WassersteinLoss(), spread, simultaneous=simultaneous, rates=(RATE, 0.0))
    step.discriminator.set_weights([np.zeros((2, 1), np.float32)])
    # G(z) = w z for z = 2 and 1: one pair at distance |w|, so the term is -|w|² / 4 and its slope -w / 2
    assert do(step, real=REAL)["penalty_spread"] == pytest.approx(-1.25 / 4)
    np.testing.assert_allclose(weights(step)[0], np.array([0.5, -1.0]) * (1 + RATE / 2), rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "key"),
    [
        (lambda: LatentConsistency(perturbation_std=0.0), "perturbation_std=0.0"),
        (lambda: LatentDiversity(weight=-1.0), "weight=-1.0"),
        (lambda: KernelDiversity(sigma=0.0), "sigma=0.0"),
        (lambda: KernelDiversity(every=0), "every=0"),
    ],
)
def test_a_number_outside_its_range_is_refused_by_its_key(build, key):
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        build()
