"""DiffAugment: random colour, translation and cutout, through which gradients flow.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738, section 3.2. Ranges
and order are those of its code, mit-han-lab/data-efficient-gans, DiffAugment_tf.py.

What is random is drawn first, for all three at once, so that what one of them draws does not depend on which others are
switched on; what is then done to images are pure functions of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from gan_cli.augmentations import Augmentation
from gan_cli.augmentations.augmentation_checks import check_images, check_switches
from gan_cli.data import DataSpec
from gan_cli.lazy import tf

BRIGHTNESS = (-0.5, 0.5)
SATURATION = (0.0, 2.0)
CONTRAST = (0.5, 1.5)
TRANSLATION = 1 / 8
"""The furthest that images are moved, in their own height and width."""
CUTOUT = 1 / 2
"""Height and width of the hole, likewise."""


@dataclass(frozen=True)
class DiffAugment(Augmentation):
    """Colour, translation and cutout, in that order, each for all images where it is switched on.

    Attributes:
        color: random brightness, saturation and contrast.
        translation: moved at random, what is missing filled with 0, the middle grey.
        cutout: a rectangle at random set to 0.

    Raises:
        ConfigError: where a switch is neither true nor false, or none is on.
    """

    color: bool
    translation: bool
    cutout: bool

    def __post_init__(self) -> None:
        check_switches({"color": self.color, "translation": self.translation, "cutout": self.cutout})

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points."""
        check_images(data)

    def __call__(self, examples: Any, strength: Any, seed: Any) -> Any:
        """Images `[batch, height, width, channels]` of any size and number of channels; not clipped."""
        batch, height, width, _ = examples.shape
        drawn = draw(seed, batch, height, width)
        if self.color:
            examples = brighten(examples, drawn.brightness)
            examples = saturate(examples, drawn.saturation)
            examples = contrast(examples, drawn.contrast)
        if self.translation:
            examples = translate(examples, drawn.down, drawn.right)
        if self.cutout:
            examples = cut_out(examples, drawn.top, drawn.left)
        return examples


class Drawn(NamedTuple):
    """What is random, each `[batch]`.

    Attributes:
        brightness, saturation, contrast: float32 within the ranges above.
        down, right: int32, by how many pixels an image is moved.
        top, left: int32, where the hole begins; it may lie partly outside.
    """

    brightness: Any
    saturation: Any
    contrast: Any
    down: Any
    right: Any
    top: Any
    left: Any


def draw(seed: Any, batch: int, height: int, width: int) -> Drawn:
    """What is random for a batch of images of that size, from an int32 seed `[2]`."""
    shares = tf.unstack(tf.random.stateless_uniform([len(Drawn._fields), batch], seed))
    colours = [BRIGHTNESS, SATURATION, CONTRAST]
    places = [shifts(height), shifts(width), hole_places(height), hole_places(width)]
    reals = [low + (high - low) * share for (low, high), share in zip(colours, shares[:3], strict=True)]
    # A share is below 1, so that a share of n, rounded down, is one of 0 .. n - 1.
    wholes = [one[0] + tf.cast(share * len(one), tf.int32) for one, share in zip(places, shares[3:], strict=True)]
    return Drawn(*reals, *wholes)


def shifts(side: int) -> range:
    """By how many pixels an image of that height or width may be moved."""
    most = int(side * TRANSLATION + 0.5)
    return range(-most, most + 1)


def hole_side(side: int) -> int:
    """The hole's height or width in an image of that height or width."""
    return int(side * CUTOUT + 0.5)


def hole_places(side: int) -> range:
    """Where the hole may begin: its middle lies anywhere in the image, so that part of it is often outside."""
    hole = hole_side(side)
    return range(-(hole // 2), side - hole // 2 + 1 - hole % 2)


def brighten(images: Any, more: Any) -> Any:
    """`images` `[batch, height, width, channels]` and `more` `[batch]`, added to every value."""
    return images + per_image(more)


def saturate(images: Any, factor: Any) -> Any:
    """Each channel's distance from the mean of all channels of its pixel, times `factor` `[batch]`."""
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    return (images - grey) * per_image(factor) + grey


def contrast(images: Any, factor: Any) -> Any:
    """Each value's distance from the mean of its image, times `factor` `[batch]`."""
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return (images - mean) * per_image(factor) + mean


def translate(images: Any, down: Any, right: Any) -> Any:
    """Images moved by int32 `[batch]` pixels each, 0 where nothing comes from.

    The gradient of moving is moving back. That is said here since the one that TensorFlow finds adds pixels up where
    each comes from one place alone, and takes 2 to 4 times as long.
    """

    @tf.custom_gradient
    def move(images: Any, down: Any, right: Any) -> tuple[Any, Any]:
        moved = take_pixels(images, down, right)
        return moved, lambda upstream: (move(upstream, -down, -right), None, None)

    return move(images, down, right)


def take_pixels(images: Any, down: Any, right: Any) -> Any:
    """As `translate`."""
    batch, height, width, channels = images.shape
    row, row_inside = source(height, down)
    column, column_inside = source(width, right)
    above = tf.range(batch)[:, None, None] * height + row[:, :, None]  # rows before, in all images one below the other
    pixels = tf.gather(tf.reshape(images, [batch * height * width, channels]), above * width + column[:, None, :])
    return pixels * row_inside[:, :, None, None] * column_inside[:, None, :, None]


def source(side: int, moved: Any) -> tuple[Any, Any]:
    """For each image and place along an axis, the place that its pixel comes from, and 1 where that is inside, else 0.

    Both are `[batch, side]`, int32 within the image and float32.
    """
    place = tf.range(side)[None, :] - moved[:, None]
    inside = tf.cast((place >= 0) & (place < side), tf.float32)
    return tf.clip_by_value(place, 0, side - 1), inside


def cut_out(images: Any, top: Any, left: Any) -> Any:
    """Images with a hole of 0 that begins at `top` and `left`, int32 `[batch]`."""
    _, height, width, _ = images.shape
    hole = in_hole(height, top)[:, :, None, None] * in_hole(width, left)[:, None, :, None]
    return images * (1.0 - hole)


def in_hole(side: int, first: Any) -> Any:
    """1 at the places along an axis that the hole covers, else 0: float32 `[batch, side]`."""
    place = tf.range(side)[None, :] - first[:, None]
    return tf.cast((place >= 0) & (place < hole_side(side)), tf.float32)


def per_image(values: Any) -> Any:
    """`[batch]` as `[batch, 1, 1, 1]`."""
    return values[:, None, None, None]
