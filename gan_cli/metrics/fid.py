"""The Fréchet inception distance: the distance of two Gaussians that have the moments of the features.

Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
arXiv:1706.08500, equation 6; the distance is that of Dowson and Landau 1982:

    |m₁ - m₂|² + tr(S₁ + S₂ - 2 (S₁ S₂)^½)

The trace of the root of a product is computed from a symmetric matrix: where S₁ = L Lᵀ, the nonzero eigenvalues of
S₁ S₂ are those of Lᵀ S₂ L, which are real and at least 0. Eigenvalues that are 0 except for rounding are dropped: those
of S₁ by their size, those of Lᵀ S₂ L by number, since n rows give a covariance of rank n - 1 at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import FEATURES, Comparison, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, feature_chunks
from gan_cli.metrics.mean_and_covariance import Moments, merge_moments, moments_of_groups
from gan_cli.statistics import jackknife_error

MAX_DIMENSIONS = 4096
"""A covariance of 4,096 dimensions is 128 MiB, and each group has one; time grows with the third power."""

MAX_GROUPS = 20
"""Each group of either side has a covariance of its own in memory."""


def root_of_covariance(moments: Moments) -> np.ndarray:
    """Returns L with L Lᵀ the covariance, float64 `[dimensions, rank]`, its columns orthogonal."""
    values, vectors = np.linalg.eigh(moments.covariance)
    above_rounding = values > moments.dimensions * np.finfo(np.float64).eps * values[-1]
    return vectors[:, above_rounding] * np.sqrt(values[above_rounding])


def frechet_distance(first: Moments, second: Moments, root: np.ndarray | None = None) -> float:
    """Returns the squared Fréchet distance of two Gaussians, in squared units of the features; at least 0.

    Args:
        first, second: of at least two rows each and of the same dimensions.
        root: `root_of_covariance(first)`, where it is known already; it takes most of the time.
    """
    root = root_of_covariance(first) if root is None else root
    rank = min(root.shape[1], second.rank)
    product = root.T @ second.covariance @ root
    eigenvalues = np.linalg.eigvalsh((product + product.T) / 2)[root.shape[1] - rank :]
    trace_of_root = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    offset = first.mean - second.mean
    return max(float(offset @ offset + traces - 2 * trace_of_root), 0.0)


def leave_one_group_out(moments: Moments, groups: Sequence[Moments], root: np.ndarray | None = None) -> np.ndarray:
    """Returns the distances float64 `[groups]` of `moments` from `groups` without each group in turn."""
    root = root_of_covariance(moments) if root is None else root
    others = ([*groups[:index], *groups[index + 1 :]] for index in range(len(groups)))
    return np.array([frechet_distance(moments, merge_moments(parts), root) for parts in others])


@dataclass(frozen=True)
class FrechetDistance(Metric):
    """`metric=fid`. configs/metric/fid.yaml explains each key.

    Raises:
        ConfigError: where `groups` is neither 0 nor from 2 to 20.
    """

    groups: int = 5

    values: ClassVar[Mapping[str, str]] = {"fid": "lower"}
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})
    max_dimensions: ClassVar[int | None] = MAX_DIMENSIONS

    def __post_init__(self) -> None:
        check_number("groups", self.groups, at_least=0, at_most=MAX_GROUPS)
        if self.groups == 1:
            raise ConfigError("groups", "expected 0, for no standard error, or at least 2 groups", self.groups)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("fid", real, fake, minimum=2)

    def __call__(self, comparison: Comparison) -> Result:
        real_side, fake_side, reporter = comparison.real, comparison.fake, comparison.reporter
        groups = self.groups if min(real_side.count, fake_side.count) >= 2 * self.groups else 0
        real_groups = real_side.cached(
            f"moments of {groups or 1} groups", lambda: moments_of_groups(feature_chunks(real_side, REAL), groups or 1)
        )
        fake_groups = moments_of_groups(feature_chunks(fake_side, FAKE), groups or 1)
        real, fake = merge_moments(real_groups), merge_moments(fake_groups)
        root = real_side.cached("root of the covariance", lambda: root_of_covariance(real))
        distance, error, method = frechet_distance(real, fake, root), None, ""
        if groups:
            reporter.progress("standard error of fid", 0, 2)
            without_fake = leave_one_group_out(real, fake_groups, root)
            reporter.progress("standard error of fid", 1, 2)
            without_real = leave_one_group_out(fake, real_groups)
            error = jackknife_error(without_real, without_fake)
            method = f"jackknife over {groups} groups of each side"
        return Result({"fid": MetricValue(distance, error, method)}, _notes(real, fake.count))


def _notes(real: Moments, fakes: int) -> tuple[str, ...]:
    varying = int(np.count_nonzero(np.diag(real.scatter)))
    constant = (
        f"Only {varying:,} of {real.dimensions:,} features vary among the real examples: fid ignores most differences.",
    )
    return (constant if 2 * varying < real.dimensions else ()) + tuple(
        f"{count:,} {side} examples are too few for a covariance of {real.dimensions:,} dimensions: the distance is "
        "too large, and can be compared only with distances of equally many examples."
        for side, count in ((REAL, real.count), (FAKE, fakes))
        if count <= real.dimensions
    )
