"""Trained classifiers in the cache folder: found by data and settings, checked when read, whole at any moment.

A classifier's folder holds its weights, in a .npz file whose name begins their hash, and about.json, which is written
last and says which weights are meant. Two processes that write at once therefore leave one's or the other's.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.cache import cache_folder
from gan_cli.runs.atomic_files import write_atomically, write_json

DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    ArithmeticError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a changed file may raise; RuntimeError where a bit of the zip says that it is encrypted."""


@dataclass(frozen=True)
class TrainedClassifier:
    """What training leaves.

    Attributes:
        weights: float32 arrays by name; see `gan_cli.features.classifier_network`.
        accuracy: share of held-out images that it classified correctly, 0 to 1.
        held_out: how many these were.
    """

    weights: dict[str, np.ndarray]
    accuracy: float
    held_out: int

    @property
    def sha256(self) -> str:
        """Of names, shapes and values of the weights, whatever file they lie in."""
        digest = hashlib.sha256()
        for name, array in sorted(self.weights.items()):
            digest.update(f"{name} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array, "<f4").tobytes())
        return digest.hexdigest()


def folder_for(about: Mapping[str, Any]) -> Path:
    """Where the classifier of such data and settings, in plain JSON, lies or is to lie."""
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]
    return cache_folder() / "classifier" / key


def read_classifier(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> TrainedClassifier | None:
    """The classifier in `folder`, None where there is none.

    Args:
        shapes: names and shapes that its weights must have.

    Raises:
        one of DAMAGE: where it is not what was written.
    """
    if not (folder / "about.json").is_file():
        return None
    about = json.loads((folder / "about.json").read_text("utf-8"))
    with weights_path(folder, about["weights_sha256"]).open("rb") as file, np.load(file, allow_pickle=False) as archive:
        weights = {name: archive[name] for name in archive.files}
    found = TrainedClassifier(weights, float(about["accuracy"]), int(about["held_out"]))
    if found.sha256 != about["weights_sha256"]:
        raise ValueError("its weights are not those that were written")
    if {name: array.shape for name, array in weights.items()} != shapes or not 0 <= found.accuracy <= 1:
        raise ValueError("it is of another kind")
    return found


def write_classifier(folder: Path, trained: TrainedClassifier, about: Mapping[str, Any]) -> None:
    """Writes a classifier whole or not at all; `about` is what else about.json is to say. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = trained.weights
    write_atomically(weights_path(folder, trained.sha256), lambda file: np.savez(file, allow_pickle=False, **arrays))
    facts = {"accuracy": trained.accuracy, "held_out": trained.held_out, "weights_sha256": trained.sha256}
    write_json(folder / "about.json", {**facts, **about})


def weights_path(folder: Path, sha256: str) -> Path:
    return folder / f"weights_{Path(sha256).name[:16]}.npz"
