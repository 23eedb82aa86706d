"""The minimax game of the first GAN paper, in which discriminator and generator share one value.

Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv:1406.2661, equation 1. The generator's gradient
vanishes while the discriminator is sure of itself (section 3); it is here to be compared with.

With D = sigmoid(logits), -log D = softplus(-logits) and -log(1 - D) = softplus(logits), which never overflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput


@dataclass(frozen=True)
class MinimaxLoss:
    """-E[log D(x)] - E[log(1 - D(G(z)))] and E[log(1 - D(G(z)))]."""

    generator_sees_real: ClassVar[bool] = False
    judges_each: ClassVar[bool] = True
    critic: ClassVar[bool] = False
    equilibrium: ClassVar[float] = 0.0  # D = 1/2

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """float32 scalar, at least 0; 2 log 2 = 1.386 where the discriminator can't tell the two apart."""
        return tf.reduce_mean(tf.nn.softplus(-real.logits)) + tf.reduce_mean(tf.nn.softplus(fake.logits))

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """float32 scalar, at most 0."""
        return -tf.reduce_mean(tf.nn.softplus(fake.logits))
