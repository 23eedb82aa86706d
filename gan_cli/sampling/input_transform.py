"""Rotation and shift of generated images, for generators whose input can be moved.

The generator of StyleGAN3 starts from waves in the plane (Karras et al. 2021, arXiv:2106.12423). Moving the plane moves
what is drawn, so the image is generated where it shall be, and not resampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gan_cli.errors import ConfigError, check_number
from gan_cli.lazy import keras
from gan_cli.models.stylegan3.user_transform import inverse_transform
from gan_cli.sampling.loaded_generator import LoadedGenerator

MAX_DEGREES = 360_000.0
MAX_SHIFT = 1000.0
"""Widths or heights."""
NO_SHIFT = (0.0, 0.0)


def parse_shift(value: Any) -> tuple[float, float]:
    """Parts of the width and of the height, from `[x, y]` or None for none. Raises ConfigError for anything else."""
    if value is None:
        return NO_SHIFT
    numbers = list(value) if isinstance(value, list | tuple) else []
    if len(numbers) != 2 or not all(is_finite_number(one) for one in numbers):
        problem = "expected two numbers, parts of the width to the right and of the height down"
        raise ConfigError("shift", problem, value, "For example shift=[0.25,0].")
    for number in numbers:
        check_number("shift", number, at_least=-MAX_SHIFT, at_most=MAX_SHIFT)
    return float(numbers[0]), float(numbers[1])


def is_finite_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def move_images(generator: LoadedGenerator, degrees: float, shift: tuple[float, float]) -> None:
    """Turns and shifts all that the generator draws from now on.

    Args:
        generator: of `model=stylegan3` unless nothing is moved.
        degrees: anticlockwise about the image's centre.
        shift: afterwards, to the right in widths and down in heights of the image.

    Raises:
        ConfigError: for a generator of another model.
    """
    if degrees == 0 and shift == NO_SHIFT:
        return
    layers = list(movable_layers(generator.model))
    if not layers:
        key, value = ("rotate", degrees) if degrees else ("shift", list(shift))
        problem = "this generator has no input that can be moved; those of model=stylegan3 have"
        raise ConfigError(key, problem, value, "Leave it out.")
    height, width, _ = generator.metadata.data.shape
    side = min(height, width)  # is one unit long
    transform = inverse_transform(degrees, (shift[0] * width / side, shift[1] * height / side))
    for layer in layers:
        layer.transform.assign(transform)


def movable_layers(model: keras.Model) -> Iterator[Any]:
    """The layers of a model, inner models included, that take a transform."""
    from gan_cli.models.stylegan3.synthesis_input import SynthesisInput  # here, since it defines a Keras layer

    for layer in model._flatten_layers():
        if isinstance(layer, SynthesisInput):
            yield layer
