"""Where gan-sample writes: the default name, checks before anything is made, and atomic writes."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from gan_cli.data.input_paths import expand_user
from gan_cli.errors import ConfigError, show
from gan_cli.plotting.image_grid import write_png
from gan_cli.runs.atomic_files import make_folder, write_atomically
from gan_cli.runs.symlink_checks import is_inside
from gan_cli.sampling.generator_weights import EMA
from gan_cli.sampling.input_transform import NO_SHIFT
from gan_cli.sampling.latents import RANDOM, REDRAW, RESAMPLE
from gan_cli.sampling.sample_job import SampleJob
from gan_cli.sampling.sampling_methods import PLAIN
from gan_cli.sampling.seed_list import LONGEST_NAME, seeds_name

ADVICE = "Name another place with output=."


def output_folder(job: SampleJob, source: Path) -> Path:
    """The folder that files are written into.

    Args:
        source: the file or folder that the generator comes from.
    """
    if job.output:
        path = expand_user("output", job.output)
        return path if job.format == "files" else path.parent
    return Path(job.run) / "rendered" if job.run else source.parent


def check_output(job: SampleJob, source: Path) -> None:
    """Raises ConfigError where the output can't be written, as far as that can be known without writing."""
    if job.output:
        path = expand_user("output", job.output)
        if job.format == "files":
            with report_write_errors(path):
                if path.exists() and not path.is_dir():
                    raise ConfigError("output", "is a file; expected a folder for format=files", path)
        else:
            if path.suffix != f".{job.format}":
                raise ConfigError("output", f"expected a name that ends in .{job.format}", path)
            with report_write_errors(path):
                if path.is_dir():
                    raise ConfigError("output", f"is a folder; expected the name of a .{job.format} file", path)
    folder = output_folder(job, source)
    with report_write_errors(folder):
        existing = next(parent for parent in (folder, *folder.absolute().parents) if os.path.lexists(parent))
        if not existing.is_dir():
            raise ConfigError("output", f"can't be written: {existing} is no folder", folder, ADVICE)
        if not os.access(existing, os.W_OK | os.X_OK):
            raise ConfigError("output", f"can't be written: {existing} is not writable", folder, ADVICE)
        if not job.output and job.run and not is_inside(folder, Path(job.run)):
            raise ConfigError("output", "is a link that leaves the run directory", folder, ADVICE)


def file_name_part(text: str) -> str:
    """A text as part of a file name; different texts have different names."""
    name = re.sub(r"[^\w.+-]+", "_", text).strip("_")
    if name == text and len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}_{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:8]}"


def default_name(job: SampleJob, source: Path, step: int, seeds: Sequence[int], has_class_rows: bool = False) -> str:
    """The file name of a request. Two requests share it only where they ask for the same content.

    Args:
        source: the file or folder that the generator comes from.
        step: of the generator.
        seeds: of the samples.
        has_class_rows: whether each class has these seeds though no key says so.
    """
    words = [f"step_{step:08d}", f"seeds_{seeds_name(seeds)}"]
    if not job.run:  # other checkpoints in the same folder may be of the same step
        words.insert(0, source.name)
    if job.grid is not None:
        words.append(f"grid_{job.grid}")
    if job.weights != EMA:
        words.append(job.weights)
    if job.truncation_method == RESAMPLE:
        words.append(f"resampled_{job.truncation!r}")
    elif job.truncation_method == REDRAW:
        words.append(f"redrawn_{job.truncation!r}")
    elif job.truncation != 1:
        words.append(f"truncation_{job.truncation!r}")
    if job.truncation_cutoff is not None:
        words.append(f"cutoff_{job.truncation_cutoff}")
    if job.noise != RANDOM:
        words.append(f"noise_{job.noise}")
    if job.method != PLAIN:
        words.append(job.method if job.method_steps is None else f"{job.method}_{job.method_steps}")
    if job.standing_statistics is not None:
        words.append(f"standing_{job.standing_statistics}")
    if job.rotate:
        words.append(f"rotate_{job.rotate!r}")
    if job.shift != NO_SHIFT:
        words.append(f"shift_{job.shift[0]!r}_{job.shift[1]!r}")
    for key, value in (
        ("styles", job.styles),
        ("style_seeds", job.style_seeds),
        ("class", job.label),
        ("classes", job.classes),
        ("code", job.code),
    ):
        if value is not None:
            words.append(f"{key}_{file_name_part(show(value))}")
    if has_class_rows:
        words.append("classes")
    if job.interpolate:
        words.append(f"{job.interpolate}_frames_{job.frames}")
    return "_".join(words) + ("" if job.format == "files" else f".{job.format}")


@contextmanager
def report_write_errors(path: Path) -> Iterator[None]:
    """Turns an error of the file system inside into a ConfigError about `output`."""
    try:
        yield
    except ConfigError:
        raise
    except (OSError, ValueError) as error:  # ValueError for a name with a null byte
        problem = f"can't be written ({getattr(error, 'strerror', None) or error})"
        raise ConfigError("output", problem, path, ADVICE) from error


def write_arrays(
    path: Path,
    samples: np.ndarray,
    seeds: Sequence[int],
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
) -> None:
    """Writes a .npz file with `images` and `seeds`, and `labels` and `class_names` where samples have a class."""
    arrays: dict[str, np.ndarray] = {"images": samples, "seeds": np.array(seeds, np.int64)}
    if labels is not None:
        arrays["labels" if labels.ndim == 1 else "codes"] = labels
        if class_names:
            arrays["class_names"] = np.array(class_names)
    with report_write_errors(path):
        make_folder(path.parent)
        write_atomically(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))


def write_picture(path: Path, picture: Image.Image) -> None:
    """Writes a PNG file."""
    content = io.BytesIO()
    write_png(picture, content)
    write_file(path, content.getvalue())


def write_file(path: Path, content: bytes) -> None:
    """Writes a file and makes its folder."""
    with report_write_errors(path):
        make_folder(path.parent)
        write_atomically(path, lambda file: file.write(content))
