"""The hinge loss.

Lim & Ye 2017, "Geometric GAN", arXiv:1705.02894, and Miyato et al. 2018, "Spectral Normalization for Generative
Adversarial Networks", arXiv:1802.05957, equations 16 and 17.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss


@dataclass(frozen=True)
class HingeLoss(Loss):
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] and -E[D(G(z))]."""

    is_per_sample: ClassVar[bool] = True
    decision_threshold: ClassVar[float] = 0.0  # middle of [-1, 1]; all logits in it are optimal at equal distributions

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns a float32 scalar, at least 0; 2 if all logits are 0."""
        return tf.reduce_mean(tf.nn.relu(1.0 - real.logits)) + tf.reduce_mean(tf.nn.relu(1.0 + fake.logits))

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns a float32 scalar, unbounded."""
        return -tf.reduce_mean(fake.logits)
