"""Handwritten digits of 43 people, 8 x 8 pixels, part of scikit-learn: real data without a download.

Alpaydin & Kaynak 1998, UCI "Optical Recognition of Handwritten Digits" (its test part); CC BY 4.0.
"""

from __future__ import annotations

from dataclasses import dataclass

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

    def open(self, progress: Progress | None = None) -> Examples:
        from sklearn.datasets import load_digits

        digits = load_digits()
        values = np.round(digits.images[..., None] * (255 / WHITE)).astype(np.uint8)
        spec = self.describe()
        fit = self.fit(spec.shape)
        undecoded = UndecodedExamples(
            spec=spec,
            decode=lambda index: (fit.array(values[index]), int(digits.target[index])),
            name=lambda index: f"digit {index}",
        )
        return load_examples(undecoded, self.memory_limit, progress)
