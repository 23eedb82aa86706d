"""Runs a gan-sample job: generates the samples and writes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from gan_cli.data.chunk_length import chunk_length
from gan_cli.data.input_paths import expand_user
from gan_cli.errors import ConfigError
from gan_cli.plotting.image_grid import gif, image_grid, to_pil_image
from gan_cli.plotting.points_plot import points_plot
from gan_cli.sampling.generate import BATCH
from gan_cli.sampling.interpolation import path as latent_path
from gan_cli.sampling.latents import Latents
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.sampling.sample_job import SampleJob
from gan_cli.sampling.sample_output import (
    default_name,
    output_folder,
    write_arrays,
    write_file,
    write_picture,
)


def run_sample_job(generator: LoadedGenerator, job: SampleJob, source: Path) -> Path:
    """Writes the samples and returns the path of the file or folder.

    Raises:
        ConfigError: where the generator can't make them, they do not fit into memory, or they can't be written.
    """
    data = generator.metadata.data
    job.check_data(data)
    seeds = job.seed_list(data.is_image)
    name = default_name(job, source, generator.metadata.step, seeds)
    output = expand_user("output", job.output) if job.output else output_folder(job, source) / name
    try:
        if job.interpolate is not None:
            write_interpolation(generator, job, seeds, output)
        else:
            write_samples(generator, job, seeds, output)
    except MemoryError as error:
        problem = f"{len(seeds):,} samples do not fit into memory"
        raise ConfigError("format", problem, job.format, "Use format=files, or ask for fewer.") from error
    return output


def write_samples(generator: LoadedGenerator, job: SampleJob, seeds: list[int], output: Path) -> None:
    """Writes one sample a seed: a picture of all, arrays, or one file each."""
    if job.format == "files":
        for chunk in chunks(generator, seeds):
            for seed, image in zip(chunk, generator.images(chunk, job.truncation), strict=True):
                write_picture(output / f"seed_{seed:08d}.png", to_pil_image(image))
        return
    samples = np.concatenate([generator.images(chunk, job.truncation) for chunk in chunks(generator, seeds)])
    if job.format == "npz":
        write_arrays(output, samples, seeds)
    else:
        write_picture(output, draw(generator, samples, job.layout(len(samples))))


def write_interpolation(generator: LoadedGenerator, job: SampleJob, seeds: list[int], output: Path) -> None:
    """Writes samples between the seeds: a picture with a row a pair, a looping animation, arrays, or files."""
    keys = generator.latents(seeds, job.truncation).z
    kind = str(job.interpolate)
    if job.format == "gif":
        samples = generator.render(Latents(latent_path(keys, job.frames, kind, is_loop=True)))
        write_file(output, gif([draw(generator, sample[None], (1, 1)) for sample in samples]))
        return
    pairs = (keys[index : index + 2] for index in range(len(seeds) - 1))
    samples = np.concatenate([generator.render(Latents(latent_path(pair, job.frames, kind))) for pair in pairs])
    if job.format == "npz":
        write_arrays(output, samples, seeds)
    elif job.format == "files":
        for index, image in enumerate(samples):
            write_picture(output / f"frame_{index:06d}.png", to_pil_image(image))
    else:
        write_picture(output, draw(generator, samples, job.layout(len(samples))))


def draw(generator: LoadedGenerator, samples: np.ndarray, layout: tuple[int, int]) -> Image.Image:
    """One picture of all samples: a grid of images, or points in the plane."""
    data = generator.metadata.data
    return image_grid(samples, *layout) if data.is_image else points_plot(samples, None, data.value_range)


def chunks(generator: LoadedGenerator, seeds: list[int]) -> Iterable[list[int]]:
    """The seeds of the images that are generated before they are written, in whole batches."""
    step = chunk_length(generator.metadata.data.example_bytes, BATCH)
    return (seeds[start : start + step] for start in range(0, len(seeds), step))
