"""Standard errors and confidence intervals of proportions, means and pairwise comparisons, as pure functions.

- Proportions: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22:209-212.
- Pairs: Mann & Whitney 1947, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
  Other", with the standard errors of DeLong, DeLong & Clarke-Pearson 1988, "Comparing the Areas under Two or More
  Correlated Receiver Operating Characteristic Curves: A Nonparametric Approach", Biometrics 44:837-845.
- Statistics that are no mean: the jackknife, Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans",
  chapter 3. Its variance is too large rather than too small on average (Efron & Stein 1981, "The Jackknife Estimate of
  Variance", Annals of Statistics 9:586-596).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

Z95 = 1.959963984540054
"""Standard deviations to either side of the mean that hold 95 % of a normal distribution."""


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """Returns the bounds of the 95 % confidence interval of the proportion `hits / trials`.

    The bounds are the proportions p whose distance from it is `Z95` of their own standard errors
    sqrt(p (1 - p) / trials). Unlike the normal approximation they stay within [0, 1], and the interval has a width at
    0 and 1. Without hits the lower bound is exactly 0, with hits alone the upper bound is exactly 1.

    Args:
        hits: from 0 to `trials`; an undecided trial counts half.
        trials: number of independent trials, at least 1; a fraction where it is an effective number.

    Raises:
        ValueError: for hits outside that range, or no trials.
    """
    if trials < 1 or not 0 <= hits <= trials:
        raise ValueError(f"{hits} hits in {trials} trials: expected 0 to {trials} hits in at least one trial.")
    share, weight = hits / trials, Z95**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    low = 0.0 if hits == 0 else max(0.0, middle - half)  # exactly, where rounding would leave 1e-17
    return low, 1.0 if hits == trials else min(1.0, middle + half)


def proportion_error(hits: float, trials: int) -> float:
    """Returns the standard error of the proportion `hits / trials` of independent trials; 0 for no hits and for all."""
    share = hits / trials
    return math.sqrt(share * (1 - share) / trials)


def proportion_interval(share: float, standard_error: float, trials: int) -> tuple[float, float]:
    """Returns the bounds of the 95 % confidence interval of a proportion whose trials depend on each other.

    It is Wilson's interval for the effective number of trials, share (1 - share) / standard_error², as for surveys in
    clusters (Korn & Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data", Survey Methodology 24:193-201).

    Args:
        share: the proportion, 0 to 1.
        standard_error: its standard error, at least 0.
        trials: their number, at least 1, which bounds the effective number from above.
    """
    variance = share * (1 - share)
    effective = min(trials, variance / standard_error**2) if standard_error > 0 and variance > 0 else trials
    effective = max(1.0, effective)
    return wilson(share * effective, effective)


def variance_of_mean(values: np.ndarray) -> float:
    """Returns the estimated variance of the mean of independent values `[n]`; 0 for a single value."""
    return float(np.var(values, ddof=1, dtype=np.float64) / len(values)) if len(values) > 1 else 0.0


def standard_error_of_mean(values: np.ndarray) -> float:
    """Returns the standard error of the mean of independent values `[n]`; 0 for a single value."""
    return math.sqrt(variance_of_mean(values))


def jackknife_error(*replicates: np.ndarray) -> float:
    """Returns the standard error of a statistic of one or several independent samples.

    A bias that depends on the number of examples alone is the same in all replicates and does not count.

    Args:
        replicates: for each sample, the statistic `[n]` without each of n examples, or groups of examples, in turn.
    """
    variances = [(len(each) - 1) / len(each) * np.square(each - each.mean()).sum() for each in replicates]
    return float(np.sqrt(np.sum(variances)))


class Placements(NamedTuple):
    """The comparisons of each number of two samples with all numbers of the other sample.

    Attributes:
        above: float64 `[n]`, for each first number the share of the second ones below it, ties counting half.
        below: float64 `[m]`, for each second number the share of the first ones above it, ties counting half.
    """

    above: np.ndarray
    below: np.ndarray

    @property
    def share(self) -> float:
        """The share of pairs in which the first number is higher, the mean of either array: Mann & Whitney's U / (n m),
        the area under the ROC curve. It is 1/2 for two samples of one distribution."""
        return float(self.above.mean())

    @property
    def standard_error(self) -> float:
        """The standard error of the share over draws of both samples (DeLong et al.); a sample of one number adds 0."""
        return math.sqrt(variance_of_mean(self.above) + variance_of_mean(self.below))


def placements(first: np.ndarray, second: np.ndarray) -> Placements:
    """Compares each of `first`, `[n]`, with each of `second`, `[m]`, in O((n + m) log(n + m)).

    Raises:
        ValueError: for an empty array, or one with a NaN.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if len(first) == 0 or len(second) == 0:
        raise ValueError(f"{len(first)} and {len(second)} numbers: expected at least one of each.")
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("A number is NaN: expected numbers that can be compared.")
    return Placements(_share_below(first, second), 1 - _share_below(second, first))


def _share_below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns for each of the values the share of the others below it, ties counting half."""
    ordered = np.sort(others)
    counts = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return counts / (2 * len(others))
