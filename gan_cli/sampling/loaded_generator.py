"""A trained generator with the metadata about its latents and its output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.data.class_names import find_class
from gan_cli.errors import ConfigError, check_choice
from gan_cli.models import TRUNCATE_W
from gan_cli.plotting.image_grid import to_uint8
from gan_cli.sampling.generate import generate
from gan_cli.sampling.generator_metadata import GeneratorMetadata
from gan_cli.sampling.latents import (
    NOISE_KINDS,
    RANDOM,
    SCALE,
    Latents,
    WTruncation,
    check_truncation,
    latents,
    seeded_noise,
)

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator that is ready to generate samples.

    Attributes:
        model: a Keras model from latents `[n, latent_size]` to samples, or from latents and conditions.
        metadata: its latents, its data and the step at which it was saved.
    """

    model: keras.Model
    metadata: GeneratorMetadata

    def latents(
        self,
        seeds: Iterable[int],
        truncation: float = 1.0,
        classes: Any = None,
        truncation_method: str | None = None,
        noise: str = RANDOM,
        truncation_cutoff: int | None = None,
    ) -> Latents:
        """The latents of these seeds, each a function of its seed alone, with labels where the generator takes them.

        Args:
            seeds: of the latents.
            truncation, truncation_method: see `gan_cli.sampling.latents`; None for the model's own method. With a
                generator that has styles, `scale` moves these towards their average.
            noise: of a generator that takes noise: `random`, that of each seed; `constant`, the same for all; `none`.
            truncation_cutoff: how many of the first layers get truncated styles; None for all.
            classes: the name or number of the class of all samples, or of each in a list. Default: the class of a seed
                is the seed modulo the number of classes.

        Raises:
            ConfigError: for `resample` and `redraw` with uniform latents, an unknown class, another number of classes
                than of seeds, classes of a generator that takes none, and noise or a cutoff of one that has none.
        """
        numbers, about = [int(seed) for seed in seeds], self.metadata
        truncation_method = about.method_of(truncation, truncation_method)
        if truncation_method != SCALE and about.latent_distribution != "normal":
            problem = f"needs normal latents, and this generator has {about.latent_distribution} ones"
            raise ConfigError("truncation_method", problem, truncation_method, "Use truncation_method=scale.")
        self.check_style_options(noise, truncation_cutoff)
        check_truncation(truncation, truncation_method)
        of_w = None
        if about.truncation == TRUNCATE_W and truncation_method == SCALE and truncation != 1:
            truncation, of_w = 1.0, WTruncation(truncation, truncation_cutoff)
        z = latents(numbers, about.latent_size, about.latent_distribution, truncation, truncation_method)
        return Latents(z, self.labels(numbers, classes), seeded_noise(numbers, about.noise_size, noise), of_w)

    def check_style_options(self, noise: str, truncation_cutoff: int | None) -> None:
        """Raises ConfigError for options of a generator with noise or styles, where this one has none."""
        check_choice("noise", noise, NOISE_KINDS)
        if noise != RANDOM and not self.metadata.noise_size:
            raise ConfigError("noise", "this generator takes no noise", noise, "Leave it out.")
        if truncation_cutoff is not None and self.metadata.truncation != TRUNCATE_W:
            raise ConfigError("truncation_cutoff", "this generator has no styles", truncation_cutoff, "Leave it out.")

    def labels(self, seeds: Sequence[int], classes: Any = None) -> np.ndarray | None:
        """The labels of samples, int32 `[n]`, as `latents` says; None where the generator takes none."""
        condition = self.metadata.condition
        if condition is None:
            if classes is not None:
                advice = "Train one with conditioning=projection, say."
                raise ConfigError("classes", "this generator takes no classes", classes, advice)
            return None
        if classes is None:
            return np.array([seed % condition.classes for seed in seeds], np.int32)
        wanted = list(classes) if isinstance(classes, list | tuple | np.ndarray | range) else [classes] * len(seeds)
        if len(wanted) != len(seeds):
            raise ConfigError("classes", f"names {len(wanted)} classes for {len(seeds)} seeds", classes)
        labels = {value: find_class("classes", value, self.classes) for value in dict.fromkeys(wanted)}
        return np.array([labels[value] for value in wanted], np.int32)

    @property
    def classes(self) -> DataSpec:
        """The data whose classes the generator takes; those of codes have no names."""
        condition, data = self.metadata.condition, self.metadata.data
        if condition is None or not condition.codes:
            return data
        return replace(data, classes=condition.classes, class_names=())

    def render(self, inputs: Latents) -> np.ndarray:
        """uint8 images `[n, height, width, channels]`, or float32 points `[n, 2]`."""
        samples = generate(self.model, inputs.with_condition(self.metadata.condition))
        return to_uint8(samples) if self.metadata.data.is_image else samples

    def images(self, seeds: Iterable[int], truncation: float = 1.0, classes: Any = None) -> np.ndarray:
        """What `render` returns for the latents of these seeds; a seed gives the same pixels beside any others.

        `classes` names the class of all of them, or of each, as in `latents`.
        """
        return self.render(self.latents(seeds, truncation, classes))
