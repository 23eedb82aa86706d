"""Paths of an interpolation: between latents at a fixed class, or between classes at a fixed latent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gan_cli.errors import ConfigError
from gan_cli.sampling.class_request import requested_labels
from gan_cli.sampling.interpolation import path
from gan_cli.sampling.latents import Latents
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.sampling.sample_job import SampleJob
from gan_cli.sampling.sample_request import one_label, plain_latents


@dataclass(frozen=True)
class SamplePaths:
    """The inputs of the generator along paths.

    Attributes:
        legs: one for each pair of neighbours, `frames + 2` samples with both ends.
        loop: through all of the first path and back to its beginning.
        seeds: of the latents.
    """

    legs: list[Latents]
    loop: Latents
    seeds: list[int]


def requested_paths(generator: LoadedGenerator, job: SampleJob) -> SamplePaths:
    """The paths of a job with `interpolate`.

    Raises:
        ConfigError: for unknown classes, and where a generator that takes classes gets none.
    """
    seeds = job.seed_list(generator.metadata.data.is_image)
    return paths_of_classes(generator, job, seeds) if job.classes is not None else paths_of_seeds(generator, job, seeds)


def paths_of_seeds(generator: LoadedGenerator, job: SampleJob, seeds: list[int]) -> SamplePaths:
    """From seed to seed, all of one class."""
    condition, label = generator.metadata.condition, None
    if condition is not None:
        if job.label is None:
            problem = "between seeds is at a fixed class with this generator"
            raise ConfigError(
                "interpolate", problem, job.interpolate, "Add class=NAME, or classes=[A,B] for between classes."
            )
        label = one_label(generator, job)
    elif job.label is not None:
        requested_labels("class", job.label, generator.classes, condition)
    plain, kind = plain_latents(generator, job, seeds), str(job.interpolate)
    keys = plain.z

    def of_class(z: np.ndarray) -> Latents:
        labels = None if label is None else np.full(len(z), label, np.int32)
        noise = None if plain.noise is None else plain.noise[np.zeros(len(z), int)]  # the same along the whole path
        return Latents(z, labels, noise, plain.truncation)

    legs = [of_class(path(keys[index : index + 2], job.frames, kind)) for index in range(len(seeds) - 1)]
    return SamplePaths(legs, of_class(path(keys, job.frames, kind, is_loop=True)), seeds)


def paths_of_classes(generator: LoadedGenerator, job: SampleJob, seeds: list[int]) -> SamplePaths:
    """From class to class for each seed; conditions are interpolated linearly, whatever the way between latents is."""
    condition = generator.metadata.condition
    labels = requested_labels("classes", job.classes, generator.classes, condition)
    assert condition is not None  # or requested_labels has raised
    if len(labels) < 2:
        raise ConfigError(
            "classes", "an interpolation needs two classes at least", job.classes, "For example classes=0-3."
        )
    keys = condition.array(np.array(labels))

    def at(seed: int, conditions: np.ndarray) -> Latents:
        return replace(plain_latents(generator, job, [seed] * len(conditions)), labels=conditions)

    legs = [
        at(seed, path(np.stack(pair), job.frames, "linear")) for seed in seeds for pair in pairwise(list(keys))
    ]  # fmt: skip
    return SamplePaths(legs, at(seeds[0], path(keys, job.frames, "linear", is_loop=True)), seeds)
