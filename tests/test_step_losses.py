"""Losses in a step that compare vectors, or the examples themselves, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow as tf
from by_hand import FAKE, LATENT, PULL, RATE, REAL, do, line, make_step

from gan_cli.data import DataSpec
from gan_cli.losses import EMBEDDING, PIXELS, DiscriminatorOutput, Loss
from gan_cli.models.discriminator import identity
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.r1 import R1

W = np.array([0.5, -1.0])
"""First weights of the generator G(z) = z w."""


@dataclass(frozen=True)
class MeansApart(Loss):
    """Vectors v: the squared distance of the means of both kinds; the witness is v · (mean real - mean generated)."""

    generator_needs_real: ClassVar[bool] = True
    output: ClassVar[str] = EMBEDDING
    embedding_size: ClassVar[int] = 2

    def mmd_witness(self, embedding: Any, real: Any, fake: Any) -> Any:
        return tf.linalg.matvec(embedding, tf.reduce_mean(real, 0) - tf.reduce_mean(fake, 0))

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        return -self.generator(fake, real)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput) -> Any:
        return tf.reduce_sum(tf.square(tf.reduce_mean(real.embedding, 0) - tf.reduce_mean(fake.embedding, 0)))


def test_of_vectors_the_logits_are_their_witness_for_logs_and_for_penalties() -> None:
    A = np.array([[1.0, 0.5], [-0.5, 2.0]])
    network = line(2, 2, A.tolist())
    step = make_step(MeansApart(), {"r1": R1(weight=0.0)}, discriminator=network, rates=(0.0, 0.0))
    metrics = do(step)
    apart = PULL @ A
    assert metrics["real_logits"] == pytest.approx(REAL.mean(0) @ A @ apart, rel=1e-5)
    assert metrics["fake_logits"] == pytest.approx(FAKE.mean(0) @ A @ apart, rel=1e-5)
    assert metrics["penalty_r1"] == pytest.approx(0.5 * np.sum((A @ apart) ** 2), rel=1e-5)  # its slope is A · apart
    assert metrics["generator_loss"] == pytest.approx(apart @ apart, rel=1e-5)


class FromOrigin(MeansApart):
    """A generator that is to make large vectors, and does not look at real ones for that."""

    generator_needs_real: ClassVar[bool] = False

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        return -MeansApart.generator(self, fake, real)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        assert real is None
        return -tf.reduce_sum(tf.reduce_mean(fake.embedding, 0))


@dataclass(frozen=True)
class Unlike(Penalty):
    """What the discriminator says of generated examples, for the generator to lower."""

    weight: float = 0.5
    every: int = 1
    on_generator: ClassVar[bool] = True

    def __call__(self, batch: Batch) -> Any:
        return tf.reduce_mean(batch.discriminator(batch.fake).logits)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_penalty_on_the_generator_gets_logits_of_vectors_though_the_loss_sees_no_real_ones(
    simultaneous: bool,
) -> None:
    network = line(2, 2, np.eye(2).tolist())
    step = make_step(FromOrigin(), {"unlike": Unlike()}, discriminator=network, rates=(0.0, 0.0),
                     simultaneous=simultaneous)  # fmt: skip
    assert do(step)["penalty_unlike"] == pytest.approx(FAKE.mean(0) @ PULL, rel=1e-5)


class PixelsApart(MeansApart):
    """The same of the examples themselves."""

    output: ClassVar[str] = PIXELS


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_loss_of_the_examples_themselves_trains_the_generator_alone(simultaneous: bool) -> None:
    step = make_step(PixelsApart(), discriminator=identity(DataSpec((2,), 9)), simultaneous=simultaneous)
    metrics = do(step)
    expected = W + RATE * 2.0 * LATENT.mean() * PULL
    np.testing.assert_allclose(step.generator.get_weights()[0][0], expected, rtol=1e-5)
    assert metrics["discriminator_gradient_norm"] == 0.0
    assert metrics["real_logits"] == pytest.approx(REAL.mean(0) @ PULL, rel=1e-5)
