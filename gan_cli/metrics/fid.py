"""The Fréchet inception distance: how far apart two Gaussians are that have the moments of the features.

Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
arXiv:1706.08500, equation 6; the distance is that of Dowson and Landau 1982:

    |m₁ - m₂|² + tr(S₁ + S₂ - 2 (S₁ S₂)^½)

The trace of the root of a product is taken from a symmetric matrix: where S₁ = L Lᵀ, the eigenvalues of S₁ S₂ that are
not 0 are those of Lᵀ S₂ L, which are real and at least 0. What rounding makes of eigenvalues that are 0 is left out:
those of S₁ by their size, those of Lᵀ S₂ L by number, since n rows give a covariance of rank n - 1 at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import FEATURES, Comparison, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, feature_chunks
from gan_cli.metrics.mean_and_covariance import Moments, merged, moments_of, moments_of_chunks, moments_of_groups
from gan_cli.statistics import jackknife_error

__all__ = ["FrechetDistance", "Moments", "frechet_distance", "moments_of"]

MOST_DIMENSIONS = 4096
"""A covariance of so many is 128 MiB, and about ten of that size are needed; time grows with the third power."""

MOST_GROUPS = 20
"""Each group has a covariance of its own in memory."""


def root_of_covariance(moments: Moments) -> np.ndarray:
    """L with L Lᵀ the covariance, float64 `[dimensions, rank]`, its columns orthogonal."""
    values, vectors = np.linalg.eigh(moments.covariance)
    above_rounding = values > moments.dimensions * np.finfo(np.float64).eps * values[-1]
    return vectors[:, above_rounding] * np.sqrt(values[above_rounding])


def frechet_distance(first: Moments, second: Moments, root: np.ndarray | None = None) -> float:
    """The squared Fréchet distance between two Gaussians, in squared units of the features; at least 0.

    Args:
        first, second: of at least two rows each and of the same dimensions.
        root: `root_of_covariance(first)`, where that is known already; it costs most of the time.
    """
    root = root_of_covariance(first) if root is None else root
    rank = min(root.shape[1], second.rank)
    product = root.T @ second.covariance @ root
    eigenvalues = np.linalg.eigvalsh((product + product.T) / 2)[root.shape[1] - rank :]
    trace_of_root = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    offset = first.mean - second.mean
    return max(float(offset @ offset + traces - 2 * trace_of_root), 0.0)


@dataclass(frozen=True)
class FrechetDistance:
    """`metric=fid`. configs/metric/fid.yaml explains each key.

    Raises:
        ConfigError: where `groups` is neither 0 nor from 2 to 20.
    """

    groups: int = 5

    values: ClassVar[Mapping[str, str]] = {"fid": "lower"}
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})
    most_dimensions: ClassVar[int] = MOST_DIMENSIONS

    def __post_init__(self) -> None:
        check_number("groups", self.groups, at_least=0, at_most=MOST_GROUPS)
        if self.groups == 1:
            raise ConfigError("groups", "expected 0, for no uncertainty, or at least 2 groups", self.groups)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("fid", real, fake, least=2)

    def __call__(self, comparison: Comparison) -> Result:
        real = comparison.real.once("moments", lambda: moments_of_chunks(feature_chunks(comparison.real, REAL)))
        root = comparison.real.once("root of the covariance", lambda: root_of_covariance(real))
        groups = self.groups if comparison.fake.count >= 2 * self.groups else 0
        parts = moments_of_groups(feature_chunks(comparison.fake, FAKE), groups or 1)
        distances = [frechet_distance(real, merged(parts), root)]
        for skipped in range(groups):
            comparison.teller.progress("uncertainty of fid", skipped, groups)
            rest = merged(part for group, part in enumerate(parts) if group != skipped)
            distances.append(frechet_distance(real, rest, root))
        error = jackknife_error(np.array(distances[1:])) if groups else None
        by = f"jackknife over {groups} groups of the generated examples" if groups else ""
        return Result({"fid": MetricValue(distances[0], error, by)}, _notes(real, comparison.fake.count))


def _notes(real: Moments, fakes: int) -> tuple[str, ...]:
    varying = int(np.count_nonzero(np.diag(real.scatter)))
    dull = (f"Only {varying:,} of {real.dimensions:,} features vary among the real examples: it is blind to much.",)
    return (dull if 2 * varying < real.dimensions else ()) + tuple(
        f"{count:,} {side} examples are too few for a covariance of {real.dimensions:,} dimensions: the distance comes "
        "out too large, and compares only with others of equally many examples."
        for side, count in ((REAL, real.count), (FAKE, fakes))
        if count <= real.dimensions
    )
