"""The relativistic pairing loss (RpGAN): compares the logits of each generated example and of a real one.

Jolicoeur-Martineau 2018, arXiv:1807.00734, and Huang et al. 2025, "The GAN is dead; long live the GAN! A Modern
Baseline GAN" (R3GAN), arXiv:2501.05441, equation 2 with f(t) = -log(1 + exp(-t)). Its optimum covers every mode, but
it converges only with R1 and R2 (section 2.2 there).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss


@dataclass(frozen=True)
class RelativisticPairingLoss(Loss):
    """E[softplus(-(D(x) - D(G(z))))] and E[softplus(-(D(G(z)) - D(x)))], x and z paired by position in the batch."""

    generator_needs_real: ClassVar[bool] = True
    is_per_sample: ClassVar[bool] = True

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns a float32 scalar, at least 0; log 2 = 0.693 if both logits of each pair are equal."""
        return tf.reduce_mean(tf.nn.softplus(-(real.logits - fake.logits)))

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns a float32 scalar, at least 0. `real` and `fake` have the same batch size."""
        if real is None:
            raise ValueError("the relativistic generator loss needs the discriminator's output for real examples")
        return tf.reduce_mean(tf.nn.softplus(-(fake.logits - real.logits)))
