"""Adaptive pseudo augmentation (APA): replaces some real examples by generated ones.

Jiang et al. 2021, "Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data", arXiv:2111.06849; code
EndlessSora/DeceiveD. The discriminator, deceived, overfits later; how often it is deceived follows how far it overfits.

What stands for a real example is not the generated one that is compared with it but that one's neighbour in the batch:
a loss or a penalty over pairs (relativistic, or on lines between real and generated) would find nothing between equals.
The authors' code takes generated examples of the update before, which costs another batch; here a loss that compares
each example with a whole batch (mmd, rgan_average, dual_contrastive) meets those that stand for real ones twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.augmentations.adaptive_strength import AdaptiveStrength
from gan_cli.lazy import tf
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class AdaptivePseudoAugmentation(AdaptiveStrength):
    """Each generated example takes the place of a real one with a probability that adapts.

    Attributes:
        target: of r_t, the mean sign of what the discriminator says of examples presented as real, between -1 and 1;
            above it the probability goes up.
        ramp_images: examples in which the probability goes from 0 to 1 if it goes up all the time, at least 1.
        interval: updates of the discriminator between two steps of the probability, at least 1.
        probability: the probability itself, in [0, 1], where it does not adapt; the three above have no effect then.
            None: it adapts.

    Raises:
        ConfigError: where a number is outside its range.
    """

    target: float | Schedule
    ramp_images: int
    interval: int
    probability: float | Schedule | None = None

    def __post_init__(self) -> None:
        self.check_probability()

    def replace_real(self, real: Any, fake: Any, strength: Any, seed: Any, labels: Any = None) -> Any:
        """`real`, `[batch, *shape]` of any shape, with examples of `fake`, each in its place with that probability."""
        chosen = tf.random.stateless_uniform([real.shape[0]], seed) < strength
        return tf.where(tf.reshape(chosen, [-1] + [1] * (len(real.shape) - 1)), neighbours(fake, labels), real)


def neighbours(fake: Any, labels: Any) -> Any:
    """The generated example before each in the batch; with labels the nearest one before it that has its label."""
    if labels is None:
        return tf.roll(fake, 1, axis=0)
    places = tf.range(tf.shape(labels)[0])
    distances = (places[:, None] - places[None, :] - 1) % tf.size(places)  # 0 for the one before, last for itself
    same = labels[:, None] == labels[None, :]
    return tf.gather(fake, tf.argmin(tf.where(same, distances, tf.size(places)), axis=1))
