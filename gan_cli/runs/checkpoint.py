"""Checkpoints: one file each, whole or absent, holding arrays and text and nothing that could run.

A checkpoint is a .npz archive (NumPy arrays in a zip, read with `allow_pickle=False`). The zip's checksums tell whether
a file was damaged since; a damaged one is passed over for the one before.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.runs.atomic_files import remove_file, write_atomically
from gan_cli.runs.renamed_keys import upgrade_config

FORMAT = 1
DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


class DamagedCheckpointError(ValueError):
    """A checkpoint file that can't be read whole."""


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
    match = re.fullmatch(r"step_(\d{8,})\.npz", path.name)
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
    }
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    path = checkpoint_path(folder, checkpoint.step)
    write_atomically(path, lambda file: np.savez(file, allow_pickle=False, about=text, **checkpoint.arrays))
    kept = [other for other in list_checkpoints(folder) if (checkpoint_step(other) or 0) <= checkpoint.step][:keep]
    for other in list_checkpoints(folder):
        if other not in kept:
            remove_file(other)
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint whole. Raises DamagedCheckpointError where that fails."""
    return read_archive(path, lambda archive: {name: archive[name] for name in archive.files if name != "about"})


def read_checkpoint_header(path: Path) -> Checkpoint:
    """A checkpoint without its arrays, which takes milliseconds. Raises DamagedCheckpointError where that fails."""
    return read_archive(path, lambda archive: {})


def read_archive(path: Path, read_arrays: Callable[[Any], dict[str, np.ndarray]]) -> Checkpoint:
    try:
        if not zipfile.is_zipfile(path):  # of which NumPy would say that it could be loaded unsafely
            raise zipfile.BadZipFile("it is no archive of arrays")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            arrays = read_arrays(archive)
        data = about["data"]
        spec = DataSpec(tuple(data["shape"]), data["examples"], data["classes"], tuple(data["value_range"]))
        return Checkpoint(about["step"], about["seconds"], spec, upgrade_config(about["config"]), arrays)
    except DAMAGE as error:
        raise DamagedCheckpointError(f"{path} can't be read whole ({error})") from error


def read_checkpoint_step(path: Path) -> int | None:
    """The step that a checkpoint says it is of; None where it is not there or can't be read."""
    try:
        return read_checkpoint_header(path).step if path.is_file() else None
    except DamagedCheckpointError:
        return None


def load_newest(folder: Path, warn: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint that is whole, None where there is none; `warn` is told of each that is passed over."""
    best = folder / "best.npz"  # the last resort
    for path in [*list_checkpoints(folder), *([best] if best.is_file() else [])]:
        try:
            return load_checkpoint(path)
        except DamagedCheckpointError as error:
            warn(f"{error}; using the one before")
    return None
