"""Mean and covariance of rows that are read in chunks: count, mean and scatter, merged exactly.

Chan, Golub and LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", with outer
products in place of squares. All in float64; memory is that of one covariance, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Moments:
    """The first two moments of `count` rows.

    Attributes:
        count: number of rows, at least 1.
        mean: float64 `[dimensions]`.
        scatter: float64 `[dimensions, dimensions]`, the sum of (x - mean)(x - mean)ᵀ; symmetric, no eigenvalue below 0.
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray

    @property
    def dimensions(self) -> int:
        return len(self.mean)

    @property
    def covariance(self) -> np.ndarray:
        """float64 `[dimensions, dimensions]`, unbiased: the scatter over count - 1. Needs at least two rows."""
        if self.count < 2:
            raise ValueError(f"Covariance of {self.count} row: expected at least two.")
        return self.scatter / (self.count - 1)

    @property
    def rank(self) -> int:
        """The highest possible rank of the covariance."""
        return min(self.dimensions, self.count - 1)


def moments_of(rows: np.ndarray) -> Moments:
    """Computes the moments of rows `[n, dimensions]`, n at least 1, of any floating type."""
    rows = np.asarray(rows, np.float64)
    if rows.ndim != 2 or len(rows) == 0:
        raise ValueError(f"Moments of an array of shape {rows.shape}: expected [rows, dimensions], at least one row.")
    mean = rows.mean(axis=0)
    offsets = rows - mean
    return Moments(len(rows), mean, offsets.T @ offsets)


def merge_moments(parts: Iterable[Moments]) -> Moments:
    """Merges the moments of several parts, at least one, to those of all their rows."""
    parts = iter(parts)
    first = next(parts)
    count, mean, scatter = first.count, first.mean.copy(), first.scatter.copy()
    for part in parts:
        total = count + part.count
        offset = part.mean - mean
        scatter += part.scatter
        scatter += np.outer(offset * (count * part.count / total), offset)
        mean += offset * (part.count / total)
        count = total
    return Moments(count, mean, scatter)


def moments_of_groups(chunks: Iterable[np.ndarray], groups: int) -> list[Moments]:
    """Computes the moments of `groups` interleaved groups of rows: row i belongs to group i modulo `groups`.

    The rows come in chunks `[n, dimensions]`, one of which is in memory at a time.
    """
    found: list[Moments | None] = [None] * groups
    first = 0  # index of the chunk's first row
    for rows in chunks:
        for group in range(groups):
            own = rows[(group - first) % groups :: groups]
            if len(own):
                before, added = found[group], moments_of(own)
                found[group] = added if before is None else merge_moments((before, added))
        first += len(rows)
    if None in found:
        raise ValueError(f"{first} rows in {groups} groups: expected at least one row in each.")
    return [moments for moments in found if moments is not None]
