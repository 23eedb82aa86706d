"""Geometric transformations: affine maps from output to input positions, with the distributions of StyleGAN2-ADA.

Karras et al. 2020, arXiv:2006.06676, appendix B; distributions and order as in NVlabs/stylegan2-ada-pytorch,
training/augment.py: pixel blitting (flip, quarter turns, whole shifts), then scaling, turning, stretching, turning
and shifting by any amount.

Positions are in pixels from the centre of the image, x to the right and y downwards: pixel i of n is at i - (n - 1)/2.
Every map leads back: from a position in the result to the position in the image that is seen there. So a
transformation that comes later stands further inside, and `after` writes them in their order. Sums of products are
spelled out, since accelerators may round what goes into a matrix product to 10 bits, and so pixels to other ones.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from gan_cli.augmentations.random_transforms import draw, log_normal, uniform_between, with_probability
from gan_cli.lazy import tf

LARGEST_WHOLE_SHIFT = 0.125
"""Of the width to either side, and of the height."""
SCALE_DEVIATION = 0.2
"""Standard deviation of the logarithm to base 2 of the isotropic scale."""
STRETCH_DEVIATION = 0.2
"""The same of the anisotropic scale: widths are multiplied by it, heights divided."""
SHIFT_DEVIATION = 0.125
"""Standard deviation of shifts by any amount, in widths and heights."""


class Affine(NamedTuple):
    """(x, y) -> (xx x + xy y + x, yx x + yy y + y), numbers or float32 `[batch]` each."""

    xx: Any
    xy: Any
    yx: Any
    yy: Any
    x: Any = 0.0
    y: Any = 0.0

    def __call__(self, x: Any, y: Any) -> tuple[Any, Any]:
        """The image of positions whose shape broadcasts against that of the coefficients."""
        return self.xx * x + self.xy * y + self.x, self.yx * x + self.yy * y + self.y

    def after(self, inner: Affine) -> Affine:
        """The map that first does `inner`."""
        return Affine(
            self.xx * inner.xx + self.xy * inner.yx,
            self.xx * inner.xy + self.xy * inner.yy,
            self.yx * inner.xx + self.yy * inner.yx,
            self.yx * inner.xy + self.yy * inner.yy,
            *self(inner.x, inner.y),
        )


def inverse_rotation(cosine: Any, sine: Any) -> Affine:
    """The way back from a counter-clockwise turn of the image about its centre."""
    return Affine(cosine, -sine, sine, cosine)


def inverse_scaling(x: Any, y: Any) -> Affine:
    """The way back from an image x times as wide and y times as high."""
    return Affine(1.0 / x, 0.0, 0.0, 1.0 / y)


def inverse_translation(x: Any, y: Any) -> Affine:
    """The way back from a shift to the right and downwards, in pixels."""
    return Affine(1.0, 0.0, 0.0, 1.0, -x, -y)


class Blit(NamedTuple):
    """Changes that move whole pixels, float32 `[batch]` each, in their order.

    Attributes:
        flip: 1 where left and right are exchanged, else 0.
        quarters: counter-clockwise quarter turns, 0 to 3.
        right, down: shifts in pixels, whole numbers.
    """

    flip: Any
    quarters: Any
    right: Any
    down: Any

    def inverse(self) -> Affine:
        """The way from a pixel of the result to the pixel of the image."""
        once, twice, thrice = (tf.cast(self.quarters == turns, tf.float32) for turns in (1.0, 2.0, 3.0))
        turn = inverse_rotation(1.0 - once - 2.0 * twice - thrice, once - thrice)
        return inverse_scaling(1.0 - 2.0 * self.flip, 1.0).after(turn).after(inverse_translation(self.right, self.down))


class AffineTransform(NamedTuple):
    """General changes, float32 `[batch]` each, in their order.

    Attributes:
        scale: of both axes, above 0.
        first_angle: counter-clockwise, in radians.
        stretch: above 0: the width is multiplied by it, the height divided.
        second_angle: counter-clockwise, in radians.
        right, down: shifts in pixels.
    """

    scale: Any
    first_angle: Any
    stretch: Any
    second_angle: Any
    right: Any
    down: Any

    def inverse(self) -> Affine:
        """The way from a position in the result to the position in the image."""
        angles = (self.first_angle, self.second_angle)
        first, second = (inverse_rotation(tf.cos(angle), tf.sin(angle)) for angle in angles)
        stretched = inverse_scaling(self.stretch, 1.0 / self.stretch)
        way = inverse_scaling(self.scale, self.scale).after(first).after(stretched)
        return way.after(second).after(inverse_translation(self.right, self.down))


def draw_blit(batch: Any, height: int, width: int, strength: Any, seed: Any) -> Blit:
    """Each of the three with probability `strength`; a flip or turn that befalls may still be none, as published."""
    (coin_flip, flip, coin_turn, turn, coin_shift, right, down), _ = draw(batch, 7, 0, seed)
    most = LARGEST_WHOLE_SHIFT
    return Blit(
        with_probability(coin_flip, strength, tf.floor(2.0 * flip), 0.0),
        with_probability(coin_turn, strength, tf.floor(4.0 * turn), 0.0),
        with_probability(coin_shift, strength, tf.round(width * uniform_between(right, -most, most)), 0.0),
        with_probability(coin_shift, strength, tf.round(height * uniform_between(down, -most, most)), 0.0),
    )


def draw_affine(batch: Any, height: int, width: int, strength: Any, seed: Any) -> AffineTransform:
    """Each change with probability `strength`; of the two turns, at least one has that probability."""
    uniforms, (scale, stretch, right, down) = draw(batch, 7, 4, seed)
    coin_scale, coin_first, first, coin_stretch, coin_second, second, coin_shift = uniforms
    one_turn = 1.0 - tf.sqrt(1.0 - tf.clip_by_value(strength, 0.0, 1.0))
    return AffineTransform(
        with_probability(coin_scale, strength, log_normal(scale, SCALE_DEVIATION), 1.0),
        with_probability(coin_first, one_turn, uniform_between(first, -math.pi, math.pi), 0.0),
        with_probability(coin_stretch, strength, log_normal(stretch, STRETCH_DEVIATION), 1.0),
        with_probability(coin_second, one_turn, uniform_between(second, -math.pi, math.pi), 0.0),
        with_probability(coin_shift, strength, width * SHIFT_DEVIATION * right, 0.0),
        with_probability(coin_shift, strength, height * SHIFT_DEVIATION * down, 0.0),
    )
