"""Stacked MNIST: three handwritten digits as the red, green and blue of one image, so that modes can be counted.

Metz et al. 2016 (Unrolled GANs, arXiv:1611.02163, section 3.3.1) made it; Srivastava et al. 2017 (VEEGAN,
arXiv:1705.07761, section 4.2) and Lin et al. 2018 (PacGAN, arXiv:1712.04086, section 4.2) compare generators on it.
Each of the 1,000 triples of digits is a mode, about equally frequent; a classifier of single digits reads which one
an image shows. Which digits an image is made of is a function of its index and the seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec, Examples, InMemory, Progress, SkippedFile
from gan_cli.data.loading import GIBIBYTE
from gan_cli.data.tfds import TFDS
from gan_cli.errors import check_number
from gan_cli.features import FeatureExtractor, FeatureExtractorConfig
from gan_cli.progress import ProgressReporter

SHAPE = (28, 28, 3)
PLACES = np.array([100, 10, 1])  # of the three digits in the label, red first
HELD_OUT = 26_000  # images of test digits; as many as are generated to count modes (PacGAN, section 4.2)
CHUNK_BYTES = 4096  # images stacked at once

READERS: dict[tuple[TFDS, FeatureExtractorConfig], FeatureExtractor] = {}
"""Opened classifiers of single digits: training evaluates more than once."""


@dataclass(frozen=True, kw_only=True)
class StackedMNIST:
    """Three digits an image, its label their number. configs/dataset/stacked_mnist.yaml explains each key."""

    examples: int = 128_000
    seed: int = 0
    split: str = "train"
    data_dir: str | None = None
    memory_limit: float = 2.0

    flip: ClassVar[bool] = False  # mirrored digits are no digits
    modes: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        check_number("examples", self.examples, at_least=1)
        check_number("seed", self.seed, at_least=0, at_most=2**32 - 1)  # what RandomState takes
        check_number("memory_limit", self.memory_limit, at_least=0)

    def digits(self) -> TFDS:
        """The single digits."""
        return TFDS(name="mnist", split=self.split, data_dir=self.data_dir, memory_limit=self.memory_limit)

    def describe(self) -> DataSpec:
        """Raises ConfigError for a folder that doesn't exist and a split that MNIST lacks."""
        self.digits().describe()
        return DataSpec(SHAPE, self.examples, self.modes)

    def open(self, progress: Progress | None = None) -> Examples:
        """The stacked images; MNIST is downloaded first if it is not there. Raises ConfigError as TFDS does."""
        digits = self.digits().open(progress)
        # A stream that NumPy promises never to change; drawn row by row, so other images do not change the first ones.
        drawn = np.random.RandomState(self.seed).randint(0, digits.spec.examples, (self.examples, 3))
        stacked = Stacked(self.describe(), digits, drawn.astype(np.int32))
        if self.examples * np.prod(SHAPE) > self.memory_limit * GIBIBYTE:
            return stacked
        return stacked.in_memory()

    def held_out(self) -> StackedMNIST | None:
        """Stacks of digits of the test split; None where those are trained on."""
        return None if "test" in self.split or self.split == "all" else replace(self, split="test", examples=HELD_OUT)

    def extractor(self) -> FeatureExtractorConfig:
        """What reads single digits, once it is trained on all of MNIST's training split."""
        from gan_cli.features.classifier import Classifier

        return Classifier()

    def predict_modes(self, images: np.ndarray, teller: ProgressReporter) -> np.ndarray:
        """Which digits images show, as the classifier reads them.

        Args:
            images: uint8 `[n, 28, 28, 3]`, n > 0.
            teller: is told of the classifier's training, where it is not in the cache.

        Returns:
            int32 `[n]` in 0 .. 999: 100 times the red digit, 10 times the green one, and the blue one.
        """
        source, extractor = TFDS(name="mnist", data_dir=self.data_dir), self.extractor()
        if (source, extractor) not in READERS:
            examples = source.open()
            READERS[source, extractor] = extractor.open(examples.spec, lambda: examples, teller)
        reader = READERS[source, extractor]
        read = [reader(images[..., channel : channel + 1]).logits for channel in range(3)]
        return as_modes(np.stack([logits.argmax(axis=1) for logits in read if logits is not None], axis=1))


@dataclass(frozen=True)
class Stacked:
    """Images that are put together whenever they are read.

    Attributes:
        digits: single ones, uint8 `[n, 28, 28, 1]`.
        drawn: int `[examples, 3]`, which of them are the red, green and blue of each image.
    """

    spec: DataSpec
    digits: Examples
    drawn: np.ndarray

    @property
    def skipped(self) -> list[SkippedFile]:
        return self.digits.skipped

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, labels = self.digits.read(self.drawn[indices].reshape(-1))
        channels = values.reshape(len(indices), 3, *SHAPE[:2])
        return np.ascontiguousarray(np.moveaxis(channels, 1, 3)), as_modes(labels.reshape(-1, 3))

    def in_memory(self) -> InMemory:
        values = np.empty((self.spec.examples, *SHAPE), np.uint8)
        labels = np.empty(self.spec.examples, np.int32)
        for start in range(0, len(values), CHUNK_BYTES):
            part = slice(start, start + CHUNK_BYTES)
            values[part], labels[part] = self.read(np.arange(len(values))[part])
        return InMemory(self.spec, values, labels, self.skipped)


def as_modes(digits: np.ndarray) -> np.ndarray:
    """int32 `[n]` in 0 .. 999 of digits `[n, 3]`."""
    return (digits @ PLACES).astype(np.int32)
