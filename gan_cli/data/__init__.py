"""Real examples: where they come from, in which order they are seen, and what they look like.

The contract of every tensor in this project:

- Images are float32 `[batch, height, width, channels]` in [-1, 1]. On disk and in memory they are kept as uint8
  in [0, 255]; `x / 127.5 - 1` leads from one to the other.
- 2-D points are float32 `[batch, 2]` in their own units.
- Labels are int32 `[batch]`, all 0 where the data has none.

A data source (`dataset=...`) is a frozen dataclass, one a file in this folder, with

- `flip: bool`, whether training mirrors images at random from left to right;
- `describe() -> DataSpec | None`: shape and size, found within a second and without TensorFlow (so that a wrong path
  or an impossible image size is told at once), None where they are not known before a download;
  raises `ConfigError` for what the user can mend;
- `open(progress) -> Examples`: the examples themselves; takes as long as it takes, and tells `progress`, if given, how
  many of how many are done. Where `describe()` knew a spec, it is that of the examples, except that `examples` is
  smaller where files proved broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True)
class DataSpec:
    """All that a model learns of the data.

    Attributes:
        shape: of one example: (height, width, channels) for images, (2,) for points.
        examples: how many there are.
        classes: number of classes, 0 where there are no labels.
        value_range: smallest and largest value an example can hold: (-1, 1) for images, the data's own for points.
    """

    shape: tuple[int, ...]
    examples: int
    classes: int = 0
    value_range: tuple[float, float] = (-1.0, 1.0)

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3

    def __str__(self) -> str:
        size = "x".join(str(side) for side in self.shape)
        labels = f", {self.classes} classes" if self.classes else ""
        return f"{self.examples:,} {'images' if self.is_image else 'points'} of {size}{labels}"


class SkippedFile(NamedTuple):
    """A file that was found and could not be used."""

    name: str
    reason: str


Progress = Callable[[int, int], None]
"""Called now and then with the number of examples (or files) done and that of all."""


class Examples(Protocol):
    """Examples that can be read at random, by index in 0 .. spec.examples - 1."""

    @property
    def spec(self) -> DataSpec: ...

    @property
    def skipped(self) -> list[SkippedFile]: ...

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values `[n, *spec.shape]` (uint8 images or float32 points) and int32 labels `[n]`. Thread-safe."""
        ...


@dataclass(frozen=True)
class InMemory:
    """Examples that are decoded already: values `[n, *shape]` and int32 labels `[n]`."""

    spec: DataSpec
    values: np.ndarray
    labels: np.ndarray
    skipped: list[SkippedFile]

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.values[indices], self.labels[indices]


@runtime_checkable
class Mixture(Protocol):
    """A source whose modes can be counted: equal Gaussians around known centres."""

    sigma: float

    def centres(self) -> np.ndarray:
        """float64 `[modes, 2]`."""
        ...


@runtime_checkable
class HasHeldOut(Protocol):
    """A source that may know real examples which training with it never sees: a test split."""

    def held_out(self) -> Source | None: ...


class Source(Protocol):
    """What `dataset=...` builds."""

    @property
    def flip(self) -> bool: ...

    def describe(self) -> DataSpec | None: ...

    def open(self, progress: Progress | None = None) -> Examples: ...
