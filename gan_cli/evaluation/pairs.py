"""Judging without a threshold: in how many pairs of a generated and a real example is the generated one judged higher?

Outputs of discriminators trained by different losses, and of one discriminator at different steps, lie on different
scales: in a run on the digits the share of real examples with a logit above 0 was 0.40 at step 300 and 0.96 at step
400, while 0.95 and 0.96 of the pairs were judged rightly (measured 2026-11-20). The share of pairs does not depend on
the scale. It is the Mann-Whitney statistic, the area under the ROC curve (Hanley & McNeil 1982), 1/2 where the outputs
can't be told apart. What one example adds to it, its placement, gives standard errors, and covariances of shares that
have examples in common (DeLong, DeLong & Clarke-Pearson 1988).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

Z95 = 1.959963984540054
"""Standard deviations to either side of the mean that hold 95 % of a normal distribution."""


class Placements(NamedTuple):
    """What each example wins.

    Attributes:
        above: float64 `[n]`, for each first example the share of the second ones below it, ties counting half.
        below: float64 `[m]`, for each second example the share of the first ones above it, ties counting half.
    """

    above: np.ndarray
    below: np.ndarray

    @property
    def share(self) -> float:
        """Share of all pairs in which the first example is higher; the mean of either array."""
        return float(self.above.mean())

    @property
    def standard_error(self) -> float:
        """Of the share, over draws of both kinds of examples; 0 with a single one of either."""
        return math.sqrt(variance_of_mean(self.above) + variance_of_mean(self.below))


def placements(first: np.ndarray, second: np.ndarray) -> Placements:
    """Compares each of `first`, `[n]`, with each of `second`, `[m]`, in O((n + m) log(n + m)).

    Raises:
        ValueError: where either is empty or holds a NaN.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if len(first) == 0 or len(second) == 0:
        raise ValueError(f"{len(first)} and {len(second)} outputs: expected at least one of each.")
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("Outputs hold a NaN, which is neither higher nor lower than another.")
    return Placements(_share_below(first, second), 1 - _share_below(second, first))


def wilson(share: float, count: int) -> tuple[float, float]:
    """Bounds of the 95 % interval of a share of `count` independent examples: Wilson 1927.

    Unlike the normal approximation it stays within [0, 1] and has a width at 0 and 1.
    """
    squared = Z95**2 / count
    middle = (share + squared / 2) / (1 + squared)
    half = Z95 / (1 + squared) * math.sqrt(share * (1 - share) / count + squared / (4 * count))
    low = 0.0 if share == 0 else max(0.0, middle - half)  # exactly, where rounding would leave 1e-17
    return low, 1.0 if share == 1 else min(1.0, middle + half)


def variance_of_mean(values: np.ndarray) -> float:
    """Estimated variance of the mean of independent values `[n]`; 0 for a single one."""
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.0


def _share_below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each of the values, the share of the others below it, ties counting half."""
    ordered = np.sort(others)
    counts = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return counts / (2 * len(others))
