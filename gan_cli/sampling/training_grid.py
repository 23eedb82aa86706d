"""Sample pictures during training: the same latents at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from gan_cli.data import DataSpec
from gan_cli.plotting.image_grid import image_grid, to_uint8
from gan_cli.plotting.points_plot import points_plot
from gan_cli.sampling.generate import generate
from gan_cli.sampling.latents import Latents


@dataclass(frozen=True)
class TrainingGrid:
    """Latents and layout of the sample pictures of a run.

    Attributes:
        data: shape and value range of the samples.
        latents: one for each image or point.
        rows, columns: of the grid of images.
        real: real examples to compare with: uint8 images `[rows * columns, ...]`, or points `[m, 2]`.
    """

    data: DataSpec
    latents: Latents
    rows: int
    columns: int
    real: np.ndarray

    def draw(self, generator: Any) -> Image.Image:
        """Draws the samples of a generator."""
        samples = generate(generator, self.latents)
        if self.data.is_image:
            return image_grid(to_uint8(samples), self.rows, self.columns)
        return points_plot(samples, self.real, self.data.value_range)

    def draw_real(self) -> Image.Image:
        """Draws real examples in the same layout."""
        if self.data.is_image:
            return image_grid(self.real, self.rows, self.columns)
        return points_plot(self.real[:0], self.real, self.data.value_range)
