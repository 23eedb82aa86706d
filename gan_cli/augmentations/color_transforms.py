"""Colours changed as a whole: brightness, contrast, luma flip, hue and saturation, and their draws in StyleGAN2-ADA.

Karras et al. 2020, arXiv:2006.06676, appendix B; distributions and order as in NVlabs/stylegan2-ada-pytorch,
training/augment.py. The luma axis is the line of greys, all channels equal; what stands at right angles to it is
chroma. With v the unit vector along it, c the contrast, b the brightness and R the turn of the hue by θ about v,

    colour -> [ vvᵀ + s (I - vvᵀ) ] R [ I - 2 f vvᵀ ] c (colour + b)

for f 0 or 1 and saturation s, in any number of channels. One channel is all luma, so that only brightness, contrast and
the luma flip, which negates it, act, as there. Only three channels have a plane of hues to turn in.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from gan_cli.augmentations.random_transforms import draw, log_normal, uniform_between, with_probability
from gan_cli.lazy import tf

BRIGHTNESS_DEVIATION = 0.2
"""In the units of images in [-1, 1]."""
CONTRAST_DEVIATION = 0.5
"""Of its logarithm to base 2."""
SATURATION_DEVIATION = 1.0
"""Of its logarithm to base 2."""

QUARTER_TURN = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.float32(math.sqrt(3))
"""v × colour: of three channels the chroma, turned by a right angle about the luma axis."""


class Coloring(NamedTuple):
    """Float32 `[batch]` each, in their order.

    Attributes:
        brightness: b, added to all channels.
        contrast: c, above 0.
        flip: f, 1 where luma is mirrored, else 0.
        angle: θ, in radians.
        saturation: s, above 0.
    """

    brightness: Any
    contrast: Any
    flip: Any
    angle: Any
    saturation: Any


def draw_coloring(batch: Any, strength: Any, seed: Any) -> Coloring:
    """Each of the five with probability `strength`."""
    uniforms, (brightness, contrast, saturation) = draw(batch, 7, 3, seed)
    coin_brightness, coin_contrast, coin_flip, flip, coin_angle, angle, coin_saturation = uniforms
    return Coloring(
        with_probability(coin_brightness, strength, BRIGHTNESS_DEVIATION * brightness, 0.0),
        with_probability(coin_contrast, strength, log_normal(contrast, CONTRAST_DEVIATION), 1.0),
        with_probability(coin_flip, strength, tf.floor(2.0 * flip), 0.0),
        with_probability(coin_angle, strength, uniform_between(angle, -math.pi, math.pi), 0.0),
        with_probability(coin_saturation, strength, log_normal(saturation, SATURATION_DEVIATION), 1.0),
    )


def color_matrix(coloring: Coloring, channels: int) -> tuple[Any, Any]:
    """What is added to colours: a matrix times them, and a number.

    Returns:
        float32 `[batch, channels, channels]`, exactly 0 for the identity, and `[batch]`.
    """
    brightness, contrast, flip, angle, saturation = (part[:, None, None] for part in coloring)
    unit, luma = np.eye(channels, dtype=np.float32), np.full([channels, channels], 1 / channels, np.float32)
    cosine = tf.cos(angle) if channels == 3 else 1.0
    matrix = unit - 2.0 * flip * luma + (saturation * cosine - 1.0) * (unit - luma)
    if channels == 3:
        matrix += saturation * tf.sin(angle) * QUARTER_TURN
    return contrast * matrix - unit, (contrast * (1.0 - 2.0 * flip) * brightness)[:, 0, 0]


def transform_colors(images: Any, coloring: Coloring) -> Any:
    """Images `[batch, height, width, channels]` in other colours, not clipped."""
    height, width, channels = images.shape[1:]
    matrix, number = color_matrix(coloring, channels)
    added = tf.matmul(tf.reshape(images, [-1, height * width, channels]), matrix, transpose_b=True)
    return images + tf.reshape(added, [-1, height, width, channels]) + number[:, None, None, None]
