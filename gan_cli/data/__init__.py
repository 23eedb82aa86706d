"""Data sources (`dataset=...`): the contract of sources and examples, one source a file.

Contract of every tensor in this project:

- Images are float32 `[batch, height, width, channels]` in [-1, 1]. On disk and in memory they are uint8 in [0, 255];
  `x / 127.5 - 1` converts one to the other.
- 2-D points are float32 `[batch, 2]` in their own units.
- Labels are int32 `[batch]` in 0 .. classes - 1; NO_LABEL, -1, of an example without a class.

A data source is a frozen dataclass derived from `Source`. Its module imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

NO_LABEL = -1
"""The label of an example without a class."""


@dataclass(frozen=True)
class DataSpec:
    """Shape, size and classes of a data set: all that a model knows of the data.

    Attributes:
        shape: of one example: (height, width, channels) for images, (2,) for points.
        examples: number of examples.
        classes: number of classes, 0 without labels.
        value_range: smallest and largest possible value: (-1, 1) for images, the data's own for points.
        class_names: names of the classes in the order of their labels; empty where they are not known.
    """

    shape: tuple[int, ...]
    examples: int
    classes: int = 0
    value_range: tuple[float, float] = (-1.0, 1.0)
    class_names: tuple[str, ...] = ()

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3

    def class_name(self, label: int) -> str:
        """The name of a class, or its number where classes have no names."""
        return self.class_names[label] if self.class_names else str(label)

    @property
    def example_bytes(self) -> int:
        """Size of one example: uint8 images, float32 points."""
        return math.prod(self.shape) * (1 if self.is_image else 4)

    @property
    def total_bytes(self) -> int:
        """Size of all examples in memory."""
        return self.examples * self.example_bytes

    def __str__(self) -> str:
        size = "x".join(str(side) for side in self.shape)
        labels = f", {self.classes} classes" if self.classes else ""
        return f"{self.examples:,} {'images' if self.is_image else 'points'} of {size}{labels}"


class SkippedFile(NamedTuple):
    """A file that was found and can't be used, and the reason."""

    name: str
    reason: str


class ExampleBatch(NamedTuple):
    """Examples and their labels: NumPy arrays as they are stored, tensors in training.

    Attributes:
        values: uint8 images `[n, height, width, channels]` or float32 points `[n, 2]`; in training float32.
        labels: int32 `[n]`; in training None where no part uses them.
    """

    values: Any
    labels: Any


Progress = Callable[[int, int], None]
"""Called from time to time with the number of examples (or files) that are done and the number of all."""


class Examples(ABC):
    """Examples with random access, by index in 0 .. spec.examples - 1.

    Attributes:
        spec: their shape, number and classes.
        skipped: files that can't be used. The list grows while streamed files prove to be broken.
        warnings: one sentence for each property of the data that is probably not intended.
        is_in_memory: whether all examples are decoded and in memory.
        memory_bytes: size of the decoded examples in memory; 0 where they are streamed.
    """

    spec: DataSpec
    skipped: list[SkippedFile]
    warnings: Sequence[str] = ()

    @abstractmethod
    def read(self, indices: np.ndarray) -> ExampleBatch:
        """The examples at `indices`, int `[n]`, in that order. Thread-safe."""

    def read_labels(self, indices: np.ndarray) -> np.ndarray:
        """The labels at `indices`, int32 `[n]`. Default: reads the examples as well."""
        labels: np.ndarray = self.read(indices).labels
        return labels

    @property
    def is_in_memory(self) -> bool:
        return False

    @property
    def memory_bytes(self) -> int:
        return 0


@dataclass(frozen=True)
class InMemory(Examples):
    """Decoded examples: values `[n, *shape]` and int32 labels `[n]`."""

    spec: DataSpec
    values: np.ndarray
    labels: np.ndarray
    skipped: list[SkippedFile]
    warnings: Sequence[str] = ()

    def read(self, indices: np.ndarray) -> ExampleBatch:
        return ExampleBatch(self.values[indices], self.labels[indices])

    def read_labels(self, indices: np.ndarray) -> np.ndarray:
        return np.asarray(self.labels[indices])

    @property
    def is_in_memory(self) -> bool:
        return True

    @property
    def memory_bytes(self) -> int:
        return self.values.nbytes + self.labels.nbytes


class GaussianMixture(NamedTuple):
    """Centres float64 `[modes, 2]` of equal Gaussians, and their standard deviation."""

    centres: np.ndarray
    sigma: float


@dataclass(frozen=True)
class ChannelModes:
    """Modes of images each of whose channels shows one class of another data set.

    Attributes:
        source: labelled images with one channel, from which a classifier learns to read a channel.
        classes: number of classes of one channel.
        channels: number of channels; their classes are the digits of the mode's number, the first one leading.
    """

    source: Source
    classes: int
    channels: int

    @property
    def count(self) -> int:
        return int(self.classes**self.channels)

    def number(self, classes: np.ndarray) -> np.ndarray:
        """int32 `[n]` in 0 .. count - 1 of the classes of the channels, int `[n, channels]`."""
        places = self.classes ** np.arange(self.channels - 1, -1, -1)
        return (classes @ places).astype(np.int32)


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """What `dataset=...` builds.

    `describe`, `open` and `held_out` give all classes; `gan_cli.data.class_selection` takes those of `classes`.

    Attributes:
        classes: names or numbers of the classes that are used; None for all.
        balance: whether training draws each class equally often.
        flip: whether training mirrors images at random from left to right.
    """

    classes: Any = None
    balance: bool = False

    flip = False

    @property
    def is_mirror_symmetric(self) -> bool | None:
        """Whether mirrored examples are as likely as the examples, so that mirroring them gives more of the same kind.

        `dataset.flip=auto` follows it. False where mirroring gives another kind: digits, writing, shoes that all point
        to the left. Default: None, not known.
        """
        return None

    @abstractmethod
    def describe(self) -> DataSpec | None:
        """Shape and size, found without TensorFlow, so that a wrong path or image size is reported at once.

        Returns:
            None where nothing is known before a download. Otherwise the spec of `open()`, apart from `examples`, which
            is smaller there where files are broken.

        Raises:
            ConfigError: for anything that the user can correct.
        """

    @abstractmethod
    def open(self, progress: Progress | None = None) -> Examples:
        """Loads the examples; may take long. Raises ConfigError as `describe`, and where nothing can be read."""

    def known_labels(self) -> np.ndarray | None:
        """The labels of all examples, int32 `[n]`, where they are known without decoding or downloading anything.

        They count the examples of `classes`; files may prove to be broken later. Default: None, not known.
        """
        return None

    def held_out(self) -> Source | None:
        """Real examples that training with this source never sees, such as a test split. Default: none."""
        return None

    def mixture(self) -> GaussianMixture | None:
        """The centres of a mixture of Gaussians, whose modes can be counted. Default: not a mixture."""
        return None

    def channel_modes(self) -> ChannelModes | None:
        """Equally likely modes that a classifier can read from an image. Default: not known."""
        return None
