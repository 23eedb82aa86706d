"""The maximum mean discrepancy of features under Gaussian kernels, and whether it could be chance.

Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13:723-773: the unbiased estimate of lemma 6, and the
permutation test with the median width of section 8. Several widths are summed (Li et al. 2017, arXiv:1705.08584).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import FEATURES, Comparison, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, features_of, notes_of_bound
from gan_cli.metrics.kernel_functions import gaussians_of
from gan_cli.metrics.pairwise_distances import squared_distances
from gan_cli.metrics.random_generators import generator
from gan_cli.statistics import jackknife_error

MEDIAN = "median"
LEAST = 3
"""Examples of each side, so that one can be left out and the unbiased estimate still has two."""
AT_ONCE = 100
"""Permutations in one matrix product."""


@dataclass(frozen=True, eq=False)
class PooledKernel:
    """A kernel between all examples of both sides, and the unbiased MMD² of divisions of them into two sides.

    Attributes:
        kernel: float64 `[n + m, n + m]`, symmetric, with a diagonal of 0, since no example is paired with itself.
        n, m: how many examples the first and the second side have; the first n rows are the first side's.
        rows: float64 `[n + m]`, the sum of each row.
    """

    kernel: np.ndarray
    n: int
    m: int
    rows: np.ndarray

    def mmd_squared(self) -> float:
        """The unbiased MMD² of the two sides as they are."""
        return float(self.of_members(np.arange(self.n + self.m)[:, None] < self.n)[0])

    def of_members(self, members: np.ndarray) -> np.ndarray:
        """The unbiased MMD² `[k]`, where `members`, bool `[n + m, k]`, says who belongs to the first side."""
        chosen = members.astype(np.float64)
        within_first = np.einsum("ij,ij->j", chosen, self.kernel @ chosen)
        between = self.rows @ chosen - within_first
        return self._estimate(within_first, self.rows.sum() - within_first - 2 * between, between, self.n, self.m)

    def without_each(self) -> tuple[np.ndarray, np.ndarray]:
        """MMD² without each example of the first side in turn `[n]`, and of the second `[m]`; both at least 3."""
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
        """From the sums of the kernel without its diagonal."""
        return np.asarray(first / (n * (n - 1)) + second / (m * (m - 1)) - 2 * between / (n * m))


def pooled_gaussian_kernel(
    first: np.ndarray, second: np.ndarray, sigmas: Sequence[float], origin: np.ndarray | float = 0.0
) -> PooledKernel:
    """The sum of Gaussian kernels of several widths over two samples `[n, dimensions]` and `[m, dimensions]`.

    `origin` is a point in their middle, for the sake of digits.
    """
    both = np.concatenate([first, second])
    kernel = gaussians_of(squared_distances(both, both, origin), sigmas)
    np.fill_diagonal(kernel, 0.0)
    return PooledKernel(kernel, len(first), len(second), kernel.sum(axis=1))


def permutation_p_value(pooled: PooledKernel, permutations: int, seed: int) -> float:
    """The share of random divisions of all examples into two sides whose MMD² is at least that of the real division.

    That division is counted as one of them, so that the test holds its level exactly: at least 1 / (1 + permutations).
    """
    random = generator(seed, "divisions into two sides")
    observed, reached = pooled.mmd_squared(), 0
    for start in range(0, permutations, AT_ONCE):
        columns = min(AT_ONCE, permutations - start)
        order = random.random_sample((pooled.n + pooled.m, columns)).argsort(axis=0)  # a permutation each
        reached += int(np.count_nonzero(pooled.of_members(order < pooled.n) >= observed))
    return (1 + reached) / (1 + permutations)


def median_distance(rows: np.ndarray, origin: np.ndarray | float = 0.0) -> float:
    """Median Euclidean distance between two different rows of `[n, dimensions]`; pairs of equal rows do not count.

    1 where all rows are equal. `origin` is a point in their middle, for the sake of digits.
    """
    squared = squared_distances(rows, rows, origin)[np.triu_indices(len(rows), 1)]
    apart = squared[squared > 0]
    return float(np.sqrt(np.median(apart))) if len(apart) else 1.0


@dataclass(frozen=True)
class MaximumMeanDiscrepancy:
    """`metric=mmd`. configs/metric/mmd.yaml explains each key.

    Raises:
        ConfigError: where a number is outside its range, or `sigma` is neither a number, nor several, nor `median`.
    """

    sigma: Any = MEDIAN
    permutations: int = 200
    most: int = 2000

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
        check_number("most", self.most, at_least=LEAST)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("mmd", real, fake, least=LEAST)

    def __call__(self, comparison: Comparison) -> Result:
        real = features_of(comparison.real, REAL, self.most)
        fake = features_of(comparison.fake, FAKE, self.most)
        origin = real.mean(axis=0, dtype=np.float64)
        pooled = pooled_gaussian_kernel(real, fake, self.widths(comparison, real, origin), origin)
        without_real, without_fake = pooled.without_each()
        error = math.hypot(jackknife_error(without_real), jackknife_error(without_fake))
        chance = permutation_p_value(pooled, self.permutations, comparison.seed)
        return Result(
            {
                "mmd": MetricValue(pooled.mmd_squared(), error, "jackknife over the examples of both sides"),
                "mmd_p_value": MetricValue(
                    chance,
                    math.sqrt(chance * (1 - chance) / (1 + self.permutations)),
                    f"{self.permutations:,} permutations; small where both sides can be told apart",
                ),
            },
            notes_of_bound(comparison, self.most),
        )

    def widths(self, comparison: Comparison, real: np.ndarray, origin: np.ndarray) -> Sequence[float]:
        """Every σ. The median is that of the real features, so that all that are compared to them share it."""
        if self.sigma == MEDIAN:
            name = f"median distance between {self.most}"
            return [comparison.real.once(name, lambda: median_distance(real, origin))]
        return self.sigma if isinstance(self.sigma, list | tuple) else [self.sigma]
