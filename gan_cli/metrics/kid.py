"""The kernel inception distance: the unbiased squared MMD of features under a cubic polynomial kernel.

Binkowski et al. 2018, "Demystifying MMD GANs", arXiv:1801.01401, section 4: k(x, y) = (x·y / dimensions + 1)³, the
mean over random subsets of both sides. Unlike FID it has no bias from the number of examples; it may be slightly below
0. The deviation over subsets, which papers print beside it, is `kid_std`. It is that of a single subset, and larger
than the standard error of the mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.metrics import FEATURES, Comparison, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, limit_notes, read_features
from gan_cli.metrics.kernel_functions import polynomial_kernel, unbiased_mmd_squared
from gan_cli.metrics.random_streams import generator
from gan_cli.statistics import variance_of_mean

SMALLEST_SUBSET = 2
"""The unbiased estimate needs two examples of each side."""


class SubsetDistances(NamedTuple):
    """The unbiased squared MMD of random subsets, and the contribution of each example.

    Attributes:
        distances: float64 `[subsets]`.
        real, fake: float64, for each example that any subset holds: its mean kernel with the others of its side minus
            that with the other side. The squared MMD is the sum of both means, and half of its derivative by each
            example's weight.
    """

    distances: np.ndarray
    real: np.ndarray
    fake: np.ndarray


def subset_distances(
    real: np.ndarray, fake: np.ndarray, subsets: Iterable[tuple[np.ndarray, np.ndarray]]
) -> SubsetDistances:
    """Computes the squared MMD of each subset.

    Args:
        real, fake: features `[n, dimensions]` and `[m, dimensions]`.
        subsets: for each subset the rows of `real` and those of `fake`.
    """
    distances = []
    sums, counts = [np.zeros(len(real)), np.zeros(len(fake))], [np.zeros(len(real)), np.zeros(len(fake))]
    for places in subsets:
        rows = [np.asarray(side[place], np.float64) for side, place in zip((real, fake), places, strict=True)]
        within = [polynomial_kernel(side, side) for side in rows]
        between = polynomial_kernel(rows[0], rows[1])
        distances.append(unbiased_mmd_squared(within[0], within[1], between))
        for side, (kernel, other) in enumerate(zip(within, (between, between.T), strict=True)):
            others = (kernel.sum(axis=1) - np.diagonal(kernel)) / (len(kernel) - 1)
            sums[side][places[side]] += others - other.mean(axis=1)
            counts[side][places[side]] += 1
    contributions = [total[count > 0] / count[count > 0] for total, count in zip(sums, counts, strict=True)]
    return SubsetDistances(np.array(distances), *contributions)


def standard_error(found: SubsetDistances, reals: int, fakes: int) -> float:
    """Returns the standard error of the mean distance over draws of `reals` and `fakes` examples, and of the subsets.

    It is the linearised one of a U-statistic (Hoeffding 1948, "A Class of Statistics with Asymptotically Normal
    Distribution", section 5) with the variance over the subsets of the same examples added.
    """
    variance = 4 * found.real.var(ddof=1) / reals + 4 * found.fake.var(ddof=1) / fakes
    return math.sqrt(variance + variance_of_mean(found.distances))


def draw_subsets(real: int, fake: int, subsets: int, size: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields for each subset the indices of `size` different rows of `real` and as many of `fake`."""
    random = generator(seed, "subsets of both sides")
    for _ in range(subsets):
        yield random.choice(real, size, replace=False), random.choice(fake, size, replace=False)


@dataclass(frozen=True)
class KernelDistance(Metric):
    """`metric=kid`. configs/metric/kid.yaml explains each key.

    Raises:
        ConfigError: where a number is outside its range.
    """

    subsets: int = 100
    subset_size: int = 1000
    max_samples: int = 10_000

    values: ClassVar[Mapping[str, str]] = {"kid": "lower", "kid_std": ""}
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})

    def __post_init__(self) -> None:
        check_number("subsets", self.subsets, at_least=2)
        check_number("subset_size", self.subset_size, at_least=SMALLEST_SUBSET)
        check_number("max_samples", self.max_samples, at_least=2 * SMALLEST_SUBSET)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("kid", real, fake, minimum=2 * SMALLEST_SUBSET)

    def __call__(self, comparison: Comparison) -> Result:
        real = read_features(comparison.real, REAL, self.max_samples)
        fake = read_features(comparison.fake, FAKE, self.max_samples)
        size = min(self.subset_size, min(len(real), len(fake)) // 2)
        subsets = draw_subsets(len(real), len(fake), self.subsets, size, comparison.seed)
        found = subset_distances(real, fake, subsets)
        method = f"standard error over {len(real):,} real and {len(fake):,} generated examples and the subsets"
        notes = limit_notes(comparison, self.max_samples)
        if size < self.subset_size:
            notes += (
                f"Subsets of {size:,} instead of {self.subset_size:,} examples, half of the smaller side: kid_std is "
                "that of such subsets.",
            )
        values = {
            "kid": MetricValue(float(found.distances.mean()), standard_error(found, len(real), len(fake)), method),
            "kid_std": MetricValue(float(found.distances.std())),
        }
        return Result(values, notes)
