"""The kernel inception distance: the unbiased squared MMD of features under a cubic polynomial kernel.

Binkowski et al. 2018, "Demystifying MMD GANs", arXiv:1801.01401, section 4: k(x, y) = (x·y / dimensions + 1)³, the
mean over random subsets of both sides, and the deviation over them. Unlike FID it has no bias from the number of
examples; it may come out slightly below 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.metrics import FEATURES, Comparison, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, features_of, notes_of_bound
from gan_cli.metrics.kernel_functions import mmd_squared, polynomial_kernel
from gan_cli.metrics.random_generators import generator

SMALLEST_SUBSET = 2
"""The unbiased estimate needs two examples of each side."""


def kernel_distances(
    real: np.ndarray, fake: np.ndarray, subsets: Iterable[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """The unbiased squared MMD of each subset, float64 `[subsets]`.

    Args:
        real, fake: features `[n, dimensions]` and `[m, dimensions]`.
        subsets: of each subset the rows of `real` and those of `fake`.
    """
    return np.array([mmd_squared(real[of_real], fake[of_fake], polynomial_kernel) for of_real, of_fake in subsets])


def draw_subsets(real: int, fake: int, subsets: int, size: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each subset `size` different rows of `real` and as many of `fake`."""
    random = generator(seed, "subsets of both sides")
    for _ in range(subsets):
        yield random.choice(real, size, replace=False), random.choice(fake, size, replace=False)


@dataclass(frozen=True)
class KernelDistance:
    """`metric=kid`. configs/metric/kid.yaml explains each key.

    Raises:
        ConfigError: where a number is outside its range.
    """

    subsets: int = 100
    subset_size: int = 1000
    most: int = 10_000

    values: ClassVar[Mapping[str, str]] = {"kid": "lower"}
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})

    def __post_init__(self) -> None:
        check_number("subsets", self.subsets, at_least=2)
        check_number("subset_size", self.subset_size, at_least=SMALLEST_SUBSET)
        check_number("most", self.most, at_least=2 * SMALLEST_SUBSET)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("kid", real, fake, least=2 * SMALLEST_SUBSET)

    def __call__(self, comparison: Comparison) -> Result:
        real = features_of(comparison.real, REAL, self.most)
        fake = features_of(comparison.fake, FAKE, self.most)
        size = min(self.subset_size, min(len(real), len(fake)) // 2)
        drawn = draw_subsets(len(real), len(fake), self.subsets, size, comparison.seed)
        distances = kernel_distances(real, fake, drawn)
        by = f"deviation over {self.subsets:,} subsets of {size:,}"
        notes = notes_of_bound(comparison, self.most)
        if size < self.subset_size:
            notes += (
                f"Subsets of {size:,} instead of {self.subset_size:,}: half of the smaller side, as larger ones "
                "would be too much alike to tell a deviation.",
            )
        return Result({"kid": MetricValue(float(distances.mean()), float(distances.std()), by)}, notes)
