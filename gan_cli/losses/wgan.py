"""The Wasserstein loss: the critic estimates the earth mover's distance, the generator minimises it.

Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875, equations 2 and 3. It requires a Lipschitz
continuous critic, so it comes with weight clipping, a gradient penalty or spectral normalisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss


@dataclass(frozen=True)
class WassersteinLoss(Loss):
    """E[f(G(z))] - E[f(x)] and -E[f(G(z))]."""

    is_per_sample: ClassVar[bool] = True
    critic: ClassVar[bool] = True

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns a float32 scalar, unbounded: minus the estimated distance, up to the critic's Lipschitz constant."""
        return tf.reduce_mean(fake.logits) - tf.reduce_mean(real.logits)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns a float32 scalar, unbounded."""
        return -tf.reduce_mean(fake.logits)
