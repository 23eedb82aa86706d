"""gan-sample's work: from checked keys to a file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.config.schema import LARGEST, MOST_SAMPLES, SampleJob, parse_grid
from gan_cli.errors import ConfigError
from gan_cli.metrics.modes import SAMPLES as POINT_SAMPLES
from gan_cli.runs.atomic_files import make_folder, write_atomically
from gan_cli.sampling.image_grid import gif, grid_shape, image_grid, points_plot, to_pil_image
from gan_cli.sampling.interpolation import path as latent_path
from gan_cli.sampling.load_generator import LoadedGenerator

IMAGES = 64
CHUNK = 1024  # images rendered before they are written, so that memory does not grow with their number


def parse_seeds(value: Any) -> list[int]:
    """Seeds from `0-15`, `7`, or a list of such. Raises ConfigError for anything else."""
    seeds: list[int] = []
    for part in value if isinstance(value, list) else str(value).split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", str(part).strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last or last > LARGEST:
            raise ConfigError("seeds", "expected a range such as 0-15, or a list such as [3,7,0-2]", value)
        if len(seeds) + last - first >= MOST_SAMPLES:
            raise ConfigError("seeds", f"names more than {MOST_SAMPLES:,} images", value)
        seeds.extend(range(first, last + 1))
    if not seeds:
        raise ConfigError("seeds", "expected at least one", value)
    return seeds


def wanted_seeds(job: SampleJob, is_image: bool = True) -> list[int]:
    """The seeds that `seeds`, or `seed` with `n` or `grid`, ask for. Raises ConfigError where they contradict."""
    if job.seeds is not None:
        seeds = parse_seeds(job.seeds)
        if job.n is not None and job.n != len(seeds):
            raise ConfigError("n", f"seeds= names {len(seeds)} images", job.n, "Leave one of them out.")
        return seeds
    cells = int(np.prod(parse_grid("grid", job.grid))) if job.grid else None
    count = job.n or cells or (IMAGES if is_image else POINT_SAMPLES)
    return list(range(job.seed, job.seed + count))


def check_sample(job: SampleJob) -> None:
    """Raises ConfigError for keys that can't go together, before anything is loaded."""
    seeds = wanted_seeds(job)
    if job.interpolate is not None and len(seeds) < 2:
        raise ConfigError("interpolate", "needs two seeds at least", job.interpolate, "For example seeds=0-3.")
    if job.format == "gif" and job.interpolate is None:
        raise ConfigError("format", "an animation goes between seeds", "gif", "Add interpolate=slerp.")
    if job.grid is not None and job.format == "png" and job.interpolate is None:
        rows, columns = parse_grid("grid", job.grid)
        if rows * columns < len(seeds):
            raise ConfigError("grid", f"has {rows * columns} cells for {len(seeds)} images", job.grid)
    if job.output is not None and job.format == "files" and Path(job.output).is_file():
        raise ConfigError("output", "is a file; expected a folder for format=files", job.output)
    if job.output is not None and job.format != "files":
        suffix = Path(job.output).suffix
        if suffix != f".{job.format}":
            raise ConfigError("output", f"expected a name that ends in .{job.format}", job.output)


def render(generator: LoadedGenerator, job: SampleJob, source: Path) -> Path:
    """Writes what the job asks for and gives its path."""
    seeds = wanted_seeds(job, generator.facts.data.is_image)
    output = Path(job.output) if job.output else default_output(generator, job, source, seeds)
    folder = output if job.format == "files" else output.parent
    try:
        make_folder(folder)
    except OSError as error:
        raise ConfigError(
            "output", f"can't be written ({error.strerror})", output, "Name a place with output=."
        ) from error
    if job.interpolate is not None:
        write_interpolation(generator, job, seeds, output)
    elif job.format == "files":
        for chunk in chunks(seeds):
            for seed, image in zip(chunk, generator.images(chunk, job.truncation), strict=True):
                write_picture(output / f"seed_{seed:08d}.png", to_pil_image(image))
    elif job.format == "npz":
        write_arrays(output, np.concatenate([generator.images(c, job.truncation) for c in chunks(seeds)]), seeds)
    else:
        write_picture(output, draw(generator, generator.images(seeds, job.truncation), job.grid))
    return output


def draw(generator: LoadedGenerator, examples: np.ndarray, grid: str | None) -> Any:
    """One picture of all: a grid of images, or points in the plane."""
    if not generator.facts.data.is_image:
        return points_plot(examples, None, generator.facts.data.value_range)
    rows, columns = parse_grid("grid", grid) if grid else grid_shape(len(examples))
    return image_grid(examples, rows, columns)


def write_interpolation(generator: LoadedGenerator, job: SampleJob, seeds: list[int], output: Path) -> None:
    """Images on the way between seeds: a row a pair, an animation that comes back to its start, arrays or files."""
    keys = generator.latents(seeds, job.truncation)
    kind = str(job.interpolate)
    if job.format == "gif":
        made = generator.render(latent_path(keys, job.frames, kind, is_loop=True))
        frames = [draw(generator, example[None], "1x1") for example in made]
        content = gif(frames)
        write_atomically(output, lambda file: file.write(content))
        return
    rows = [generator.render(latent_path(keys[i : i + 2], job.frames, kind)) for i in range(len(seeds) - 1)]
    made = np.concatenate(rows)
    if job.format == "npz":
        write_arrays(output, made, seeds)
    elif job.format == "files":
        for index, image in enumerate(made):
            write_picture(output / f"frame_{index:06d}.png", to_pil_image(image))
    else:
        write_picture(output, draw(generator, made, f"{len(rows)}x{len(rows[0])}"))


def chunks(seeds: list[int]) -> Iterable[list[int]]:
    return (seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK))


def write_arrays(path: Path, examples: np.ndarray, seeds: list[int]) -> None:
    write_atomically(path, lambda file: np.savez_compressed(file, images=examples, seeds=np.array(seeds, np.int64)))


def write_picture(path: Path, picture: Any) -> None:
    content = io.BytesIO()
    picture.save(content, format="PNG")
    write_atomically(path, lambda file: file.write(content.getvalue()))


def default_output(generator: LoadedGenerator, job: SampleJob, source: Path, seeds: list[int]) -> Path:
    """A name that says what is in it: in the run directory, or beside the file that the generator came from."""
    folder = Path(job.run) / "rendered" if job.run else source.parent
    words = [f"step_{generator.facts.step:08d}", f"seeds_{seeds[0]}-{seeds[-1]}"]
    words += [job.weights] if job.weights != "averaged" else []
    words += [f"truncation_{job.truncation:g}"] if job.truncation != 1 else []
    words += [job.interpolate] if job.interpolate else []
    return folder / ("_".join(words) + ("" if job.format == "files" else f".{job.format}"))
