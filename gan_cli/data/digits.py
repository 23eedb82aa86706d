"""Handwritten digits of 43 people, 8 x 8 pixels, part of scikit-learn: real data without a download.

Alpaydin & Kaynak 1998, UCI "Optical Recognition of Handwritten Digits" (its test part); CC BY 4.0.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gan_cli.data import DataSpec, Examples, Progress
from gan_cli.data.image_options import ImageSource
from gan_cli.data.loading import UndecodedExamples, load_examples

EXAMPLES, SIDE, CLASSES = 1797, 8, 10
WHITE = 16  # each value counts the inked pixels in a block of 4 x 4


@dataclass(frozen=True, kw_only=True)
class Digits(ImageSource):
    """The digits 0 to 9, white on black. configs/dataset/digits.yaml explains each key."""

    @property
    def is_mirror_symmetric(self) -> bool:
        return False

    def describe(self) -> DataSpec:
        return DataSpec(self.shape(SIDE, SIDE, 1), EXAMPLES, CLASSES)

    def known_labels(self) -> np.ndarray:
        from sklearn.datasets import load_digits

        return np.asarray(load_digits().target, np.int32)

    def open(self, progress: Progress | None = None) -> Examples:
        pixels, classes = read_digits()
        values = np.round(pixels[..., None] * (255 / WHITE)).astype(np.uint8)
        spec = self.describe()
        fit = self.fit(spec.shape)
        undecoded = UndecodedExamples(
            spec=spec,
            decode=lambda index: (fit.array(values[index]), int(classes[index])),
            name=lambda index: f"digit {index}",
        )
        return load_examples(undecoded, self.memory_limit, progress)


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Returns float64 pixels from 0 to 16, `[1797, 8, 8]`, and int64 classes `[1797]`.

    The file is read without importing scikit-learn, which takes more than a second; where it is not at its place, by
    `sklearn.datasets.load_digits`.
    """
    package = importlib.util.find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder, "datasets", "data", "digits.csv.gz")
        if path.is_file():
            rows = np.loadtxt(path, delimiter=",")
            return rows[:, :-1].reshape(-1, SIDE, SIDE), rows[:, -1].astype(np.int64)
    return read_digits_by_library()


def read_digits_by_library() -> tuple[np.ndarray, np.ndarray]:
    """The same by `sklearn.datasets.load_digits`."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images, digits.target
