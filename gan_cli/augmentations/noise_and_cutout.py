"""Noise and cutout, with the distributions of their parameters in StyleGAN2-ADA.

Karras et al. 2020, arXiv:2006.06676, appendix B; distributions as in NVlabs/stylegan2-ada-pytorch, training/augment.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gan_cli.augmentations.random_transforms import draw, with_probability
from gan_cli.lazy import tf

NOISE_DEVIATION = 0.1
"""σ itself is drawn: the absolute value of a normal number with this standard deviation, for images in [-1, 1]."""
CUTOUT_SIZE = 0.5
"""Of the width and of the height."""


class Cutout(NamedTuple):
    """A rectangle of each image, float32 `[batch]` each, all in parts of the width and of the height.

    Attributes:
        size: of both sides; 0 where nothing is cut out.
        x, y: its centre, in [0, 1) from the left and from the top.
    """

    size: Any
    x: Any
    y: Any


def draw_noise_deviations(batch: Any, strength: Any, seed: Any) -> Any:
    """The standard deviation of the noise on each example, float32 `[batch]`, above 0 with probability `strength`."""
    (coin,), (normal,) = draw(batch, 1, 1, seed)
    return with_probability(coin, strength, NOISE_DEVIATION * tf.abs(normal), 0.0)


def add_noise(images: Any, deviations: Any, seed: Any) -> Any:
    """Images `[batch, height, width, channels]` with independent normal noise on every number."""
    return images + deviations[:, None, None, None] * tf.random.stateless_normal(tf.shape(images), seed)


def draw_cutout(batch: Any, strength: Any, seed: Any) -> Cutout:
    """A rectangle with probability `strength`."""
    (coin, x, y), _ = draw(batch, 3, 0, seed)
    return Cutout(with_probability(coin, strength, CUTOUT_SIZE * tf.ones_like(coin), 0.0), x, y)


def cut_out(images: Any, cutout: Cutout) -> Any:
    """Images `[batch, height, width, channels]` that are 0, the middle grey, wherever a pixel's centre is inside."""
    size, x, y = (part[:, None, None, None] for part in cutout)
    height, width = images.shape[1:3]
    rows = ((np.arange(height, dtype=np.float32) + 0.5) / height)[None, :, None, None]
    columns = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, None, :, None]
    inside = (tf.abs(columns - x) < size / 2.0) & (tf.abs(rows - y) < size / 2.0)
    return tf.where(inside, 0.0, images)
