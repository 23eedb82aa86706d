"""Which samples a gan-sample job asks for: the seed and the class of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.sampling.class_request import requested_labels
from gan_cli.sampling.class_rows import rows_of_classes
from gan_cli.sampling.latents import Latents
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.sampling.sample_job import COLUMNS, SampleJob

LARGEST_CODE = 10


@dataclass(frozen=True)
class SampleRequest:
    """Samples in the order in which they are written.

    Attributes:
        seeds: of each sample.
        labels: int32 `[n]`, the class of each, or its condition, float32 `[n, size]`; None for a generator without.
        rows: of the picture of all, one for each class; None where the picture has another layout.
    """

    seeds: list[int]
    labels: np.ndarray | None = None
    rows: int | None = None

    def chunks(self, size: int) -> Iterator[SampleRequest]:
        """The same samples, `size` at a time."""
        for start in range(0, len(self.seeds), size):
            part = slice(start, start + size)
            yield SampleRequest(self.seeds[part], None if self.labels is None else self.labels[part])


def requested_samples(generator: LoadedGenerator, job: SampleJob) -> SampleRequest:
    """The samples of a job without interpolation. Raises ConfigError for classes that the generator does not have."""
    data, condition = generator.metadata.data, generator.metadata.condition
    if job.classes is not None:
        return in_rows(
            job.seed_list(data.is_image), requested_labels("classes", job.classes, generator.classes, condition)
        )
    if job.label is not None:
        seeds = job.seed_list(data.is_image)
        return SampleRequest(seeds, np.full(len(seeds), one_label(generator, job), np.int32))
    if job.code is not None:
        seeds = job.seed_list(data.is_image)
        return SampleRequest(seeds, np.repeat(requested_code(generator, job), len(seeds), axis=0))
    if condition is not None and data.is_image and job.n is None and job.seeds is None and job.grid is None:
        return in_rows(list(range(job.seed, job.seed + COLUMNS)), rows_of_classes(condition.classes).tolist())
    seeds = job.seed_list(data.is_image)
    return SampleRequest(seeds, generator.labels(seeds))


def plain_latents(generator: LoadedGenerator, job: SampleJob, seeds: Sequence[int]) -> Latents:
    """The latents of these seeds as the job has them truncated, with their noise."""
    options = {"truncation_method": job.truncation_method, "truncation_cutoff": job.truncation_cutoff}
    return generator.latents(seeds, job.truncation, noise=job.noise, **options)  # type: ignore[arg-type]


def in_rows(seeds: list[int], labels: list[int]) -> SampleRequest:
    """All seeds of each class, one class after the other."""
    return SampleRequest(seeds * len(labels), np.repeat(np.array(labels, np.int32), len(seeds)), rows=len(labels))


def one_label(generator: LoadedGenerator, job: SampleJob) -> int:
    """The label of `class=`. Raises ConfigError where it names none or several."""
    condition = generator.metadata.condition
    labels = requested_labels("class", [job.label], generator.classes, condition)
    return labels[0]


def requested_code(generator: LoadedGenerator, job: SampleJob) -> np.ndarray:
    """The condition of `code=`, float32 `[1, size]`. Raises ConfigError where the generator has no such code."""
    condition, value = generator.metadata.condition, job.code
    if condition is None or not condition.codes:
        advice = "Leave it out, or name a class: class=NAME." if condition else "Leave it out."
        raise ConfigError("code", "this generator has no codes", value, advice)
    category, *continuous = value if isinstance(value, list | tuple) and value else [value]
    labels = requested_labels("code", [category], generator.classes, condition)
    if len(continuous) not in (0, condition.continuous) or not all(is_code(one) for one in continuous):
        problem = f"expected a category, and {condition.continuous} numbers from {-LARGEST_CODE} to {LARGEST_CODE}"
        raise ConfigError("code", problem, value, "For example code=[3,0.5,-1].")
    return condition.array(np.array(labels), np.array([continuous], np.float32) if continuous else None)


def is_code(value: object) -> bool:
    """Whether a value can be a continuous code: training has those of [-1, 1], others are worth a look."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_CODE


def folder_name(data: DataSpec, label: int) -> str:
    """The name of a class as a folder: without separators, hidden by no dot, and different for different classes."""
    name = data.class_name(label)
    safe = "".join("_" if character in '/\\:*?"<>|' or ord(character) < 32 else character for character in name)[:100]
    safe = safe.strip(" .")
    return safe if safe == name else f"{safe or 'class'}_{label}"
