"""Weights, inputs and outputs of published GAN architectures, computed by their reference implementations.

The files are in $GAN_CLI_GOLDEN_NETWORKS, else in ../shared/golden/networks; its README says what each array is.
Without the folder the tests are skipped. Arrays of the references are channels first; `channels_last` and `kernel`
convert them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "golden" / "networks"
FOLDER = Path(os.environ.get("GAN_CLI_GOLDEN_NETWORKS") or BESIDE)

FORWARD = 1e-4
"""Largest difference of a forward value, relative to the largest value of its array."""
NORM, NORM_OF_LARGEST = 1e-3, 1e-5
"""Largest difference of a gradient norm, relative to it, and relative to the largest norm of its group."""


def golden_files(pattern: str) -> Any:
    """A parametrization `path` over the files of a pattern; one skipped case where there is none."""
    found = sorted(FOLDER.glob(pattern))
    missing = pytest.param(None, marks=pytest.mark.skip(reason=f"no {pattern} in {FOLDER}"), id=pattern)
    return pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in found] or [missing])


class Golden:
    """The content of one .npz file.

    Attributes:
        config: sizes and settings, under the reference's names.
        state: the reference's weights by name, without `state/`.
    """

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.arrays = {name: file[name] for name in file.files if name != "config"}
            self.config = json.loads(str(file["config"]))
        self.state = self.group("state")

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def group(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays whose names begin with `prefix/`, by the rest of their names."""
        start = f"{prefix}/"
        return {name.removeprefix(start): array for name, array in self.arrays.items() if name.startswith(start)}


def channels_last(images: np.ndarray) -> np.ndarray:
    """`[n, channels, height, width]` to `[n, height, width, channels]`."""
    return np.moveaxis(images, 1, -1)


def kernel(weights: np.ndarray) -> np.ndarray:
    """Outputs first to outputs last: a convolution OIHW to HWIO, a dense layer (out, in) to (in, out)."""
    return weights.transpose(2, 3, 1, 0) if weights.ndim == 4 else weights.T


def check_forward(found: Any, expected: np.ndarray, name: str = "", tolerance: float = FORWARD) -> float:
    """Compares with the leading samples and channels that are stored; returns the largest relative difference."""
    leading = np.asarray(found)[tuple(slice(side) for side in expected.shape)]
    assert leading.shape == expected.shape, name
    off = float(np.abs(leading - expected).max() / max(np.abs(expected).max(), 1e-30))
    assert off <= tolerance, f"{name} is off by {off:.1e}"
    return off


def check_norms(found: Mapping[str, Any], expected: Mapping[str, np.ndarray]) -> float:
    """Compares gradients with Euclidean norms by name; returns the largest relative difference."""
    assert found.keys() == expected.keys()
    largest = max(float(norm) for norm in expected.values())
    norms = {name: float(np.linalg.norm(np.asarray(gradient).ravel())) for name, gradient in found.items()}
    off = {name: abs(norms[name] - float(expected[name])) for name in expected}
    wrong = [name for name in off if off[name] > NORM * float(expected[name]) + NORM_OF_LARGEST * largest]
    assert not wrong, {name: (norms[name], float(expected[name])) for name in wrong}
    return max(off.values()) / largest
