"""Every loss, penalty and augmentation, found by glob, in a real step on points and on images of several kinds.

What is stated here holds for parts that are added later too; what each one computes is in tests of its own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from composition import (
    BATCH,
    FEWER_KERNELS,
    NEED_STYLES,
    NUMBER,
    Networks,
    Remembering,
    choices_of,
    data_of,
    do,
    flat,
    job_with_loss,
    networks_of,
    refusal_of,
    weights_of,
    with_part,
)

from gan_cli.config.job_builder import TrainJob
from gan_cli.losses import EMBEDDING, LOGITS, DiscriminatorOutput, Loss
from gan_cli.penalties import Penalty, is_on_generator
from gan_cli.training.training_state import TrainingState

LOSSES, PENALTIES, AUGMENTATIONS = (choices_of(group) for group in ("loss", "penalty", "augment"))
PENALTIES = [name for name in PENALTIES if name not in NEED_STYLES]
POINTS, GREY, COLOURED = (2,), (28, 28, 1), (16, 24, 3)
SHAPES = [POINTS, COLOURED]
"""Grey images are those of the tests of bfloat16, which take the same networks."""
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
STEEP = 4.0
"""By how much a discriminator's first weights are multiplied: some objectives pay nothing, or an even sum, where it is
flat or within a margin."""


def coarse(job: TrainJob) -> TrainJob:
    """The same job with networks that compute in bfloat16."""
    return replace(job, train=replace(job.train, precision="mixed_bfloat16"))


@cache
def networks(loss: str, shape: tuple[int, ...], steep: float = STEEP, in_bfloat16: bool = False) -> Networks:
    """Networks for a loss, the same ones in bfloat16, its discriminator `steep` times as it would be."""
    job = job_with_loss(loss, shape)
    found = networks_of(coarse(job) if in_bfloat16 else job, shape)
    found.first[1] = [weights * steep for weights in found.first[1]]
    return found


def run(job: TrainJob, shape: tuple[int, ...], given: Networks, steps: int = 1) -> tuple[TrainingState, dict[str, Any]]:
    """Some steps, with what must hold after each of any job; the state and what the first step measured."""
    assert refusal_of(job, data_of(shape)) is None
    state, step = given.step_of(job)
    measured = [do(step, shape, NUMBER + number) for number in range(steps)]
    for metrics in measured:
        assert metrics.keys() == step.intervals.keys()
        assert np.isfinite(list(metrics.values())).all(), metrics
    assert np.isfinite(weights_of(state)).all()
    return state, measured[0]


def without_gradient(variables: list[Any], optimizer: Remembering) -> list[str]:
    """The variables whose gradient has been nothing, or no more than rounding, in every update."""
    largest = [
        max(0.0 if update[index] is None else float(np.abs(update[index]).max()) for update in optimizer.given)
        for index in range(len(variables))
    ]
    return [v.path for v, size in zip(variables, largest, strict=True) if not size > 1e-6 * max(largest)]


@each_shape
@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_trains_every_weight(loss: str, shape: tuple[int, ...]) -> None:
    job = job_with_loss(loss, shape, *FEWER_KERNELS.get(loss, ()))
    state, _ = run(job, shape, networks(loss, shape), steps=2)
    kind = job.loss.output
    # Where only differences count, between logits or between vectors, the offset of the last layer does not.
    only_differences = kind == EMBEDDING or (kind == LOGITS and job.loss.decision_threshold is None)
    expected = ["output/bias"] if only_differences else []
    assert without_gradient(state.discriminator.trainable_variables, state.discriminator_optimizer) == expected
    assert without_gradient(state.generator.trainable_variables, state.generator_optimizer) == []


@each_shape
@pytest.mark.parametrize("choice", PENALTIES)
def test_each_penalty_acts_on_the_network_that_it_is_a_term_of(choice: str, shape: tuple[int, ...]) -> None:
    before = gradients_without_penalties(shape)
    job = with_part(job_with_loss("non_saturating", shape), "penalty", choice)
    state, metrics = run(job, shape, networks("non_saturating", shape))
    terms = {name: one for name, one in job.penalties.items() if isinstance(one, Penalty)}
    assert all(metrics[f"penalty_{name}"] != 0.0 for name in terms), metrics
    after = gradients_of(state)
    acts_on = {is_on_generator(one) for one in terms.values()}
    for on_generator, network in [(False, "discriminator"), (True, "generator")]:
        if on_generator in acts_on:
            assert not np.allclose(before[network], after[network], rtol=1e-5, atol=0.0), network
        elif not on_generator and terms:
            np.testing.assert_array_equal(before[network], after[network])


@cache
def gradients_without_penalties(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    return gradients_of(run(job_with_loss("non_saturating", shape), shape, networks("non_saturating", shape))[0])


def gradients_of(state: TrainingState) -> dict[str, np.ndarray]:
    """The last gradients of each network, behind one another."""
    optimizers = {"generator": state.generator_optimizer, "discriminator": state.discriminator_optimizer}
    return {name: flat(one.given[-1]) for name, one in optimizers.items()}


@each_shape
@pytest.mark.parametrize("choice", AUGMENTATIONS)
def test_each_augmentation_lets_every_weight_learn_or_says_why_it_does_not_take_points(
    choice: str, shape: tuple[int, ...]
) -> None:
    job = with_part(job_with_loss("non_saturating", shape), "augment", choice)
    refused = refusal_of(job, data_of(shape))
    if refused is not None:
        assert shape == POINTS
        assert refused.key.startswith(f"augment.{choice}")
        assert refused.advice
        return
    state, _ = run(job, shape, networks("non_saturating", shape), steps=2)
    assert without_gradient(state.discriminator.trainable_variables, state.discriminator_optimizer) == []
    assert without_gradient(state.generator.trainable_variables, state.generator_optimizer) == []


PARTS = [("loss", [name]) for name in LOSSES] + [("penalty", PENALTIES)]
PARTS += [("augment", [name]) for name in AUGMENTATIONS]


@pytest.mark.parametrize(("group", "choices"), PARTS, ids=str)
def test_what_is_measured_agrees_where_networks_compute_in_bfloat16(group: str, choices: list[str]) -> None:
    """To 2 %, and the norms of gradients to 5 %, since bfloat16 keeps 8 binary digits, 0.4 %, of each activation.

    Losses and mean logits may be differences of larger numbers, and agree at least to 0.0005. Penalties, each of which
    has a metric, are all measured in one step.
    """
    loss = choices[0] if group == "loss" else "non_saturating"
    job = job_with_loss(loss, GREY)
    if group != "loss":
        for choice in choices:
            job = with_part(job, group, choice)
    _, fine = run(job, GREY, networks(loss, GREY, 1.0))
    _, rough = run(coarse(job), GREY, networks(loss, GREY, 1.0, in_bfloat16=True))
    for name, value in fine.items():
        near = 1e-6 if name.startswith("penalty_") else 5e-4
        share = 0.05 if name.endswith("_norm") else 0.02
        assert rough[name] == pytest.approx(value, rel=share, abs=near), name


def slopes_of(loss: Loss, said: dict[str, tf.Tensor]) -> list[tf.Tensor]:
    """Both losses of what was said of a batch, and their slopes in that."""
    state = {name: tf.constant(value) for name, value in (getattr(loss, "initial_state", None) or {}).items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(said)
        features = {getattr(loss, "layer", "auto"): said["features"]}
        real, fake = (DiscriminatorOutput(said["logits"][i], {n: f[i] for n, f in features.items()}, said["vectors"][i])
                      for i in (0, 1))  # fmt: skip
        losses = [loss.discriminator(real, fake, **state), loss.generator(fake, real, **state)]
    return losses + [slope for one in losses for slope in tape.gradient(one, said, None, "zero").values()]


def test_losses_and_their_slopes_are_the_same_where_xla_compiles_them() -> None:
    """All in one graph. Networks, penalties and augmentations are compiled in tests of their own."""
    generator = np.random.default_rng(0)
    shapes = {"logits": (2, BATCH), "features": (2, BATCH, 6), "vectors": (2, BATCH, 4)}
    said = {name: tf.constant(generator.normal(size=shape), tf.float32) for name, shape in shapes.items()}
    losses = {name: job_with_loss(name, POINTS, *FEWER_KERNELS.get(name, ())).loss for name in LOSSES}

    @tf.function(jit_compile=True, autograph=False)
    def compiled(said: dict[str, tf.Tensor]) -> dict[str, list[tf.Tensor]]:
        return {name: slopes_of(loss, said) for name, loss in losses.items()}

    for name, values in compiled(said).items():
        for fast, plain in zip(values, slopes_of(losses[name], said), strict=True):
            np.testing.assert_allclose(fast, plain, rtol=1e-4, atol=1e-6, err_msg=name)
