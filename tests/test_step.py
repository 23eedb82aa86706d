"""The adversarial step on networks so small that every number can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from by_hand import FAKE, LATENT, PULL, RATE, REAL, do, line, make_step, weights

from gan_cli.data import DataSpec, InMemory
from gan_cli.data.pipeline import BatchesInMemory
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.losses.rpgan import RelativisticPairingLoss
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties.r1 import R1
from gan_cli.penalties.weight_clip import WeightClip
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.compiled_loop import CallLength, CompiledLoop
from gan_cli.training.ema import AverageDecay, update_average
from gan_cli.training.training_state import TrainingState


def test_alternating_updates_the_generator_through_the_updated_discriminator() -> None:
    step = make_step(WassersteinLoss())
    metrics = do(step)
    old = np.array([0.3, 0.2])
    new = old + RATE * PULL
    generator, discriminator = weights(step)
    np.testing.assert_allclose(discriminator, new, rtol=1e-6)
    np.testing.assert_allclose(generator, [0.5, -1.0] + RATE * LATENT.mean() * new, rtol=1e-6)
    assert metrics["discriminator_loss"] == pytest.approx(-(PULL @ old), rel=1e-5)
    assert metrics["generator_loss"] == pytest.approx(-(FAKE.mean(0) @ new), rel=1e-5)
    assert metrics["discriminator_gradient_norm"] == pytest.approx(np.linalg.norm(PULL), rel=1e-5)
    assert metrics["generator_gradient_norm"] == pytest.approx(LATENT.mean() * np.linalg.norm(new), rel=1e-5)


def test_simultaneous_updates_both_from_the_same_state() -> None:
    step = make_step(WassersteinLoss(), simultaneous=True)
    metrics = do(step)
    old = np.array([0.3, 0.2])
    generator, discriminator = weights(step)
    np.testing.assert_allclose(discriminator, old + RATE * PULL, rtol=1e-6)
    np.testing.assert_allclose(generator, [0.5, -1.0] + RATE * LATENT.mean() * old, rtol=1e-6)
    assert metrics["generator_loss"] == pytest.approx(-(FAKE.mean(0) @ old), rel=1e-5)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_each_extra_critic_step_updates_the_discriminator_alone(simultaneous: bool) -> None:
    step = make_step(WassersteinLoss(), critic_steps=3, simultaneous=simultaneous)
    do(step)
    generator, discriminator = weights(step)
    np.testing.assert_allclose(discriminator, [0.3, 0.2] + 3 * RATE * PULL, rtol=1e-5)
    seen = np.array([0.3, 0.2]) + (2 if simultaneous else 3) * RATE * PULL
    np.testing.assert_allclose(generator, [0.5, -1.0] + RATE * LATENT.mean() * seen, rtol=1e-5)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_each_critic_update_uses_its_own_batch_of_real_examples(simultaneous: bool) -> None:
    step = make_step(WassersteinLoss(), critic_steps=3, simultaneous=simultaneous)
    offsets = np.array([[0.0, 0.0], [10.0, 20.0], [-5.0, 30.0]], np.float32)
    batches = tf.constant(REAL + offsets[:, None])
    metrics = tf.function(step, autograph=False)(batches, tf.constant(0, tf.int64))
    before_last = [0.3, 0.2] + RATE * (2 * PULL + offsets[:2].sum(axis=0))
    np.testing.assert_allclose(weights(step)[1], before_last + RATE * (PULL + offsets[2]), rtol=1e-5)
    assert float(metrics["discriminator_loss"]) == pytest.approx(-(PULL + offsets[2]) @ before_last, rel=1e-5)


@pytest.mark.parametrize(("simultaneous", "judged"), [(False, 3), (True, 2)])
def test_nothing_is_computed_twice(simultaneous: bool, judged: int) -> None:
    step = make_step(NonSaturatingLoss(), simultaneous=simultaneous)
    do(step)
    assert step.generator.calls == 1
    assert step.discriminator.calls == judged  # real, fake, and fake again where the discriminator has changed


def test_a_relativistic_generator_sees_real_examples_again() -> None:
    step = make_step(RelativisticPairingLoss())
    do(step)
    assert step.discriminator.calls == 4


def test_a_penalty_adds_its_weight_to_the_loss_and_a_projection_follows_the_update() -> None:
    step = make_step(WassersteinLoss(), {"r1": R1(weight=0.5, every=1), "clip": WeightClip(limit=0.31)})
    metrics = do(step)
    old = np.array([0.3, 0.2])  # the gradient of a linear critic is its weights, so R1 is |w|^2 / 2
    assert metrics["penalty_r1"] == pytest.approx(0.5 * old @ old, rel=1e-5)
    new = np.clip(old + RATE * (PULL - 0.5 * old), -0.31, 0.31)
    np.testing.assert_allclose(weights(step)[1], new, rtol=1e-5)


def test_a_lazy_penalty_comes_seldom_and_as_much_stronger() -> None:
    old = np.array([0.3, 0.2])
    for number, factor in [(4, 4.0), (5, 0.0)]:
        step = make_step(WassersteinLoss(), {"r1": R1(weight=0.5, every=4)})
        metrics = do(step, number)
        np.testing.assert_allclose(weights(step)[1], old + RATE * (PULL - factor * 0.5 * old), rtol=1e-5)
        assert metrics["penalty_r1"] == pytest.approx(0.5 * old @ old if factor else 0.0, rel=1e-5)
    assert step.intervals["penalty_r1"] == 4


def test_the_average_has_its_half_life_in_images() -> None:
    kept = 1.0
    for number in range(10):
        kept *= float(AverageDecay(64, half_life=640, ramp=0)(tf.constant(100 + number, tf.int64)))
    assert kept == pytest.approx(0.5, rel=1e-5)


def test_the_average_warms_up_with_the_images_seen() -> None:
    early = float(AverageDecay(64, half_life=1e6, ramp=0.05)(tf.constant(0, tf.int64)))
    assert early == pytest.approx(0.5 ** (1 / 0.05), rel=1e-4)
    assert float(AverageDecay(64, half_life=0, ramp=0.05)(tf.constant(0, tf.int64))) == 0.0
    average, weight = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 6.0])
    update_average([average], [weight], tf.constant(0.25))
    np.testing.assert_allclose(average, [2.5, 5.0])


def make_calls(step: AdversarialStep) -> tuple[CompiledLoop, TrainingState]:
    values = np.tile(REAL, (4, 1))
    examples = InMemory(DataSpec((2,), len(values)), values, np.zeros(len(values), np.int32), [])
    batches = BatchesInMemory(examples, 2, step.critic_steps, seed=0, flip=False)
    averaged = line(1, 2, [[0.0, 0.0]])
    averaged.set_weights(step.generator.get_weights())
    optimizers = (step.generator_optimizer, step.discriminator_optimizer)
    state = TrainingState(step.generator, step.discriminator, averaged, *optimizers, list(step.intervals))
    state.sums = tf.Variable(np.zeros((2, len(state.metrics)), np.float32))
    return CompiledLoop(step, batches, state, AverageDecay(2, half_life=20.0, ramp=0.0), xla=False), state


def test_logged_metrics_are_means_over_the_steps_that_have_them() -> None:
    step = make_step(WassersteinLoss(), {"r1": R1(weight=0.5, every=2)})
    calls, _ = make_calls(step)
    each = [calls(number, 1).metrics for number in range(4)]
    means = calls.pop_means(reset=True)
    assert means["generator_loss"] == pytest.approx(np.mean([m["generator_loss"] for m in each]), rel=1e-5)
    assert means["penalty_r1"] == pytest.approx(np.mean([each[0]["penalty_r1"], each[2]["penalty_r1"]]), rel=1e-5)
    assert np.isnan(calls.pop_means(reset=True)["generator_loss"])


def test_a_call_tells_the_first_step_with_a_bad_loss() -> None:
    step = make_step(WassersteinLoss())
    calls, _ = make_calls(step)
    assert calls(0, 3).first_bad_step is None
    step.learning_rates = lambda number: (tf.where(number == 6, 1e38, 0.1), tf.where(number == 6, 1e38, 0.1))
    calls, _ = make_calls(step)
    assert calls(3, 10).first_bad_step == 7


def test_the_pace_aims_at_calls_of_a_quarter_second() -> None:
    step = make_step(WassersteinLoss())
    calls, _ = make_calls(step)
    result = calls(0, 1)
    fixed, adapting = CallLength(7, longest=100), CallLength("auto", longest=100)
    fixed.update(7, result)
    assert fixed.count == 7
    adapting.update(1, result)  # compiling tells nothing about steps
    assert adapting.count == 1
    for _ in range(20):
        adapting.update(10, result.__class__({}, None, seconds=0.5, compiled=False))
    assert adapting.count == 5
    assert CallLength(500, longest=100).count == 100
