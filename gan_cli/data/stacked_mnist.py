"""Stacked MNIST: three handwritten digits as the red, green and blue of one image, so that modes can be counted.

Metz et al. 2016 (Unrolled GANs, arXiv:1611.02163, section 3.3.1) introduced it; Srivastava et al. 2017 (VEEGAN,
arXiv:1705.07761, section 4.2) and Lin et al. 2018 (PacGAN, arXiv:1712.04086, section 4.2) compare generators on it.
Each of the 1,000 triples of digits is a mode, about equally frequent; a classifier of single digits reads which one an
image shows. The digits of an image are a function of its index and the seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gan_cli.data import ChannelModes, DataSpec, ExampleBatch, Examples, InMemory, Progress, Source
from gan_cli.data.aligned_array import aligned_empty
from gan_cli.data.loading import fits_in_memory
from gan_cli.data.tfds import TFDS
from gan_cli.errors import check_number
from gan_cli.number_limits import MAX_EXAMPLES

SHAPE = (28, 28, 3)
DIGITS = 10
HELD_OUT = 26_000  # images of test digits; the number that is generated to count modes (PacGAN, section 4.2)
CHUNK_EXAMPLES = 4096  # images stacked at once


@dataclass(frozen=True, kw_only=True)
class StackedMNIST(Source):
    """Images of three digits each, whose label is their number, red digit first.

    configs/dataset/stacked_mnist.yaml explains each key.
    """

    examples: int = 128_000
    seed: int = 0
    split: str = "train"
    data_dir: str | None = None
    memory_limit: float = 2.0

    def __post_init__(self) -> None:
        check_number("examples", self.examples, at_least=1, at_most=MAX_EXAMPLES)
        check_number("seed", self.seed, at_least=0, at_most=2**32 - 1)  # what RandomState takes
        check_number("memory_limit", self.memory_limit, at_least=0)

    def digits(self) -> TFDS:
        """The single digits."""
        return TFDS(name="mnist", split=self.split, data_dir=self.data_dir, memory_limit=self.memory_limit)

    def check_stored_values(self) -> None:
        """Raises ConfigError where the digits would be downloaded into a folder that the configuration chooses."""
        self.digits().check_stored_values()

    def describe(self) -> DataSpec:
        """Raises ConfigError for a folder that doesn't exist and a split that MNIST lacks."""
        self.digits().describe()
        return DataSpec(SHAPE, self.examples, self.channel_modes().count)

    def open(self, progress: Progress | None = None) -> Examples:
        """Stacks the digits; MNIST is downloaded first if it is not there. Raises ConfigError as TFDS does."""
        digits = self.digits().open(progress)
        # A stream that NumPy promises never to change; drawn row by row, so other images do not change the first ones.
        drawn = np.random.RandomState(self.seed).randint(0, digits.spec.examples, (self.examples, 3))
        stacked = Stacked(self.describe(), digits, drawn.astype(np.int32), self.channel_modes())
        return stacked.in_memory() if fits_in_memory(stacked.spec, self.memory_limit) else stacked

    def held_out(self) -> StackedMNIST | None:
        """Stacks of digits of the test split; None where training uses them."""
        return None if "test" in self.split or self.split == "all" else replace(self, split="test", examples=HELD_OUT)

    def channel_modes(self) -> ChannelModes:
        """A classifier that learns from all of MNIST's training split reads the digit of each channel."""
        return ChannelModes(TFDS(name="mnist", data_dir=self.data_dir), DIGITS, channels=3)


class Stacked(Examples):
    """Images that are stacked each time they are read.

    Args:
        spec: of the stacked images.
        digits: single ones, uint8 `[n, 28, 28, 1]`.
        drawn: int `[examples, 3]`, indices of the red, green and blue digit of each image.
        modes: gives the label of three digits.
    """

    def __init__(self, spec: DataSpec, digits: Examples, drawn: np.ndarray, modes: ChannelModes) -> None:
        self.spec, self.digits, self.drawn, self.modes = spec, digits, drawn, modes
        self.skipped = digits.skipped

    def read(self, indices: np.ndarray) -> ExampleBatch:
        digits = self.digits.read(self.drawn[indices].reshape(-1))
        channels = digits.values.reshape(len(indices), 3, *SHAPE[:2])
        labels = self.modes.number(digits.labels.reshape(-1, 3))
        return ExampleBatch(np.ascontiguousarray(np.moveaxis(channels, 1, 3)), labels)

    @property
    def memory_bytes(self) -> int:
        return self.digits.memory_bytes + self.drawn.nbytes

    def in_memory(self) -> InMemory:
        values = aligned_empty((self.spec.examples, *SHAPE), np.uint8)
        labels = np.empty(self.spec.examples, np.int32)
        for start in range(0, len(values), CHUNK_EXAMPLES):
            part = slice(start, start + CHUNK_EXAMPLES)
            values[part], labels[part] = self.read(np.arange(len(values))[part])
        return InMemory(self.spec, values, labels, self.skipped)
