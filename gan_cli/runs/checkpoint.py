"""Checkpoints: one file each, whole or absent, holding arrays and text and nothing that could run.

A checkpoint is a .npz archive (NumPy arrays in a zip without compression) with two members besides the arrays of
training:

- `about`: JSON with the step, the configuration, and the name, type, shape and SHA-256 of every array.
- `about_sha256`: the SHA-256 of `about`.

`load_checkpoint` returns exactly what was saved or raises DamagedCheckpointError; training then takes the checkpoint
before. Sizes are compared with the file's size before anything is read, so that no file needs more memory than its own
size. Release 0.1 wrote format 1, without digests; for it the checksums of the zip and the position of every member are
checked, so that no member can be missing.

Why not safetensors: it has no digest of its own and checkpoints of 0.1 would still need this reader. With the digest
both formats promise the same, and a .npz can be opened with NumPy alone.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.data.class_names import is_list_of_names
from gan_cli.errors import first_line
from gan_cli.number_limits import MAX_INTEGER
from gan_cli.runs.atomic_files import remove_file, write_atomically
from gan_cli.runs.renamed_keys import upgrade_config
from gan_cli.zip_limits import check_contiguous, open_zip, read_npy_member

FORMAT = 2
FORMATS = (1, FORMAT)
ABOUT, DIGEST = "about", "about_sha256"
NETWORKS = ("generator", "discriminator", "averaged")
"""Parts of a checkpoint: the arrays of its networks."""
BEST = "best.npz"
"""The name of the best checkpoint in its folder."""
LARGEST_ABOUT = 2**24
"""Bytes of `about`; a network of 1,000 arrays needs 150 KB."""


class DamagedCheckpointError(ValueError):
    """A checkpoint file that can't be read, or does not hold what was saved."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        step: steps done.
        seconds: time spent training so far.
        data: what the models were built for.
        config: the whole configuration of the run, so that a checkpoint alone can make samples.
        arrays: every variable by name; see `gan_cli.training.training_state`.
    """

    step: int
    seconds: float
    data: DataSpec
    config: dict[str, Any]
    arrays: dict[str, np.ndarray]


def checkpoint_path(folder: Path, step: int) -> Path:
    return folder / f"step_{step:08d}.npz"


def checkpoint_step(path: Path) -> int | None:
    """The step in a checkpoint's name, None where it is no such name."""
    match = re.fullmatch(r"step_([0-9]{8,18})\.npz", path.name)
    return int(match[1]) if match else None


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the newest first."""
    found = [path for path in folder.glob("step_*.npz") if checkpoint_step(path) is not None]
    return sorted(found, key=lambda path: checkpoint_step(path) or 0, reverse=True)


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Writes a checkpoint, then removes all but the `keep` newest.

    Those of later steps, which a resumed run has passed over as damaged, go first.
    """
    about = {
        "format": FORMAT,
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "data": asdict(checkpoint.data),
        "config": checkpoint.config,
        "arrays": {name: describe_array(array) for name, array in checkpoint.arrays.items()},
    }
    text = json.dumps(about).encode()
    members = {ABOUT: as_bytes_array(text), DIGEST: as_bytes_array(hashlib.sha256(text).digest()), **checkpoint.arrays}
    path = checkpoint_path(folder, checkpoint.step)
    write_atomically(path, lambda file: np.savez(file, allow_pickle=False, **members))
    kept = [other for other in list_checkpoints(folder) if (checkpoint_step(other) or 0) <= checkpoint.step][:keep]
    for other in list_checkpoints(folder):
        if other not in kept:
            remove_file(other)
    return path


def describe_array(array: np.ndarray) -> list[Any]:
    """Type, shape and SHA-256 of an array, as plain JSON."""
    content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return [array.dtype.str, list(array.shape), hashlib.sha256(content.data).hexdigest()]


def as_bytes_array(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint with all its arrays. Raises DamagedCheckpointError unless it is exactly what was saved."""
    return read_checkpoint(path, lambda name: True)


def load_checkpoint_part(path: Path, part: str) -> Checkpoint:
    """Reads a checkpoint with the arrays of one part: `generator`, `discriminator` or `averaged`.

    Raises:
        DamagedCheckpointError: unless these arrays are exactly what was saved.
    """
    return read_checkpoint(path, lambda name: name.startswith(f"{part}/"))


def load_networks(path: Path) -> Checkpoint:
    """Reads a checkpoint with the arrays of its networks, without optimizers. Raises DamagedCheckpointError."""
    return read_checkpoint(path, lambda name: name.partition("/")[0] in NETWORKS)


def read_checkpoint_header(path: Path) -> Checkpoint:
    """Reads a checkpoint without its arrays, which takes milliseconds. Raises DamagedCheckpointError."""
    return read_checkpoint(path, lambda name: False)


def read_checkpoint(path: Path, is_wanted: Callable[[str], bool]) -> Checkpoint:
    """Reads a checkpoint with the arrays whose name `is_wanted` accepts. Raises DamagedCheckpointError."""
    try:
        with open_zip(path, largest_ratio=1) as archive:
            return read_archive(archive, is_wanted)
    except Exception as error:  # damage makes zipfile, json and numpy raise errors of many kinds
        raise DamagedCheckpointError(f"{path} can't be read whole ({first_line(error)})") from error


def read_archive(archive: zipfile.ZipFile, is_wanted: Callable[[str], bool]) -> Checkpoint:
    check_contiguous(archive)
    members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
    if members[ABOUT].file_size > LARGEST_ABOUT:
        raise ValueError(f"{ABOUT} has {members[ABOUT].file_size:,} bytes")
    text = read_npy_member(archive, members[ABOUT]).tobytes()
    about = json.loads(text)
    if about["format"] not in FORMATS:
        raise ValueError(f"format {about['format']!r} is not known to this release")
    names = set(members) - {ABOUT, DIGEST}
    if about["format"] == FORMAT:
        if read_npy_member(archive, members[DIGEST]).tobytes() != hashlib.sha256(text).digest():
            raise ValueError(f"{ABOUT} was changed")
        if names != set(about["arrays"]):
            raise ValueError("arrays are missing")
    arrays = {name: read_npy_member(archive, members[name]) for name in sorted(names) if is_wanted(name)}
    if about["format"] == FORMAT:
        changed = next((name for name in arrays if describe_array(arrays[name]) != about["arrays"][name]), None)
        if changed is not None:
            raise ValueError(f"{changed} was changed")
    return checkpoint_of(about, arrays)


def checkpoint_of(about: Mapping[str, Any], arrays: dict[str, np.ndarray]) -> Checkpoint:
    """The checkpoint that `about` describes. Raises ValueError, KeyError or TypeError where its facts are of no use."""
    step, seconds, data, config = about["step"], about["seconds"], about["data"], about["config"]
    if (
        type(step) is not int
        or not 0 <= step <= MAX_INTEGER
        or type(seconds) not in (int, float)
        or not math.isfinite(seconds)
    ):
        raise ValueError(f"it gives step {step!r:.40} after {seconds!r:.40} seconds")
    if not isinstance(config, dict):
        raise ValueError("it has no configuration")
    return Checkpoint(step, float(seconds), data_of(data), upgrade_config(config), arrays)


def data_of(data: Mapping[str, Any]) -> DataSpec:
    shape, value_range = data["shape"], data["value_range"]
    counts = [*shape, data["examples"], data["classes"]]
    if any(type(count) is not int or not 0 <= count < 2**40 for count in counts):
        raise ValueError(f"it gives data of {counts}")
    if len(value_range) != 2 or not all(type(end) in (int, float) and math.isfinite(end) for end in value_range):
        raise ValueError(f"it gives values in {value_range}")
    names = data.get("class_names") or []  # release 0.1 wrote none for many data sets
    if not is_list_of_names(names) or len(names) not in (0, data["classes"]):
        raise ValueError("its names of classes are of no use")
    return DataSpec(tuple(shape), data["examples"], data["classes"], tuple(value_range), tuple(names))


def read_checkpoint_step(path: Path) -> int | None:
    """The step of a checkpoint by its content; None where it is not there or can't be read."""
    try:
        return read_checkpoint_header(path).step if path.is_file() else None
    except DamagedCheckpointError:
        return None


def has_checkpoint(folder: Path) -> bool:
    """Whether a run has a checkpoint that `load_newest` would try."""
    return bool(list_checkpoints(folder)) or (folder / BEST).is_file()


def load_newest(
    folder: Path, warn: Callable[[str], None], load: Callable[[Path], Checkpoint] = load_checkpoint
) -> Checkpoint | None:
    """Loads the newest checkpoint that is not damaged, None where there is none.

    Args:
        folder: with the checkpoints.
        warn: is called with a message for each damaged one.
        load: reads one, or a part of it.
    """
    best = folder / BEST  # the last resort
    for path in [*list_checkpoints(folder), *([best] if best.is_file() else [])]:
        try:
            return load(path)
        except DamagedCheckpointError as error:
            warn(f"{error}; using the one before")
    return None
