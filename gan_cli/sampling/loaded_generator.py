"""A trained generator with the metadata about its latents and its output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_cli.plotting.image_grid import to_uint8
from gan_cli.sampling.generate import generate
from gan_cli.sampling.generator_metadata import GeneratorMetadata
from gan_cli.sampling.latents import Latents, latents

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator that is ready to generate samples.

    Attributes:
        model: a Keras model from latents `[n, latent_size]` to samples.
        metadata: its latents, its data and the step at which it was saved.
    """

    model: keras.Model
    metadata: GeneratorMetadata

    def latents(self, seeds: Iterable[int], truncation: float = 1.0) -> Latents:
        """The latents of these seeds, each a function of its seed alone."""
        return Latents(latents(seeds, self.metadata.latent_size, self.metadata.latent_distribution, truncation))

    def render(self, inputs: Latents) -> np.ndarray:
        """uint8 images `[n, height, width, channels]`, or float32 points `[n, 2]`."""
        samples = generate(self.model, inputs)
        return to_uint8(samples) if self.metadata.data.is_image else samples

    def images(self, seeds: Iterable[int], truncation: float = 1.0) -> np.ndarray:
        """What `render` returns for the latents of these seeds; a seed gives the same pixels beside any others."""
        return self.render(self.latents(seeds, truncation))
