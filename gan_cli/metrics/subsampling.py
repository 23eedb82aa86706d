"""Standard errors of nearest-neighbour statistics of two samples, by subsampling both sides.

Such statistics are neither means nor smooth: examples depend on each other through their neighbours, and drawing with
replacement (the bootstrap) would give an example its own copy as neighbour. Subsampling without replacement is
consistent: Shao & Wu 1989, "A General Theory for Jackknife Variance Estimation", Annals of Statistics 17:1176-1197
(delete-d jackknife with many examples deleted); Politis & Romano 1994, "Large Sample Confidence Regions Based on
Subsamples under Minimal Assumptions", Annals of Statistics 22:2031-2050.

In simulations with 60 to 150 Gaussian examples a side, k = 5, the errors of precision, recall, density and coverage
were 1.0 to 1.6 times the true ones, those of the nearest-neighbour accuracies 1.3 to 1.5 times. The jackknife that
removes single examples gave up to 2.7 times.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gan_cli.metrics.random_streams import generator

SUBSAMPLES = 40
"""The error of 40 subsamples varies by 11 %."""
SMALL_SUBSAMPLE = 250
"""Examples of the smaller side up to which a subsample has half of them. Above 2,000 examples it has an eighth, so that
all subsamples together have fewer pairs than the whole."""


def subsample_sizes(first: int, second: int) -> tuple[int, int]:
    """Returns the size of the subsamples of two samples of these sizes: the same share of both."""
    smaller = min(first, second)
    share = max(smaller // 8, min(smaller // 2, SMALL_SUBSAMPLE)) / smaller
    return round(first * share), round(second * share)


def subsampling_errors(
    statistics: Callable[[np.ndarray, np.ndarray], np.ndarray],
    first: np.ndarray,
    second: np.ndarray,
    minimum: int,
    seed: int,
) -> np.ndarray | None:
    """Computes the standard errors of statistics of two samples over draws of both.

    Args:
        statistics: from two arrays of rows to numbers `[k]`.
        first, second: rows `[n, dimensions]` and `[m, dimensions]`.
        minimum: rows of each side that `statistics` needs.
        seed: seed of the subsamples.

    Returns:
        float64 `[k]`; None where a subsample would have fewer than `minimum` rows.
    """
    sizes = subsample_sizes(len(first), len(second))
    if min(sizes) < minimum:
        return None
    random = generator(seed, "subsamples of both sides")
    found = []
    for _ in range(SUBSAMPLES):
        parts = [
            rows[random.choice(len(rows), size, replace=False)]
            for rows, size in zip((first, second), sizes, strict=True)
        ]
        found.append(statistics(*parts))
    share = min(sizes) / min(len(first), len(second))
    variances = np.var(found, axis=0, ddof=1) * share / (1 - share)
    return np.asarray(np.sqrt(variances), np.float64)
