"""Sampling methods against published implementations (sampling.json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from golden_conditional import GRADIENTS, VALUES, floats, load

from gan_cli.sampling.latent_optimization import decayed, energy, langevin_step, natural_gradient_step
from gan_cli.sampling.rejection_sampling import acceptance_logits, metropolis_hastings, running_maximum, sigmoid
from gan_cli.sampling.standing_statistics import (
    Statistics,
    averaged_statistics,
    exponential_statistics,
    normalized,
    pooled_statistics,
)
from gan_cli.sampling.truncated_normal import expected_draws, keep_probability, quantiles, resample

SAMPLING = load("sampling")
Case = Mapping[str, Any]
TRUNCATED, STANDING, REJECTION = (SAMPLING[name] for name in ("truncated_normal", "standing_statistics", "rejection"))


@pytest.mark.parametrize("case", TRUNCATED["thresholds"], ids=lambda case: str(case["threshold"]))
def test_the_truncated_normal_is_the_published_one(case: Case) -> None:
    threshold, probabilities = case["threshold"], np.array(case["quantile_probs"])
    assert keep_probability(threshold) == pytest.approx(case["keep_probability"], rel=1e-9)
    assert expected_draws(threshold) == pytest.approx(case["expected_draws_per_value"], rel=1e-9)
    np.testing.assert_allclose(quantiles(probabilities, threshold), case["quantiles"], rtol=1e-8, atol=1e-12)
    scaled = quantiles(probabilities, threshold, scaled=True)
    np.testing.assert_allclose(scaled, case["scaled_convention"]["quantiles"], rtol=1e-8, atol=1e-12)
    middles = (np.arange(200_000) + 0.5) / 200_000
    for scaled_too, expected in ((False, case["std"]), (True, case["scaled_convention"]["std"])):
        assert quantiles(middles, threshold, scaled_too).std() == pytest.approx(expected, rel=1e-4)


def test_numbers_outside_the_threshold_are_drawn_again() -> None:
    case = SAMPLING["resampling_stream"]
    assert resample(np.array(case["stream"]), case["threshold"]).tolist() == case["kept"]


def channels_last(activations: Any) -> np.ndarray:
    return np.moveaxis(np.array(activations), 1, -1)


def test_standing_statistics_are_the_published_ones() -> None:
    batches = [channels_last(one) for one in STANDING["activations"]]
    test, gamma, beta = channels_last(STANDING["test"]), np.array(STANDING["gamma"]), np.array(STANDING["beta"])
    studiogan = STANDING["studiogan"]
    each = exponential_statistics(batches, studiogan["momentum"])
    for found, expected in zip(each, studiogan["after_each_batch"], strict=True):
        compare(found, expected, 1e-9)
    out = gamma * normalized(test, each[-1], studiogan["eps"]) + beta
    np.testing.assert_allclose(out, channels_last(studiogan["out_test"]), rtol=1e-6)
    biggan, averaged = STANDING["biggan"], averaged_statistics(batches)
    compare(averaged, biggan, 1e-5)
    np.testing.assert_allclose(
        normalized(test, averaged, biggan["eps"]), channels_last(biggan["out_test"]), rtol=1e-5, atol=1e-5
    )
    compare(pooled_statistics(batches), STANDING["pooled"], 1e-9)


def compare(found: Statistics, expected: Case, tolerance: float) -> None:
    np.testing.assert_allclose(found.mean, expected["mean"], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(found.variance, expected["var"], rtol=tolerance)


class Toy:
    """G(z, y) = tanh(z A + B[y]) and D(x, y) = -|x - c|² / 2 + x · V[y]."""

    def __init__(self, case: Case) -> None:
        self.A, self.B, self.c, self.V = (floats(case[name]) for name in "ABcV")

    def generate(self, latents: Any, labels: Any) -> Any:
        return tf.tanh(tf.matmul(latents, self.A) + tf.gather(self.B, labels))

    def score(self, examples: Any, labels: Any) -> Any:
        distance = tf.reduce_sum(tf.square(examples - self.c), axis=1)
        return -0.5 * distance + tf.reduce_sum(examples * tf.gather(self.V, labels), axis=1)


LOGAN = SAMPLING["latent_optimisation"]


@pytest.mark.parametrize("case", LOGAN["cases"], ids=lambda case: f"{case['lo_alpha']}-{case['lo_beta']}")
def test_latent_optimisation_has_the_published_values_and_gradients(case: Case) -> None:
    toy, z, labels = Toy(LOGAN), floats(LOGAN["z"]), tf.constant(LOGAN["labels"], tf.int32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([toy.A, toy.V])
        found = natural_gradient_step(
            lambda latents: toy.score(toy.generate(latents, labels), labels), z, case["lo_alpha"], case["lo_beta"]
        )
        scores = toy.score(toy.generate(found.latents, labels), labels)
        of_generator = -tf.reduce_mean(scores) + case["lo_lambda"] * found.cost
        of_discriminator = case["lo_lambda"] * found.cost
        stopped = tf.stop_gradient(found.latents)
        without = -tf.reduce_mean(toy.score(toy.generate(stopped, labels), labels))
    before = toy.score(toy.generate(z, labels), labels)
    for value, name in (
        (before, "adv_before"), (found.change, "delta_z"), (found.latents, "z_after"), (found.cost, "transport_cost"),
        (scores, "adv_after"), (of_generator, "g_total"), (without, "g_no_cost_stopped_at_z"),
    ):  # fmt: skip
        np.testing.assert_allclose(value, np.array(case[name]), **VALUES, err_msg=name)
    for value, source, name in (
        (of_generator, toy.A, "g_grad_A"),
        (without, toy.A, "g_grad_A_stopped_at_z"),
        (of_discriminator, toy.V, "d_grad_v"),
    ):
        slope = tf.convert_to_tensor(tape.gradient(value, source))
        np.testing.assert_allclose(slope, np.array(case[name]), **GRADIENTS, err_msg=name)
    np.testing.assert_allclose(of_discriminator, case["d_fake_total"], **VALUES)
    nothing = natural_gradient_step(
        lambda latents: toy.score(toy.generate(latents, labels), labels), z, case["lo_alpha"], case["lo_beta"], 0.0
    )
    np.testing.assert_array_equal(nothing.latents, z)
    np.testing.assert_allclose(nothing.cost, case["transport_cost"], **VALUES)


@pytest.mark.parametrize("case", SAMPLING["ddls"]["cases"])
def test_langevin_sampling_takes_the_published_path(case: Case) -> None:
    toy, labels = Toy(LOGAN), tf.constant(SAMPLING["ddls"]["labels"], tf.int32)
    z = floats(SAMPLING["ddls"]["z"])

    def score(latents: Any) -> Any:
        return toy.score(toy.generate(latents, labels), labels)

    for step, expected in enumerate(case["path"]):
        np.testing.assert_allclose(energy(score, z), expected["energy"], **VALUES)
        rate, scale = (
            decayed(one, step, case["langevin_decay"], case["langevin_decay_steps"])
            for one in (case["langevin_rate"], 1.0)
        )
        z = langevin_step(score, z, tf.constant(rate, tf.float64), scale * floats(expected["noise"]))
        np.testing.assert_allclose(z, np.array(expected["z"]), **VALUES)
    np.testing.assert_allclose(z, np.array(case["z_final"]), **VALUES)


@pytest.mark.parametrize("case", REJECTION["drs"], ids=lambda case: str(case["shift_percent"]))
def test_rejection_accepts_the_published_examples(case: Case) -> None:
    logits, uniforms = np.array(REJECTION["logits"]), np.array(REJECTION["uniforms"])
    maxima = running_maximum(logits, np.array(REJECTION["burn_in_logits"]))
    np.testing.assert_array_equal(maxima, case["running_max"])
    acceptance, gamma = acceptance_logits(logits, maxima, case["shift_percent"], REJECTION["epsilon"])
    np.testing.assert_allclose(gamma, case["gamma"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(acceptance, np.array(case["F"]), rtol=1e-9)
    probability = sigmoid(acceptance - gamma)
    np.testing.assert_allclose(probability, case["accept_probability"], rtol=1e-9)
    assert (uniforms < probability).tolist() == case["accepted"]


def test_a_chain_of_metropolis_and_hastings_is_the_published_one() -> None:
    case = REJECTION["metropolis_hastings"]
    alphas, states = metropolis_hastings(np.array(REJECTION["logits"]), np.array(REJECTION["uniforms"])[1:])
    np.testing.assert_allclose(alphas, case["alpha"], rtol=1e-9)
    assert states.tolist() == case["state_after"]
