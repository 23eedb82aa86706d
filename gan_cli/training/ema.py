"""Averaged (EMA) generator weights, from which samples are drawn.

Exponential moving average as in StyleGAN (arXiv:1812.04948; NVlabs stylegan2-ada `Gs_beta`), with a half-life that is
counted in images, so that it means the same at every batch size, and a warm-up in which it is a share of the images
seen so far. The moving statistics of batch normalisation are averaged like the weights that they belong to; StyleGAN's
average of w, an average already, is copied, as in NVlabs/stylegan2-ada-pytorch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from gan_cli.lazy import tf
from gan_cli.schedule import Schedule, value_at


@dataclass(frozen=True)
class AverageDecay:
    """How fast the average forgets.

    Attributes:
        batch_size: images a step.
        half_life: in images; 0 keeps nothing, so that the average is the weights themselves.
        ramp: the half-life is at most this share of the images so far; 0 sets no such bound.
    """

    batch_size: int
    half_life: float | Schedule
    ramp: float

    def __call__(self, step: Any) -> Any:
        """The share of the average that a step keeps, float32 in [0, 1): 0.5 ^ (batch_size / half-life).

        Args:
            step: int64 scalar, from 0; the step that was just done.
        """
        half_life = tf.cast(value_at(self.half_life, step), tf.float32)
        images = tf.cast(step + 1, tf.float32) * self.batch_size
        bounded = tf.minimum(half_life, images * self.ramp) if self.ramp > 0 else half_life
        return tf.where(bounded > 0, tf.pow(0.5, self.batch_size / tf.maximum(bounded, 1e-8)), 0.0)


def update_average(average: Sequence[Any], weights: Sequence[Any], keep: Any, copied: Collection[int] = ()) -> None:
    """Moves each variable of `average` towards its partner: a <- keep * a + (1 - keep) * w.

    Those at the places of `copied` get the value of their partner.
    """
    for place, (averaged, weight) in enumerate(zip(average, weights, strict=True)):
        averaged.assign(weight if place in copied else weight + keep * (averaged - weight))
