"""The picture of mixed styles: each row's image with some of the styles of each column's.

Karras et al. 2019, arXiv:1812.04948, section 3.1 and figure 3. Styles of the first layers say what is large (pose,
shape), those of the last ones what is fine (colours, texture).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gan_cli.errors import ConfigError
from gan_cli.models import TRUNCATE_W
from gan_cli.plotting.image_grid import to_uint8
from gan_cli.sampling.generate import BATCH, in_range, styles_of, synthesize
from gan_cli.sampling.latents import Latents
from gan_cli.sampling.loaded_generator import LoadedGenerator


def check_styles(generator: LoadedGenerator, layers: Sequence[int], value: Any) -> None:
    """Raises ConfigError for a generator without styles, and for a layer that it does not have.

    Args:
        layers: whose styles are taken from the columns.
        value: what the user typed for `styles`.
    """
    if generator.metadata.truncation != TRUNCATE_W:
        problem = "this generator has no styles; those of model=stylegan2 and stylegan3 have"
        raise ConfigError("styles", problem, value, "Leave it out.")
    count = count_styles(generator)
    if max(layers) >= count:
        raise ConfigError("styles", f"this generator has {count} styles, from 0 to {count - 1}", value)


def count_styles(generator: LoadedGenerator) -> int:
    """How many layers of the generator get a style."""
    return int(generator.model.get_layer("synthesis").inputs[0].shape[1])


def mixed_images(generator: LoadedGenerator, rows: Latents, columns: Latents, layers: Sequence[int]) -> np.ndarray:
    """uint8 images `[(rows + 1) * (columns + 1), height, width, channels]`, row by row.

    The first is empty, the rest of the first row has the columns' images, and each other row begins with its own. An
    image inside has the noise of its row.

    Args:
        rows, columns: latents; those of the columns give the styles of `layers`.
    """
    of_rows, of_columns = (read_styles(generator, latents) for latents in (rows, columns))
    top = draw(generator, of_columns, columns)
    images = [np.zeros_like(top[:1]), top]
    for place in range(len(rows)):
        own, latents = of_rows[place : place + 1], rows[np.full(len(columns) + 1, place)]
        mixed = np.repeat(own, len(columns) + 1, axis=0)
        mixed[1:, list(layers)] = of_columns[:, list(layers)]
        images.append(draw(generator, mixed, latents))
    return np.concatenate(images)


def read_styles(generator: LoadedGenerator, latents: Latents) -> np.ndarray:
    """The styles of latents as they are truncated, float32 `[n, layers, size]`."""
    given = latents.with_condition(generator.metadata.condition)
    pieces = []
    for start in range(0, len(given), BATCH):
        part = given[start : start + BATCH]
        pieces.append(styles_of(generator.model, given.truncation, part.padded(BATCH).arrays()).numpy()[: len(part)])
    return np.concatenate(pieces)


def draw(generator: LoadedGenerator, styles: np.ndarray, latents: Latents) -> np.ndarray:
    """uint8 images of styles `[n, layers, size]`, with the noise of the latents, in batches of one size."""
    noise = None if latents.noise is None else latents.noise.array()
    pieces = []
    for start in range(0, len(styles), BATCH):
        count = min(BATCH, len(styles) - start)
        rows = np.minimum(np.arange(start, start + BATCH), start + count - 1)
        images = in_range(synthesize(generator.model, styles[rows], None if noise is None else noise[rows]))
        pieces.append(to_uint8(images.numpy()[:count]))
    return np.concatenate(pieces)
