"""Shares, means and pairs with what is known of their errors: pure functions of numbers and arrays.

- Shares: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22:209-212.
- Pairs: Mann & Whitney 1947, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
  Other", with the standard errors of DeLong, DeLong & Clarke-Pearson 1988, "Comparing the Areas under Two or More
  Correlated Receiver Operating Characteristic Curves: A Nonparametric Approach", Biometrics 44:837-845.
- What is no mean: the jackknife, Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans", chapter 3.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

Z95 = 1.959963984540054
"""Standard deviations to either side of the mean that hold 95 % of a normal distribution."""


def wilson(hits: float, trials: int) -> tuple[float, float]:
    """Bounds of the 95 % interval of the share `hits / trials` of independent trials.

    They are the shares p whose distance from it is `Z95` of their own standard errors sqrt(p (1 - p) / trials). Unlike
    the normal approximation they stay within [0, 1] and apart at 0 and 1: no hits give exactly 0 for the lower one,
    hits alone exactly 1 for the upper one.

    Args:
        hits: from 0 to `trials`; a trial that is undecided counts half.
        trials: at least 1.

    Raises:
        ValueError: for hits outside that range, or no trials.
    """
    if trials < 1 or not 0 <= hits <= trials:
        raise ValueError(f"{hits} hits of {trials} trials: expected from none to all of at least one.")
    share, weight = hits / trials, Z95**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    low = 0.0 if hits == 0 else max(0.0, middle - half)  # exactly, where rounding would leave 1e-17
    return low, 1.0 if hits == trials else min(1.0, middle + half)


def error_of_share(hits: float, trials: int) -> float:
    """Standard error of the share `hits / trials` of independent trials, at least one; 0 for none and for all."""
    share = hits / trials
    return math.sqrt(share * (1 - share) / trials)


def variance_of_mean(values: np.ndarray) -> float:
    """Estimated variance of the mean of independent values `[n]`; 0 for a single one."""
    return float(np.var(values, ddof=1, dtype=np.float64) / len(values)) if len(values) > 1 else 0.0


def error_of_mean(values: np.ndarray) -> float:
    """Standard error of the mean of independent values `[n]`; 0 for a single one."""
    return math.sqrt(variance_of_mean(values))


def jackknife_error(skipped: np.ndarray) -> float:
    """Standard error of a number, from what it is `[n]` when each of n examples, or groups of them, is left out.

    A bias that depends on the number of examples alone is in each of them alike and does not count.
    """
    count = len(skipped)
    return float(np.sqrt((count - 1) / count * np.square(skipped - skipped.mean()).sum()))


class Placements(NamedTuple):
    """What each of two kinds of numbers wins against all of the other kind.

    Attributes:
        above: float64 `[n]`, for each first number the share of the second ones below it, ties counting half.
        below: float64 `[m]`, for each second number the share of the first ones above it, ties counting half.
    """

    above: np.ndarray
    below: np.ndarray

    @property
    def share(self) -> float:
        """Share of all pairs in which the first number is higher: Mann & Whitney's U over n m, the area under the ROC
        curve; 1/2 where both kinds are alike. It is the mean of either array."""
        return float(self.above.mean())

    @property
    def standard_error(self) -> float:
        """Of the share, over draws of both kinds (DeLong et al.); what a kind of a single number adds counts as 0."""
        return math.sqrt(variance_of_mean(self.above) + variance_of_mean(self.below))


def placements(first: np.ndarray, second: np.ndarray) -> Placements:
    """Compares each of `first`, `[n]`, with each of `second`, `[m]`, in O((n + m) log(n + m)).

    Raises:
        ValueError: where either is empty or holds a NaN.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if len(first) == 0 or len(second) == 0:
        raise ValueError(f"{len(first)} and {len(second)} numbers: expected at least one of each.")
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("Some number is NaN, which is neither higher nor lower than another.")
    return Placements(_share_below(first, second), 1 - _share_below(second, first))


def _share_below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each of the values, the share of the others below it, ties counting half."""
    ordered = np.sort(others)
    counts = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return counts / (2 * len(others))
