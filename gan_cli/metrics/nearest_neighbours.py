"""Nearest neighbours by Euclidean distance, among rows that come in chunks; exact, memory bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from gan_cli.metrics.pairwise_distances import ROUNDING, blocks, squared_distances, squared_norms


class Neighbours(NamedTuple):
    """The nearest rows to each query, nearest first.

    Attributes:
        distances: float64 `[queries, count]`; 0 for a copy.
        places: int64 `[queries, count]`, the number of each row.
    """

    distances: np.ndarray
    places: np.ndarray


def nearest(
    queries: np.ndarray, chunks: Iterable[np.ndarray], count: int = 1, own: np.ndarray | None = None
) -> Neighbours:
    """The `count` rows that lie nearest to each query.

    Args:
        queries: `[m, dimensions]`, finite.
        chunks: rows `[n, dimensions]`, chunk after chunk, finite.
        count: at least 1.
        own: int `[m]`, the row that is each query itself and does not count; None where none is.

    Raises:
        ValueError: where there are fewer than `count` rows that count.
    """
    origin = queries.mean(axis=0, dtype=np.float64)
    best = np.full((len(queries), count), np.inf)
    places = np.full((len(queries), count), -1)
    start = 0
    for chunk in chunks:
        for some in blocks(len(chunk)):
            rows, numbers = chunk[some], start + np.arange(some.start, some.stop)
            for these in blocks(len(queries)):
                squared = _squared(queries[these], rows, origin)
                if own is not None:
                    squared[own[these, None] == numbers] = np.inf
                nearer = _smallest(squared, numbers, best[these], places[these])
                best[these], places[these] = nearer
        start += len(chunk)
    if not np.isfinite(best).all():
        raise ValueError(f"{start} rows: expected at least {count} besides each query itself.")
    return Neighbours(np.sqrt(best), places)


def _squared(queries: np.ndarray, rows: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Squared distances `[m, n]`, 0 where they are no more than rounding."""
    squared = squared_distances(queries, rows, origin)
    norms = squared_norms(queries - origin)[:, None] + squared_norms(rows - origin)
    squared[squared < ROUNDING * norms] = 0.0
    return squared


def _smallest(
    squared: np.ndarray, numbers: np.ndarray, best: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The smallest of new values `[m, n]` of the rows `numbers` and of the best so far, in order, with their rows."""
    count = best.shape[1]
    values = np.concatenate([best, squared], axis=1)
    if count == 1:  # much faster than a partition
        first = values.argmin(axis=1)[:, None]
    else:
        first = np.argpartition(values, count - 1, axis=1)[:, :count]
        first = np.take_along_axis(first, np.argsort(np.take_along_axis(values, first, 1), axis=1, kind="stable"), 1)
    is_old = first < count
    old = np.take_along_axis(places, np.where(is_old, first, 0), 1)
    return np.take_along_axis(values, first, 1), np.where(is_old, old, numbers[np.maximum(first - count, 0)])
