"""What a step passes on: seeds, step numbers and batches to its parts, the training mode, scheduled numbers."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import FAKE, LATENT, PULL, RATE, REAL, line, make_step, weights

from gan_cli.losses import EMBEDDING, Loss
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.optimizers.adam import Adam
from gan_cli.penalties import Batch, Penalty
from gan_cli.random_seeds import Purpose, fold
from gan_cli.schedule import Schedule
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.build_training import with_loss_scale

W, D = np.array([0.5, -1.0]), np.array([0.3, 0.2])
"""First weights of the generator G(z) = z w and the discriminator D(x) = d·x."""
both_updates = pytest.mark.parametrize("simultaneous", [False, True])


def run_eagerly(step: AdversarialStep, number: int = 0) -> dict[str, float]:
    """Performs step `number` without compilation."""
    real = tf.constant(np.stack([REAL] * step.critic_steps))
    return {name: float(value) for name, value in step(real, tf.constant(number, tf.int64)).items()}


def test_each_critic_update_draws_latents_by_the_seed_of_its_step_and_passes_the_step_on() -> None:
    seeds: list[np.ndarray] = []
    seen: list[int] = []

    class StepNumber(Penalty):
        weight = 0.0

        def __call__(self, batch: Batch) -> Any:
            seen.append(int(batch.step))
            return tf.reduce_mean(batch.fake_output.logits)

    step = make_step(WassersteinLoss(), {"step": StepNumber()}, critic_steps=3, seed=5)

    def draw(seed: Any) -> Any:
        seeds.append(seed.numpy())
        return tf.constant(LATENT)

    step.inputs.draw_latents = draw
    run_eagerly(step, 7)
    # The seeds are part of every stored run: another order would change what a resumed run draws.
    np.testing.assert_array_equal(seeds, [fold(5, Purpose.LATENTS, 7, update) for update in range(3)])
    assert seen == [7, 7, 7]


def test_two_critic_steps_are_two_updates() -> None:
    step = make_step(WassersteinLoss(), critic_steps=2)
    run_eagerly(step)
    np.testing.assert_allclose(weights(step)[1], D + 2 * RATE * PULL, rtol=1e-5)


class Perturbed(Penalty):
    """A penalty of the discriminator that asks for perturbed examples."""

    weight = 0.0
    perturbation_std = 0.1

    def __call__(self, batch: Batch) -> Any:
        return tf.reduce_mean(batch.discriminator(batch.perturbed).logits)


def test_perturbed_latents_are_the_latents_plus_noise_of_the_seed_of_the_update() -> None:
    step = make_step(WassersteinLoss(), {"own": Perturbed()}, seed=5)
    latents, perturbed = step.inputs.latents(step.augmented_discriminator.context(7, 2))
    noise = tf.random.stateless_normal(LATENT.shape, fold(5, Purpose.PERTURBATION, 7, 2))
    np.testing.assert_array_equal(latents, LATENT)
    np.testing.assert_allclose(perturbed, LATENT + 0.1 * noise, rtol=1e-6)


@both_updates
def test_perturbed_examples_that_only_the_discriminator_uses_do_not_train_the_generator(simultaneous: bool) -> None:
    step = make_step(WassersteinLoss(), {"own": Perturbed()}, rates=(RATE, 0.0), simultaneous=simultaneous)
    run_eagerly(step)
    np.testing.assert_allclose(weights(step)[0], W + RATE * LATENT.mean() * D, rtol=1e-5)


def test_examples_are_generated_in_training_mode() -> None:
    step = make_step(WassersteinLoss())
    step.generator = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    generated = step.generate(step.augmented_discriminator.context(0, 0))
    np.testing.assert_allclose(np.mean(generated.examples), 0.0, atol=1e-6)
    np.testing.assert_array_equal(generated.latents, LATENT)


class LargeVectors(Loss):
    """A generator that enlarges its vectors without comparing them with real ones."""

    output: ClassVar[str] = EMBEDDING
    embedding_size: ClassVar[int] = 2

    def mmd_witness(self, embedding: Any, real: Any, fake: Any) -> Any:
        return tf.reduce_sum(embedding, 1)

    def discriminator(self, real: Any, fake: Any) -> Any:
        return tf.reduce_sum(fake.embedding) - tf.reduce_sum(real.embedding)

    def generator(self, fake: Any, real: Any) -> Any:
        return -tf.reduce_sum(fake.embedding)


def test_vectors_of_real_examples_are_not_computed_again_for_a_generator_that_does_not_use_them() -> None:
    step = make_step(LargeVectors(), discriminator=line(2, 2, np.eye(2).tolist()))
    run_eagerly(step)
    assert step.discriminator.calls == 3  # real and generated examples, and these again


class Sides(WassersteinLoss):
    """Measures and updates a number that differs where real and generated outputs are exchanged; gets the step."""

    uses_step: ClassVar[bool] = True
    initial_state: ClassVar[Any] = MappingProxyType({"side": 0.0})
    measures: ClassVar[tuple[str, ...]] = ("measured",)

    def discriminator(self, real: Any, fake: Any, side: Any, step: Any, offset: Any) -> Any:
        return super().discriminator(real, fake) + tf.cast(step, tf.float32) + offset

    def generator(self, fake: Any, real: Any, side: Any, step: Any, offset: Any) -> Any:
        return super().generator(fake, real) + 2.0 * tf.cast(step, tf.float32) + offset

    def next_state(self, real: Any, fake: Any, side: Any) -> dict[str, Any]:
        return {"side": tf.reduce_mean(real.logits) - 10.0 * tf.reduce_mean(fake.logits)}

    def measure(self, real: Any, fake: Any, side: Any) -> dict[str, Any]:
        return {"measured": tf.reduce_mean(real.logits) - 3.0 * tf.reduce_mean(fake.logits)}


def test_a_loss_gets_both_sides_in_order_with_its_constants_and_the_step() -> None:
    step = make_step(Sides(), rates=(0.0, 0.0), constants={"offset": tf.constant(1000.0)})
    metrics = run_eagerly(step, 50)
    real, fake = REAL.mean(0) @ D, FAKE.mean(0) @ D
    assert metrics["measured"] == pytest.approx(real - 3.0 * fake, rel=1e-5)
    assert float(step.state["loss"]["side"]) == pytest.approx(real - 10.0 * fake, rel=1e-5)
    assert metrics["discriminator_loss"] == pytest.approx(1050.0 + fake - real, rel=1e-6)
    assert metrics["generator_loss"] == pytest.approx(1100.0 - fake, rel=1e-6)


@both_updates
def test_the_metrics_of_losses_are_free_of_the_loss_scale(simultaneous: bool) -> None:
    step = make_step(WassersteinLoss(), rates=(0.0, 0.0), simultaneous=simultaneous)
    for name, network in (("generator", step.generator), ("discriminator", step.discriminator)):
        optimizer = with_loss_scale(keras.optimizers.SGD(RATE), "mixed_float16")
        optimizer.build(network.trainable_variables)
        setattr(step, f"{name}_optimizer", optimizer)
    metrics = run_eagerly(step)
    assert metrics["discriminator_loss"] == pytest.approx(-(PULL @ D), rel=1e-5)
    assert metrics["generator_loss"] == pytest.approx(-(FAKE.mean(0) @ D), rel=1e-5)
    assert metrics["discriminator_gradient_norm"] == pytest.approx(np.linalg.norm(PULL), rel=1e-5)
    assert metrics["generator_gradient_norm"] == pytest.approx(LATENT.mean() * np.linalg.norm(D), rel=1e-5)


def test_both_optimizers_get_the_beta_2_of_the_step_and_the_metrics_show_it() -> None:
    beta_2 = Schedule(0.5, 0.9, steps=4)
    step = make_step(WassersteinLoss(), beta_2=beta_2, schedules={"beta_2": beta_2})
    optimizers = []
    for name, network in (("generator", step.generator), ("discriminator", step.discriminator)):
        optimizer = Adam(beta_2=beta_2).create(name, RATE)
        optimizer.build(network.trainable_variables)
        setattr(step, f"{name}_optimizer", optimizer)
        optimizers.append(optimizer)
    metrics = run_eagerly(step, 1)
    assert metrics["beta_2"] == pytest.approx(0.6)
    assert [float(one.scheduled_beta_2) for one in optimizers] == pytest.approx([0.6, 0.6])
