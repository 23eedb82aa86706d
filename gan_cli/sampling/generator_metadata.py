"""Facts about a trained generator: its latents, what it gives, and its training step.

They come from a file that somebody else may have written, so each is checked by type and range, and against the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.data.class_names import is_list_of_names
from gan_cli.models import RESAMPLE_LATENTS, TRUNCATE_LATENTS, TRUNCATE_W, ModelPair
from gan_cli.models.condition import Condition
from gan_cli.number_limits import MAX_INTEGER
from gan_cli.sampling.latents import DISTRIBUTIONS, RESAMPLE, SCALE

MAX_SIDE = 2**16
"""Pixels of a side of an image, numbers of a latent, and classes of a condition."""
MAX_NOISE = 2**24
"""Numbers of a sample besides its latents; StyleGAN2 takes 2.8 million at 1024x1024."""

MAX_BATCHES = 1000
"""Of standing statistics that a file may ask for."""


@dataclass(frozen=True)
class GeneratorMetadata:
    """Latents and output of a generator, the step at which it was saved, and what it takes besides latents.

    `noise_size`, `truncation` and `standing_statistics` are those of `gan_cli.models.ModelPair`.
    """

    latent_size: int
    latent_distribution: str
    data: DataSpec
    step: int
    condition: Condition | None = None
    noise_size: int = 0
    truncation: str = TRUNCATE_LATENTS
    standing_statistics: int = 0

    def method_of(self, truncation: float, method: str | None) -> str:
        """How latents are truncated where `method`, or None for the model's own way, is asked for."""
        if method is not None:
            return method
        is_resampled = self.truncation == RESAMPLE_LATENTS and self.latent_distribution == "normal"
        return RESAMPLE if is_resampled and truncation != 1 else SCALE


class GeneratorMetadataError(ValueError):
    """Facts that can't be true, as a clause without a full stop."""


def metadata_of(pair: ModelPair, data: DataSpec, step: int, condition: Condition | None = None) -> GeneratorMetadata:
    """The metadata of the generator of a pair."""
    size, distribution = pair.latent_size, pair.latent_distribution
    own = pair.noise_size(data), pair.truncation, pair.standing_statistics
    return GeneratorMetadata(size, distribution, data, step, condition, *own)


def parse_metadata(values: Any) -> GeneratorMetadata:
    """Facts from plain JSON. Raises GeneratorMetadataError for a missing fact, a wrong type or a value out of range."""
    data = get(values, "data")
    shape = get(data, "shape")
    if not isinstance(shape, list) or not all(is_integer(side, 1, MAX_SIDE) for side in shape):
        raise GeneratorMetadataError(f"shape is {shown(shape)}; expected whole numbers from 1 to {MAX_SIDE:,}")
    value_range = get(data, "value_range")
    if not isinstance(value_range, list) or len(value_range) != 2 or not all(map(is_number, value_range)):
        raise GeneratorMetadataError(f"value_range is {shown(value_range)}; expected two numbers")
    if not value_range[0] <= value_range[1]:
        raise GeneratorMetadataError(f"value_range is {shown(value_range)}; expected the smaller number first")
    distribution = get(values, "latent_distribution")
    if not isinstance(distribution, str) or distribution not in DISTRIBUTIONS:
        expected = ", ".join(DISTRIBUTIONS)
        raise GeneratorMetadataError(f"latent_distribution is {shown(distribution)}; expected one of {expected}")
    spec = DataSpec(
        tuple(shape),
        integer(data, "examples", 0, 2**62),
        integer(data, "classes", 0, MAX_INTEGER),
        (float(value_range[0]), float(value_range[1])),
        class_names_of(data),
    )
    step = integer(values, "step", 0, 2**62)
    condition = condition_of(values.get("condition"))
    noise_size = integer(values, "noise_size", 0, MAX_NOISE) if "noise_size" in values else 0  # not in older files
    truncation = values.get("truncation", TRUNCATE_LATENTS)
    if truncation not in (TRUNCATE_LATENTS, RESAMPLE_LATENTS, TRUNCATE_W):
        expected = f"{TRUNCATE_LATENTS}, {RESAMPLE_LATENTS} or {TRUNCATE_W}"
        problem = f"truncation is {shown(truncation)}; expected {expected}"
        raise GeneratorMetadataError(problem)
    latent_size = integer(values, "latent_size", 1, MAX_SIDE)
    batches = integer({"standing_statistics": 0, **values}, "standing_statistics", 0, MAX_BATCHES)
    return GeneratorMetadata(latent_size, distribution, spec, step, condition, noise_size, truncation, batches)


def class_names_of(data: Any) -> tuple[str, ...]:
    """The names of the classes in the metadata of data; none where there are none, as in files of release 0.1."""
    names = data.get("class_names") or []
    if not is_list_of_names(names) or len(names) not in (0, data.get("classes")):
        raise GeneratorMetadataError(f"class_names is {shown(names)}; expected a different text for each class")
    return tuple(names)


def condition_of(values: Any) -> Condition | None:
    """What a generator takes besides latents; None for nothing."""
    if values is None:
        return None
    classes, continuous = integer(values, "classes", 1, MAX_SIDE), integer(values, "continuous", 0, MAX_SIDE)
    codes = values.get("codes", False)
    if not isinstance(codes, bool):
        raise GeneratorMetadataError(f"codes is {shown(codes)}; expected true or false")
    return Condition(classes, continuous, codes=codes)


def check_shapes(metadata: GeneratorMetadata, input_shape: Any, output_shape: Any) -> None:
    """Raises GeneratorMetadataError unless a Keras model with these shapes is a generator with these metadata."""
    if metadata.noise_size:
        input_shape = check_noise_shape(metadata.noise_size, input_shape)
    if metadata.condition is not None:
        input_shape = check_condition_shape(metadata.condition, input_shape)
    check_generator_shapes(input_shape, output_shape)
    if input_shape[1] != metadata.latent_size:
        raise GeneratorMetadataError(
            f"latent_size is {metadata.latent_size}, but its model takes {input_shape[1]} numbers"
        )
    if tuple(output_shape[1:]) != metadata.data.shape:
        given = "x".join(map(str, output_shape[1:]))
        raise GeneratorMetadataError(f"shape is {shown(list(metadata.data.shape))}, but its model gives {given}")


def check_noise_shape(noise_size: int, input_shape: Any) -> Any:
    """The shapes of the inputs before the noise. Raises GeneratorMetadataError."""
    if not isinstance(input_shape, list) or len(input_shape) < 2 or input_shape[-1] != (None, noise_size):
        raise GeneratorMetadataError(f"its model takes {shown(input_shape)}, and no noise of {noise_size} numbers")
    return input_shape[0] if len(input_shape) == 2 else input_shape[:-1]


def check_condition_shape(condition: Condition, input_shape: Any) -> Any:
    """The shape of the latents among those of latents and conditions. Raises GeneratorMetadataError."""
    if not isinstance(input_shape, list) or len(input_shape) != 2 or input_shape[1] != (None, condition.size):
        problem = f"its model takes {shown(input_shape)}, and not latents and conditions of {condition.size} numbers"
        raise GeneratorMetadataError(problem)
    return input_shape[0]


def check_generator_shapes(input_shape: Any, output_shape: Any) -> None:
    """Raises GeneratorMetadataError unless a Keras model with these shapes maps latents to images or points."""
    expected = "expected latents (size) to images (height, width, 1, 3 or 4 channels) or points (2)"
    for shape in (input_shape, output_shape):
        if not isinstance(shape, tuple) or not all(side is None or is_integer(side, 1, MAX_SIDE) for side in shape):
            raise GeneratorMetadataError(
                f"its model is no generator: it maps {input_shape} to {output_shape}; {expected}"
            )
    inputs, outputs = input_shape[1:], output_shape[1:]
    is_known = None not in inputs + outputs
    is_image_or_points = outputs == (2,) or (len(outputs) == 3 and outputs[-1] in (1, 3, 4))
    if not (is_known and len(inputs) == 1 and is_image_or_points):
        raise GeneratorMetadataError(f"its model is no generator: it maps {inputs} to {outputs}; {expected}")


def get(values: Any, name: str) -> Any:
    """An entry of a JSON object. Raises GeneratorMetadataError where there is none."""
    if not isinstance(values, Mapping) or name not in values:
        raise GeneratorMetadataError(f"{name} is missing")
    return values[name]


def integer(values: Any, name: str, lowest: int, highest: int) -> int:
    value = get(values, name)
    if not is_integer(value, lowest, highest):
        raise GeneratorMetadataError(f"{name} is {shown(value)}; expected a whole number from {lowest} to {highest:,}")
    return int(value)


def is_integer(value: Any, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e30 and math.isfinite(value)


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
