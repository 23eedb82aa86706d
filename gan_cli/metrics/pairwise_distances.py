"""Squared Euclidean distances between rows, and blocks of rows, so that no matrix of all pairs is held at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 2000
"""Rows of a block: the distances between two of them are 31 MiB."""

ROUNDING = 1e-12
"""What a squared distance may be off by, as a share of the squared norms: some thousand float64 roundings."""


def squared_distances(first: np.ndarray, second: np.ndarray, origin: np.ndarray | float = 0.0) -> np.ndarray:
    """|x - y|² for each row x of `first [n, dimensions]` and y of `second [m, dimensions]`, float64 `[n, m]`.

    As |x|² + |y|² - 2 x·y, one matrix product. That loses digits where rows are long beside their distances, so
    `origin`, a point in their middle, is taken off before.
    """
    first, second = np.asarray(first, np.float64) - origin, np.asarray(second, np.float64) - origin
    squared = first @ second.T
    squared *= -2.0
    squared += squared_norms(first)[:, None]
    squared += squared_norms(second)
    return np.maximum(squared, 0.0, out=squared)


def squared_norms(rows: np.ndarray) -> np.ndarray:
    """|x|² of each row of `[n, dimensions]`, float64 `[n]`."""
    return np.einsum("ij,ij->i", rows, rows, dtype=np.float64)


def largest_squared_norm(rows: np.ndarray, origin: np.ndarray) -> float:
    """The largest |x - origin|² of `[n, dimensions]`."""
    return max(float(squared_norms(rows[block] - origin).max()) for block in blocks(len(rows)))


def blocks(count: int, start: int = 0) -> Iterator[slice]:
    """`start .. count - 1` in slices of BLOCK."""
    for first in range(start, count, BLOCK):
        yield slice(first, min(first + BLOCK, count))
