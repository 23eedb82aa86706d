"""The maximum mean discrepancy of features under Gaussian kernels, and the p-value of its permutation test.

Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13:723-773: the unbiased estimate of lemma 6, and the
permutation test with the median width of section 8. Several widths are summed (Li et al. 2017, arXiv:1705.08584).

With `sigma=median` there are two widths. That of `mmd` is the median distance of real examples, so that the numbers of
all generators are of one kernel and can be compared. That of the test is the median distance of all examples of both
sides: a permutation test keeps its level only where nothing in it knows which side an example is from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import FEATURES, Comparison, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, limit_notes, read_features
from gan_cli.metrics.kernel_functions import gaussians_of
from gan_cli.metrics.pairwise_distances import squared_distances
from gan_cli.metrics.random_streams import generator
from gan_cli.statistics import jackknife_error, proportion_error

MEDIAN = "median"
MIN_SAMPLES = 3
"""Examples of each side, so that the unbiased estimate still has two when one is removed."""
PERMUTATIONS_AT_ONCE = 100
"""Permutations in one matrix product."""
TIE = 1e-9
"""Relative difference of two squared MMDs below which they count as equal: divisions that are mirror images of each
other give the same number up to rounding."""


@dataclass(frozen=True, eq=False)
class PooledKernel:
    """A kernel between all examples of both sides, and the unbiased squared MMD of any division into two sides.

    Attributes:
        kernel: float64 `[n + m, n + m]`, symmetric, with a diagonal of 0, since no example is paired with itself.
        n, m: number of examples of the first and the second side; the first n rows are the first side's.
        rows: float64 `[n + m]`, the sum of each row.
    """

    kernel: np.ndarray
    n: int
    m: int
    rows: np.ndarray

    def mmd_squared(self) -> float:
        """Returns the unbiased squared MMD of the two sides."""
        return float(self.of_divisions(np.arange(self.n + self.m)[:, None] < self.n)[0])

    def of_divisions(self, is_first: np.ndarray) -> np.ndarray:
        """Returns the squared MMD `[k]` of k divisions: bool `[n + m, k]`, whether an example is of the first side."""
        chosen = is_first.astype(np.float64)
        within_first = np.einsum("ij,ij->j", chosen, self.kernel @ chosen)
        between = self.rows @ chosen - within_first
        return self._estimate(within_first, self.rows.sum() - within_first - 2 * between, between, self.n, self.m)

    def without_each(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the squared MMD without each example of the first side `[n]`, and of the second `[m]`."""
        n = self.n
        to_first = self.kernel[:, :n].sum(axis=1)
        to_second = self.rows - to_first
        first, second, between = to_first[:n].sum(), to_second[n:].sum(), to_second[:n].sum()
        return (
            self._estimate(first - 2 * to_first[:n], second, between - to_second[:n], n - 1, self.m),
            self._estimate(first, second - 2 * to_second[n:], between - to_first[n:], n, self.m - 1),
        )

    @staticmethod
    def _estimate(first: Any, second: Any, between: Any, n: int, m: int) -> np.ndarray:
        """Returns the estimate from the sums of the kernel without its diagonal."""
        return np.asarray(first / (n * (n - 1)) + second / (m * (m - 1)) - 2 * between / (n * m))


def pooled_gaussian_kernel(squared: np.ndarray, first: int, sigmas: Sequence[float]) -> PooledKernel:
    """Computes the sum of Gaussian kernels of several widths.

    Args:
        squared: squared distances `[n + m, n + m]` of all examples; kept as they are.
        first: n, the number of examples of the first side.
        sigmas: the widths.
    """
    kernel = gaussians_of(squared, sigmas)
    np.fill_diagonal(kernel, 0.0)
    return PooledKernel(kernel, first, len(kernel) - first, kernel.sum(axis=1))


def permutation_p_value(pooled: PooledKernel, permutations: int, seed: int) -> float:
    """Returns the share of random divisions into two sides whose squared MMD is at least that of the real division.

    The real division counts as one of them, so that the test keeps its level exactly: at least 1 / (1 + permutations).
    """
    random = generator(seed, "divisions into two sides")
    observed, reached = pooled.mmd_squared(), 0
    threshold = observed - TIE * float(pooled.kernel.mean())
    for start in range(0, permutations, PERMUTATIONS_AT_ONCE):
        columns = min(PERMUTATIONS_AT_ONCE, permutations - start)
        order = random.random_sample((pooled.n + pooled.m, columns)).argsort(axis=0)  # a permutation each
        reached += int(np.count_nonzero(pooled.of_divisions(order < pooled.n) >= threshold))
    return (1 + reached) / (1 + permutations)


def median_distance(squared: np.ndarray) -> float:
    """Returns the median distance of two different examples; pairs of equal examples do not count.

    Args:
        squared: squared distances `[n, n]` of n examples.

    Returns:
        1 where all examples are equal.
    """
    pairs = squared[np.triu_indices(len(squared), 1)]
    apart = pairs[pairs > 0]
    return float(np.sqrt(np.median(apart))) if len(apart) else 1.0


@dataclass(frozen=True)
class MaximumMeanDiscrepancy(Metric):
    """`metric=mmd`. configs/metric/mmd.yaml explains each key.

    Raises:
        ConfigError: where a number is outside its range, or `sigma` is neither a number, nor several, nor `median`.
    """

    sigma: Any = MEDIAN
    permutations: int = 200
    max_samples: int = 2000

    values: ClassVar[Mapping[str, str]] = {"mmd": "lower", "mmd_p_value": ""}
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})

    def __post_init__(self) -> None:
        if self.sigma != MEDIAN:
            sigmas = self.sigma if isinstance(self.sigma, list | tuple) else [self.sigma]
            if not sigmas or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in sigmas):
                raise ConfigError("sigma", "expected a number, several such as [1,2,4], or median", self.sigma)
            for one in sigmas:
                check_number("sigma", float(one), above=0)
        check_number("permutations", self.permutations, at_least=1)
        check_number("max_samples", self.max_samples, at_least=MIN_SAMPLES)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("mmd", real, fake, minimum=MIN_SAMPLES)

    def __call__(self, comparison: Comparison) -> Result:
        real = read_features(comparison.real, REAL, self.max_samples)
        fake = read_features(comparison.fake, FAKE, self.max_samples)
        both, reals = np.concatenate([real, fake]), len(real)
        squared = squared_distances(both, both, both.mean(axis=0, dtype=np.float64))
        pooled = pooled_gaussian_kernel(squared, reals, self.widths(squared[:reals, :reals]))
        distance, error = pooled.mmd_squared(), jackknife_error(*pooled.without_each())
        if self.sigma == MEDIAN:
            pooled = pooled_gaussian_kernel(squared, reals, self.widths(squared))
        p_value = permutation_p_value(pooled, self.permutations, comparison.seed)
        monte_carlo = f"Monte Carlo error of {self.permutations:,} permutations; small for different distributions"
        values = {
            "mmd": MetricValue(distance, error, "jackknife over the examples of both sides"),
            "mmd_p_value": MetricValue(
                p_value, proportion_error(p_value * (1 + self.permutations), 1 + self.permutations), monte_carlo
            ),
        }
        return Result(values, limit_notes(comparison, self.max_samples))

    def widths(self, squared: np.ndarray) -> Sequence[float]:
        """Returns every σ; the median is that of examples with the squared distances `[n, n]`."""
        if self.sigma == MEDIAN:
            return [median_distance(squared)]
        return self.sigma if isinstance(self.sigma, list | tuple) else [self.sigma]
