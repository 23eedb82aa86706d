"""All training examples as vectors, for losses that compare generated examples with all of them.

A vector is an example's values one after the other: float32 in [-1, 1] for images, a point's own coordinates. Where
training mirrors images at random, the mirrored copy of each image is a vector too, after all others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gan_cli.data import Examples, Progress
from gan_cli.data.chunk_length import chunk_length


@dataclass(frozen=True)
class ExampleVectors:
    """The vectors of all examples.

    Attributes:
        examples: the training data.
        flip: whether training mirrors images at random.
        progress: called with the number of vectors that `chunks` has yielded, and of all.
    """

    examples: Examples
    flip: bool = False
    progress: Progress | None = None

    @property
    def is_mirrored(self) -> bool:
        return self.flip and self.examples.spec.is_image

    @property
    def count(self) -> int:
        """The number of vectors."""
        return self.examples.spec.examples * (2 if self.is_mirrored else 1)

    @property
    def size(self) -> int:
        """The number of values of a vector."""
        return math.prod(self.examples.spec.shape)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Returns float32 vectors `[n, size]` of indices in 0 .. count - 1."""
        return to_range(self.read_stored(indices))

    def read_stored(self, indices: np.ndarray) -> np.ndarray:
        """Returns the vectors as they are stored: uint8 values of images in [0, 255], float32 coordinates of points."""
        originals = self.examples.spec.examples
        values = np.array(self.examples.read(indices % originals).values)
        mirrored = indices >= originals
        if mirrored.any():
            values[mirrored] = values[mirrored, :, ::-1]
        return values.reshape(len(indices), self.size)

    def chunks(self) -> Iterator[np.ndarray]:
        """Yields float32 vectors `[n, size]`, all of them once, as many at a time as `chunk_length` says."""
        step = chunk_length(self.size * np.dtype(np.float32).itemsize)
        for start in range(0, self.count, step):
            end = min(start + step, self.count)
            yield self.read(np.arange(start, end))
            if self.progress:
                self.progress(end, self.count)

    def random_indices(self, count: int) -> np.ndarray:
        """Returns `count` different indices, or all where there are fewer: the same ones every time."""
        order = np.random.RandomState(2).permutation(self.count)  # NumPy promises that this stream never changes
        return np.sort(order[: min(count, self.count)])


def to_range(stored: np.ndarray) -> np.ndarray:
    """Returns float32 vectors of stored ones: uint8 in [0, 255] becomes [-1, 1], floats stay."""
    if stored.dtype == np.uint8:
        return stored.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
    return stored.astype(np.float32)
