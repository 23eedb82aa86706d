"""What parts do in a step, by hand: penalties on the generator, scalars that are carried on, other kinds of loss."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow as tf
from by_hand import FAKE, LATENT, PULL, RATE, REAL, do, make_step, weights

from gan_cli.augmentations import Augmentation
from gan_cli.losses.hinge import HingeLoss
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.gradient_penalty import GradientPenalty
from gan_cli.penalties.r1 import R1

W, D = np.array([0.5, -1.0]), np.array([0.3, 0.2])
"""First weights of the generator G(z) = z w and the discriminator D(x) = d·x."""
GENERATOR_ALONE = (RATE, 0.0)
both_updates = pytest.mark.parametrize("simultaneous", [False, True])


@dataclass(frozen=True)
class Plain(Penalty):
    """What the penalties here have in common."""

    weight: float = 1.0
    every: int = 1
    on_generator: bool = True


class MeanSquare(Plain):
    """E[|G(z)|²], which for G(z) = z w is |w|² E[z²], 2.5 |w|² here."""

    def __call__(self, batch: Batch) -> Any:
        return tf.reduce_mean(tf.reduce_sum(tf.square(batch.fake), axis=1))


class Decay(Plain):
    """|w|² of the network's weights themselves."""

    def __call__(self, batch: Batch) -> Any:
        return sum(tf.reduce_sum(tf.square(variable)) for variable in batch.variables)


class Both(Plain):
    """The two together, in one term."""

    def __call__(self, batch: Batch) -> Any:
        return MeanSquare.__call__(self, batch) + Decay.__call__(self, batch)


class Unlike(Plain):
    """The discriminator's mean output for generated examples, for the generator to lower."""

    def __call__(self, batch: Batch) -> Any:
        return tf.reduce_mean(batch.fake_output.logits) + tf.reduce_mean(batch.discriminator(batch.fake).logits)


@both_updates
@pytest.mark.parametrize(
    ("penalty", "slope"),
    [(MeanSquare, 5.0 * W), (Decay, 2.0 * W), (Both, 7.0 * W), (Unlike, 2.0 * LATENT.mean() * D)],
)
def test_a_penalty_on_the_generator_pulls_at_it_with_its_weight(
    simultaneous: bool, penalty: Any, slope: np.ndarray
) -> None:
    step = make_step(WassersteinLoss(), {"own": penalty(0.3)}, rates=GENERATOR_ALONE, simultaneous=simultaneous)
    metrics = do(step)
    generator, discriminator = weights(step)
    np.testing.assert_allclose(generator, W + RATE * (LATENT.mean() * D - 0.3 * slope), rtol=1e-5)
    np.testing.assert_array_equal(discriminator, np.float32(D))
    assert metrics["generator_loss"] == pytest.approx(-(FAKE.mean(0) @ D), rel=1e-5)  # the loss alone


class RealMeanSquare(Plain):
    """E[|x|²] of real examples."""

    def __call__(self, batch: Batch) -> Any:
        return tf.reduce_mean(tf.reduce_sum(tf.square(batch.real), axis=1))


class Outputs(Plain):
    """E[D(x)] - 10 E[D(G(z))]."""

    def __call__(self, batch: Batch) -> Any:
        return tf.reduce_mean(batch.real_output.logits) - 10.0 * tf.reduce_mean(batch.fake_output.logits)


@both_updates
def test_a_penalty_on_the_discriminator_gets_real_and_generated_examples_with_their_outputs(simultaneous: bool) -> None:
    kinds = {"real": RealMeanSquare, "fake": MeanSquare, "outputs": Outputs}
    own = {name: kind(on_generator=False) for name, kind in kinds.items()}
    metrics = do(make_step(WassersteinLoss(), own, rates=(0.0, 0.0), simultaneous=simultaneous))
    assert metrics["penalty_real"] == pytest.approx((5.0 + 10.0) / 2)
    assert metrics["penalty_fake"] == pytest.approx(2.5 * W @ W)
    assert metrics["penalty_outputs"] == pytest.approx(REAL.mean(0) @ D - 10.0 * FAKE.mean(0) @ D, rel=1e-5)


def test_a_lazy_penalty_on_the_generator_comes_seldom_and_as_much_stronger() -> None:
    for number, factor in [(8, 4.0), (9, 0.0)]:
        for penalty, slope in [(MeanSquare, 5.0 * W), (Decay, 2.0 * W)]:
            step = make_step(WassersteinLoss(), {"own": penalty(0.1, every=4)}, rates=GENERATOR_ALONE)
            do(step, number)
            expected = W + RATE * (LATENT.mean() * D - factor * 0.1 * slope)
            np.testing.assert_allclose(weights(step)[0], expected, rtol=1e-5)


def test_a_penalty_on_the_discriminator_may_look_at_its_weights_and_leaves_the_generator_alone() -> None:
    own = {"own": Decay(0.5, on_generator=False), "more": MeanSquare(0.5, on_generator=False)}
    step = make_step(WassersteinLoss(), own, rates=(0.0, RATE))
    metrics = do(step)
    np.testing.assert_allclose(weights(step)[1], D + RATE * (PULL - 0.5 * 2.0 * D), rtol=1e-5)
    np.testing.assert_array_equal(weights(step)[0], np.float32(W))
    assert metrics["penalty_more"] == pytest.approx(2.5 * W @ W)


@dataclass(frozen=True)
class Steady(Plain):
    """The mean squared distance between what latents and their neighbours give."""

    perturbation_std: float = 0.1

    def __call__(self, batch: Batch) -> Any:
        distances = tf.reduce_sum(tf.square(batch.perturbed - batch.fake), axis=1)
        between = tf.reduce_sum(tf.square(batch.fake[1:] - batch.fake[:-1]), axis=1)
        tf.debugging.assert_less(distances, tf.reduce_min(between))
        return tf.reduce_mean(distances)


@both_updates
def test_neighbours_are_made_of_latents_near_those_of_the_examples(simultaneous: bool) -> None:
    latent = np.arange(400, dtype=np.float32)[:, None]  # a step apart, so that no neighbour is another's
    real = np.zeros((400, 2), np.float32)
    on = {"own": Steady()}
    step = make_step(WassersteinLoss(), on, latent=latent, rates=GENERATOR_ALONE, simultaneous=simultaneous)
    value = do(step, real=real)["penalty_own"]
    # Both lie on the line z w, and distances along z are normal of standard deviation 0.1.
    assert value == pytest.approx(0.01 * W @ W, rel=0.15)
    expected = W + RATE * (latent.mean() * D - 2.0 * value * W / (W @ W))
    np.testing.assert_allclose(weights(step)[0], expected, rtol=1e-5)


def test_neighbours_are_other_ones_at_each_step_and_the_same_ones_for_both_networks() -> None:
    latent, real = np.arange(400, dtype=np.float32)[:, None], np.zeros((400, 2), np.float32)
    found = []
    for number in (3, 3, 4):
        own = {"one": Steady(), "other": Steady(on_generator=False)}
        metrics = do(make_step(WassersteinLoss(), own, latent=latent, rates=GENERATOR_ALONE), number, real)
        assert metrics["penalty_one"] == metrics["penalty_other"]
        found.append(metrics["penalty_one"])
    assert found[0] == found[1] != found[2]


COUNT = MappingProxyType({"updates": 0.0})


class CountingLoss(WassersteinLoss):
    """Counts the updates of the discriminator, and adds 100 for each to the generator's loss."""

    initial_state: ClassVar[Any] = COUNT
    measures: ClassVar[tuple[str, ...]] = ("counted",)

    def discriminator(self, real: Any, fake: Any, updates: Any = 0.0) -> Any:
        return super().discriminator(real, fake)

    def generator(self, fake: Any, real: Any, updates: Any = 0.0) -> Any:
        return super().generator(fake, real) + 100.0 * updates

    def next_state(self, real: Any, fake: Any, updates: Any) -> dict[str, Any]:
        return {"updates": updates + 1.0}

    def measure(self, real: Any, fake: Any, updates: Any) -> dict[str, Any]:
        return {"counted": updates}


class CountingPenalty(Plain):
    """Counts its calls for a new state, and is as large as that."""

    initial_state: ClassVar[Any] = COUNT

    def __call__(self, batch: Batch) -> Any:
        return tf.convert_to_tensor(batch.state["updates"]) + 0.0 * tf.reduce_mean(batch.fake_output.logits)

    def next_state(self, batch: Batch) -> dict[str, Any]:
        return {"updates": batch.state["updates"] + 1.0}


class CountingAugmentation(Augmentation):
    """Counts updates and real examples, and keeps the mean margin of the last ones."""

    learns: ClassVar[bool] = True
    initial_state: ClassVar[Any] = MappingProxyType({"updates": 0.0, "images": 0.0, "margin": 0.0})

    def next_state(self, margins: Any, images: int, state: Any, step: Any) -> dict[str, Any]:
        updates, seen = state["updates"] + 1.0, state["images"] + tf.cast(images, tf.float32)
        return {"updates": updates, "images": seen, "margin": tf.reduce_mean(margins)}


@both_updates
def test_what_parts_carry_on_moves_once_an_update_whether_a_penalty_is_due_or_not(simultaneous: bool) -> None:
    own = {"often": CountingPenalty(on_generator=False), "lazy": CountingPenalty(every=4, on_generator=False)}
    own["generator"] = CountingPenalty(every=4)
    step = make_step(
        CountingLoss(), own, {"count": CountingAugmentation()}, critic_steps=3, simultaneous=simultaneous
    )  # fmt: skip
    for number in (4, 5):
        metrics = do(step, number)
    counted = {part: float(scalars["updates"]) for part, scalars in step.state.items() if scalars}
    assert counted == {"loss": 6.0, "penalty/often": 6.0, "penalty/lazy": 6.0, "penalty/generator": 2.0}
    assert float(step.augmented_discriminator.state["count"]["updates"]) == 6.0
    assert float(step.augmented_discriminator.state["count"]["images"]) == 6.0 * len(REAL)
    # Equations are computed with the values from before the update; the generator's loss with the newest ones.
    assert (metrics["counted"], metrics["penalty_often"], metrics["penalty_lazy"]) == (5.0, 5.0, 0.0)
    assert metrics["generator_loss"] // 100 == (5.0 if simultaneous else 6.0)


@pytest.mark.parametrize(
    ("loss", "threshold"),
    [(HingeLoss(), 0.0), (WassersteinLoss(), 0.5 * (REAL.mean(0) @ D + FAKE.mean(0) @ D))],
)
def test_augmentations_learn_from_how_far_real_logits_lie_above_the_threshold(loss: Any, threshold: float) -> None:
    step = make_step(loss, augmentations={"count": CountingAugmentation()})
    do(step)
    assert float(step.augmented_discriminator.state["count"]["margin"]) == pytest.approx(
        REAL.mean(0) @ D - threshold, rel=1e-5
    )


def test_both_kinds_of_update_train_the_discriminator_alike_and_the_generator_where_that_stands_still() -> None:
    def own() -> dict[str, Any]:
        lazy = R1(weight=0.5, every=2)
        return {"r1": lazy, "gp": GradientPenalty(weight=0.5), "both": Both(0.1), "steady": Steady()}

    for rates in [(RATE, RATE), (RATE, 0.0)]:
        steps = [make_step(HingeLoss(), own(), rates=rates, simultaneous=kind) for kind in (False, True)]
        metrics = [do(step, 2) for step in steps]
        (first, second) = (weights(step) for step in steps)
        np.testing.assert_allclose(first[1], second[1], rtol=1e-6)
        for name in ("discriminator_loss", "penalty_r1", "penalty_gp", "penalty_both", "penalty_steady"):
            assert metrics[0][name] == pytest.approx(metrics[1][name], rel=1e-6)
        assert np.allclose(first[0], second[0], rtol=1e-6) == (rates[1] == 0.0)


class Gap(Plain):
    """E[D(x)] - E[D(G(z))], on the generator."""

    needs_real: ClassVar[bool] = True

    def __call__(self, batch: Batch) -> Any:
        return tf.reduce_mean(batch.real_output.logits) - tf.reduce_mean(batch.fake_output.logits)


@both_updates
def test_a_penalty_on_the_generator_that_needs_real_examples_gets_their_outputs(simultaneous: bool) -> None:
    step = make_step(WassersteinLoss(), {"gap": Gap()}, rates=(0.0, 0.0), simultaneous=simultaneous)
    assert do(step)["penalty_gap"] == pytest.approx(PULL @ D, rel=1e-5)


def test_each_network_is_trained_with_its_learning_rate_of_the_step() -> None:
    step = make_step(WassersteinLoss(), simultaneous=True)
    step.learning_rates = lambda number: (0.2 * tf.cast(number, tf.float32), 0.3 * tf.cast(number, tf.float32))
    for number in (0, 1):
        do(step, number)
        generator, discriminator = weights(step)
        np.testing.assert_allclose(generator, W + 0.2 * number * LATENT.mean() * D, rtol=1e-5)
        np.testing.assert_allclose(discriminator, D + 0.3 * number * PULL, rtol=1e-5)
