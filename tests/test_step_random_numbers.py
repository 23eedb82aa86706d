"""Random numbers of a step: every update and every step has its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from by_hand import REAL, do, make_step

from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties import Batch, Penalty
from gan_cli.training.adversarial_step import AdversarialStep


class UniformNumber(Penalty):
    """A random number from the penalty's seed."""

    weight = 0.0

    def __call__(self, batch: Batch) -> Any:
        return tf.random.stateless_uniform([], batch.seed) + 0.0 * tf.reduce_mean(batch.fake_output.logits)


class OnGenerator(UniformNumber):
    """The same in the generator's loss."""

    on_generator = True


def random_latents(step: AdversarialStep) -> list[np.ndarray]:
    """Makes a step draw random latents, and returns the list to which each batch of them is added."""
    drawn: list[np.ndarray] = []

    def draw(seed: Any) -> Any:
        latents = tf.random.stateless_normal((2, 1), seed)
        drawn.append(latents.numpy())
        return latents

    step.inputs.draw_latents = draw
    return drawn


def run_eagerly(step: AdversarialStep, number: int) -> dict[str, float]:
    """Step `number`, without compilation."""
    real = tf.constant(np.stack([REAL] * step.critic_steps))
    return {name: float(value) for name, value in step(real, tf.constant(number, tf.int64)).items()}


@pytest.mark.parametrize("simultaneous", [False, True])
def test_each_critic_update_of_each_step_has_latents_of_its_own(simultaneous: bool) -> None:
    step = make_step(WassersteinLoss(), critic_steps=3, simultaneous=simultaneous)
    drawn = random_latents(step)
    for number in (4, 5, 4):
        run_eagerly(step, number)
    assert len(drawn) == 9  # one batch for each update of the discriminator
    assert len({latents.tobytes() for latents in drawn[:6]}) == 6
    np.testing.assert_array_equal(drawn[:3], drawn[6:])


def test_the_latents_of_another_seed_are_others() -> None:
    drawn = []
    for seed in (0, 1):
        step = make_step(WassersteinLoss(), seed=seed)
        latents = random_latents(step)
        run_eagerly(step, 4)
        drawn.append(latents[0])
    assert not np.isclose(*drawn).any()


@pytest.mark.parametrize("simultaneous", [False, True])
def test_each_penalty_has_another_seed_at_each_step_and_the_same_when_the_step_is_repeated(simultaneous: bool) -> None:
    penalties = {"one": UniformNumber(), "two": UniformNumber(), "three": OnGenerator()}
    step = make_step(WassersteinLoss(), penalties, simultaneous=simultaneous)
    names = ("penalty_one", "penalty_two", "penalty_three")
    other = make_step(WassersteinLoss(), penalties, seed=1)
    found = [[metrics[name] for name in names] for metrics in (*(do(step, n) for n in (7, 8, 7)), do(other, 7))]
    assert len({*found[0], *found[1]}) == 6
    assert found[0] == found[2]
    assert found[0] != found[3]


def test_each_critic_update_has_another_penalty_seed() -> None:
    seen: list[float] = []

    class Recorded(UniformNumber):
        def __call__(self, batch: Batch) -> Any:
            value = super().__call__(batch)
            seen.append(float(value))
            return value

    run_eagerly(make_step(WassersteinLoss(), {"one": Recorded()}, critic_steps=3), 2)
    assert len(set(seen)) == 3
