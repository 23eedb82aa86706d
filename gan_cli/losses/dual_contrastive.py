"""Dual contrastive loss: classifies one real example among generated ones, and one generated among real ones.

Yu et al. 2021, "Dual Contrastive Loss and Attention for GANs", arXiv:2103.16748: the discriminator maximises

    E_x[log(e^D(x) / (e^D(x) + Σ_z e^D(G(z))))] + E_z[log(e^-D(G(z)) / (e^-D(G(z)) + Σ_x e^-D(x)))]

and the generator minimises it; the sums run over the other batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss


@dataclass(frozen=True)
class DualContrastiveLoss(Loss):
    """E_x[log(1 + Σ_z e^(D(G(z)) - D(x)))] + E_z[log(1 + Σ_x e^(D(G(z)) - D(x)))] and minus that."""

    generator_needs_real: ClassVar[bool] = True

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns a float32 scalar, at least 0; 2 log(1 + n) for batches of n if all logits are equal."""
        return contrast(real.logits, fake.logits) + contrast(-fake.logits, -real.logits)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns a float32 scalar, at most 0."""
        if real is None:
            raise ValueError("the dual contrastive generator loss needs the discriminator's output for real examples")
        return -self.discriminator(real, fake)


def contrast(anchors: Any, others: Any) -> Any:
    """Returns the mean cross entropy of classifying each anchor among `others`.

    That is the mean over i of log(1 + Σ_j exp(others_j - anchors_i)).

    Args:
        anchors, others: float32 logits `[n]` and `[m]`.

    Returns:
        float32 scalar, at least 0.
    """
    differences = others[tf.newaxis, :] - anchors[:, tf.newaxis]
    itself = tf.zeros_like(anchors)[:, tf.newaxis]
    return tf.reduce_mean(tf.reduce_logsumexp(tf.concat([itself, differences], axis=1), axis=1))
