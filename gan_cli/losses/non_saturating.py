"""The non-saturating objective of the first GAN paper.

Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv:1406.2661: the discriminator's side of equation 1, and
for the generator the last paragraph of section 3: maximise log D(G(z)) instead of minimising log(1 - D(G(z))).

With D = sigmoid(logits), -log D = softplus(-logits) and -log(1 - D) = softplus(logits), which never overflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput


@dataclass(frozen=True)
class NonSaturatingLoss:
    """-E[log D(x)] - E[log(1 - D(G(z)))] and -E[log D(G(z))]."""

    generator_sees_real: ClassVar[bool] = False
    judges_each: ClassVar[bool] = True
    critic: ClassVar[bool] = False
    equilibrium: ClassVar[float] = 0.0  # D = 1/2

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """float32 scalar, at least 0; 2 log 2 = 1.386 where the discriminator can't tell the two apart."""
        return tf.reduce_mean(tf.nn.softplus(-real.logits)) + tf.reduce_mean(tf.nn.softplus(fake.logits))

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """float32 scalar, at least 0."""
        return tf.reduce_mean(tf.nn.softplus(-fake.logits))
