"""Runs a gan-sample job: generates the samples and writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from gan_cli.data.chunk_length import chunk_length
from gan_cli.data.input_paths import expand_user
from gan_cli.errors import ConfigError
from gan_cli.plotting.image_grid import gif, image_grid, to_pil_image
from gan_cli.plotting.points_plot import points_plot
from gan_cli.sampling.generate import BATCH
from gan_cli.sampling.guided_latents import GuidedLatents
from gan_cli.sampling.input_transform import move_images
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.sampling.sample_job import SampleJob
from gan_cli.sampling.sample_output import (
    default_name,
    output_folder,
    write_arrays,
    write_file,
    write_picture,
)
from gan_cli.sampling.sample_paths import SamplePaths, requested_paths
from gan_cli.sampling.sample_request import SampleRequest, folder_name, plain_latents, requested_samples
from gan_cli.sampling.seed_list import parse_seeds
from gan_cli.sampling.standing_statistics import collect_statistics
from gan_cli.sampling.style_mixing import check_styles, mixed_images


def run_sample_job(
    generator: LoadedGenerator, job: SampleJob, source: Path, guide: GuidedLatents | None = None
) -> Path:
    """Writes the samples and returns the path of the file or folder. `guide` takes the latents; None for plain ones.

    Raises:
        ConfigError: where the generator can't make them, they do not fit into memory, or they can't be written.
    """
    data = generator.metadata.data
    move_images(generator, job.rotate, job.shift)
    batches = job.standing_statistics
    if batches is None:
        batches = generator.metadata.standing_statistics
    if batches:
        collect_statistics(generator, batches, job.truncation, job.truncation_method)
    if job.interpolate:
        paths, request = requested_paths(generator, job), None
        layout, seeds = (len(paths.legs), job.frames + 2), paths.seeds
    else:
        paths, request = None, requested_samples(generator, job)
        layout, seeds = layout_of(job, request), list(dict.fromkeys(request.seeds))
    if job.styles is not None:
        check_styles(generator, job.mixed_layers(), job.styles)
        layout = len(seeds) + 1, len(parse_seeds(job.style_seeds)) + 1
    job.check_data(data, layout)
    has_class_rows = request is not None and request.rows is not None and job.classes is None
    name = default_name(job, source, generator.metadata.step, seeds, has_class_rows)
    output = expand_user("output", job.output) if job.output else output_folder(job, source) / name
    try:
        if paths is not None:
            write_interpolation(generator, job, paths, output)
        elif request is not None and job.styles is not None:
            write_mixed(generator, job, request, output, layout)
        elif request is not None:
            write_samples(generator, job, request, output, guide)
    except MemoryError as error:
        problem = "so many samples do not fit into memory"
        raise ConfigError("format", problem, job.format, "Use format=files, or ask for fewer.") from error
    return output


def layout_of(job: SampleJob, request: SampleRequest) -> tuple[int, int]:
    """Rows and columns of the picture of all samples."""
    count = len(request.seeds)
    return job.layout(count) if request.rows is None else (request.rows, count // request.rows)


def write_samples(
    generator: LoadedGenerator, job: SampleJob, request: SampleRequest, output: Path, guide: GuidedLatents | None
) -> None:
    """Writes one sample for each seed and class: a picture of all, arrays, or one file each."""
    size = chunk_length(generator.metadata.data.example_bytes, BATCH)
    if job.format == "files":
        for chunk in request.chunks(size):
            for place, image in enumerate(render(generator, job, chunk, guide)):
                folder = output
                if chunk.labels is not None and chunk.labels.ndim == 1:
                    folder = output / folder_name(generator.classes, int(chunk.labels[place]))
                write_picture(folder / f"seed_{chunk.seeds[place]:08d}.png", to_pil_image(image))
        return
    samples = np.concatenate([render(generator, job, chunk, guide) for chunk in request.chunks(size)])
    if job.format == "npz":
        names = generator.classes.class_names
        write_arrays(output, samples, request.seeds, request.labels, names)
    else:
        write_picture(output, draw(generator, samples, layout_of(job, request)))


def write_mixed(
    generator: LoadedGenerator, job: SampleJob, request: SampleRequest, output: Path, layout: tuple[int, int]
) -> None:
    """Writes the picture of the samples mixed with those of `style_seeds`."""
    columns = requested_samples(generator, replace(job, seeds=job.style_seeds, n=None, seed=0))
    of_rows, of_columns = (
        replace(plain_latents(generator, job, one.seeds), labels=one.labels) for one in (request, columns)
    )
    write_picture(output, draw(generator, mixed_images(generator, of_rows, of_columns, job.mixed_layers()), layout))


def render(
    generator: LoadedGenerator, job: SampleJob, request: SampleRequest, guide: GuidedLatents | None
) -> np.ndarray:
    if guide is not None:
        return generator.render(guide.latents(request.seeds, request.labels))
    return generator.render(replace(plain_latents(generator, job, request.seeds), labels=request.labels))


def write_interpolation(generator: LoadedGenerator, job: SampleJob, paths: SamplePaths, output: Path) -> None:
    """Writes samples along paths: a picture with a row a leg, a looping animation, arrays, or files."""
    if job.format == "gif":
        samples = generator.render(paths.loop)
        write_file(output, gif([draw(generator, sample[None], (1, 1)) for sample in samples]))
        return
    samples = np.concatenate([generator.render(leg) for leg in paths.legs])
    if job.format == "npz":
        write_arrays(output, samples, paths.seeds)
    elif job.format == "files":
        for index, image in enumerate(samples):
            write_picture(output / f"frame_{index:06d}.png", to_pil_image(image))
    else:
        write_picture(output, draw(generator, samples, (len(paths.legs), job.frames + 2)))


def draw(generator: LoadedGenerator, samples: np.ndarray, layout: tuple[int, int]) -> Image.Image:
    """One picture of all samples: a grid of images, or points in the plane."""
    data = generator.metadata.data
    return image_grid(samples, *layout) if data.is_image else points_plot(samples, None, data.value_range)
