"""Sampling methods against published implementations (sampling.json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from golden_conditional import GRADIENTS, VALUES, floats, load

from gan_cli.sampling.latent_optimization import decayed, energy, langevin_step, natural_gradient_step
from gan_cli.sampling.latents import REDRAW, RESAMPLE, latents
from gan_cli.sampling.rejection_sampling import acceptance_logits, metropolis_hastings, running_maximum, sigmoid
from gan_cli.sampling.standing_statistics import average_statistics
from gan_cli.sampling.truncated_normal import keep_probability, quantiles, within_threshold

SAMPLING = load("sampling")
Case = Mapping[str, Any]
STANDING, LOGAN, REJECTION = (SAMPLING[name] for name in ("standing_statistics", "latent_optimisation", "rejection"))


@pytest.mark.parametrize("case", SAMPLING["truncated_normal"]["thresholds"], ids=lambda case: str(case["threshold"]))
def test_the_truncated_normal_is_the_published_one(case: Mapping[str, Any]) -> None:
    threshold, probabilities = case["threshold"], np.array(case["quantile_probs"])
    assert keep_probability(threshold) == pytest.approx(case["keep_probability"], rel=1e-9)
    assert 1 / keep_probability(threshold) == pytest.approx(case["expected_draws_per_value"], rel=1e-9)
    np.testing.assert_allclose(quantiles(probabilities, threshold), case["quantiles"], rtol=1e-8, atol=1e-12)
    scaled = threshold * quantiles(probabilities, 2.0)  # the convention of TF-Hub
    np.testing.assert_allclose(scaled, case["scaled_convention"]["quantiles"], rtol=1e-8, atol=1e-12)
    middles = (np.arange(200_000) + 0.5) / 200_000
    assert quantiles(middles, threshold).std() == pytest.approx(case["std"], rel=1e-4)


@pytest.mark.parametrize("threshold", [0.04, 0.5, 2.0])
def test_resampled_latents_are_within_the_threshold_and_in_their_order(threshold: float) -> None:
    plain = latents(range(500), 8, "normal")
    cut = latents(range(500), 8, "normal", threshold, RESAMPLE)
    assert np.abs(cut).max() <= threshold
    assert (np.argsort(cut, axis=None, kind="stable") == np.argsort(plain, axis=None, kind="stable")).all()
    assert np.sort(cut, axis=None)[400::800] == pytest.approx(
        quantiles((np.arange(4000)[400::800] + 0.5) / 4000, threshold), abs=0.06 * threshold
    )


def test_latents_within_a_large_threshold_stay_as_they_are() -> None:
    np.testing.assert_allclose(latents([3], 64, "normal", 8.0, RESAMPLE), latents([3], 64, "normal"), rtol=1e-5)


def test_numbers_outside_the_threshold_are_drawn_again() -> None:
    case = SAMPLING["resampling_stream"]
    assert within_threshold(np.array(case["stream"]), case["threshold"]).tolist() == case["kept"]


@pytest.mark.parametrize("threshold", [0.04, 0.5, 2.0])
def test_redrawn_latents_have_the_distribution_of_resampled_ones(threshold: float) -> None:
    found = latents(range(500), 8, "normal", threshold, REDRAW)
    assert np.abs(found).max() <= threshold
    assert np.array_equal(found[7], latents([7], 8, "normal", threshold, REDRAW)[0])
    assert np.sort(found, axis=None)[400::800] == pytest.approx(
        quantiles((np.arange(4000)[400::800] + 0.5) / 4000, threshold), abs=0.06 * threshold
    )


def channels_last(activations: Any) -> Any:
    return np.moveaxis(np.array(activations, np.float64), 1, -1)


def batch_norm(momentum: float = 0.9) -> Any:
    """A model of one layer of batch normalisation, in float64, and the layer."""
    layer = tf.keras.layers.BatchNormalization(momentum=momentum, epsilon=STANDING["biggan"]["eps"], dtype="float64")
    inputs = tf.keras.Input(channels_last(STANDING["test"]).shape[1:], dtype="float64")
    return tf.keras.Model(inputs, layer(inputs)), layer


def test_standing_statistics_are_the_published_ones() -> None:
    batches = [tf.constant(channels_last(one)) for one in STANDING["activations"]]
    model, layer = batch_norm()
    biggan = STANDING["biggan"]
    average_statistics(model, batches)
    compare(layer, biggan, 1e-5)
    found = model(channels_last(STANDING["test"]), training=False)
    np.testing.assert_allclose(found, channels_last(biggan["out_test"]), rtol=1e-5, atol=1e-5)
    assert layer.momentum == 0.9
    average_statistics(model, [tf.concat(batches, axis=0)])
    compare(layer, STANDING["pooled"], 1e-6)


def test_running_averages_of_training_are_those_of_studiogan_but_for_its_unbiased_variance() -> None:
    published = STANDING["studiogan"]
    model, layer = batch_norm(1.0 - published["momentum"])
    variance = np.ones(3)
    for batch, expected in zip(STANDING["activations"], published["after_each_batch"], strict=True):
        before, values = layer.moving_variance.numpy(), channels_last(batch)
        model(values, training=True)
        kept = layer.momentum
        count = values.size // values.shape[-1]
        biased = (layer.moving_variance.numpy() - kept * before) / (1.0 - kept)
        variance = kept * variance + (1.0 - kept) * biased * count / (count - 1)
        np.testing.assert_allclose(layer.moving_mean, expected["mean"], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(variance, expected["var"], rtol=1e-6)
    layer.moving_variance.assign(variance)
    layer.epsilon = published["eps"]
    layer.gamma.assign(STANDING["gamma"])
    layer.beta.assign(STANDING["beta"])
    found = model(channels_last(STANDING["test"]), training=False)
    np.testing.assert_allclose(found, channels_last(published["out_test"]), rtol=1e-5, atol=1e-6)


def compare(layer: Any, expected: Case, tolerance: float) -> None:
    np.testing.assert_allclose(layer.moving_mean, expected["mean"], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(layer.moving_variance, expected["var"], rtol=tolerance)


class Toy:
    """G(z, y) = tanh(z A + B[y]) and D(x, y) = -|x - c|² / 2 + x · V[y]."""

    def __init__(self, case: Case) -> None:
        self.A, self.B, self.c, self.V = (floats(case[name]) for name in "ABcV")

    def generate(self, latents: Any, labels: Any) -> Any:
        return tf.tanh(tf.matmul(latents, self.A) + tf.gather(self.B, labels))

    def score(self, examples: Any, labels: Any) -> Any:
        distance = tf.reduce_sum(tf.square(examples - self.c), axis=1)
        return -0.5 * distance + tf.reduce_sum(examples * tf.gather(self.V, labels), axis=1)


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
        gradient = tf.convert_to_tensor(tape.gradient(value, source))
        np.testing.assert_allclose(gradient, np.array(case[name]), **GRADIENTS, err_msg=name)
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
