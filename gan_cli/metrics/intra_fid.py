"""Fréchet distance within each class, and its mean over classes: whether a generator follows its class label.

Miyato and Koyama 2018, "cGANs with Projection Discriminator", arXiv:1802.05637, section 4.1 ("intra FID"). Each class
has the same weight, however many examples it has. Moments of as many classes as fit are in memory; for more, the
features are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import FEATURES, Comparison, FeatureSet, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, feature_chunks
from gan_cli.metrics.fid import MAX_DIMENSIONS, Moments, frechet_distance, leave_one_group_out, root_of_covariance
from gan_cli.metrics.mean_and_covariance import merge_moments, moments_of
from gan_cli.statistics import jackknife_error

MAX_NUMBERS = 2**26
"""Numbers in the moments of one side that are in memory at once: 512 MiB, three classes of 2,048 dimensions in five
groups."""


def moments_by_label(chunks: Iterable[np.ndarray], labels: np.ndarray, wanted: Iterable[int]) -> dict[int, Moments]:
    """Computes the moments of the rows of each label in `wanted`.

    Args:
        chunks: rows `[n, dimensions]`.
        labels: int `[rows]`, the label of each row.
        wanted: labels; each must have a row.
    """
    found: dict[int, Moments] = {}
    wanted, start = list(wanted), 0
    for rows in chunks:
        of_rows = labels[start : start + len(rows)]
        for label in wanted:
            own = rows[of_rows == label]
            if len(own):
                added = moments_of(own)
                found[label] = merge_moments((found[label], added)) if label in found else added
        start += len(rows)
    return found


def groups_within_classes(labels: np.ndarray, groups: int) -> np.ndarray:
    """Returns int64 `[n]`, class · groups + group: the i-th example of a class belongs to group i modulo `groups`."""
    places = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        places[own] = np.arange(len(own))
    return labels.astype(np.int64) * groups + places % groups


@dataclass(frozen=True, eq=False)
class ClassDistance:
    """The distance of a class, with jackknife replicates `[groups]` over groups of each side; `[0]` without groups."""

    distance: float
    without_real: np.ndarray
    without_fake: np.ndarray


def class_distance(real_groups: list[Moments], fake_groups: list[Moments]) -> ClassDistance:
    """Computes the distance of a class from the moments of its groups of real and of generated examples."""
    real, fake = merge_moments(real_groups), merge_moments(fake_groups)
    root = root_of_covariance(real)
    distance = frechet_distance(real, fake, root)
    if len(fake_groups) == 1:
        return ClassDistance(distance, np.zeros(0), np.zeros(0))
    return ClassDistance(distance, leave_one_group_out(fake, real_groups), leave_one_group_out(real, fake_groups, root))


@dataclass(frozen=True)
class IntraFrechetDistance(Metric):
    """`metric=intra_fid`. configs/metric/intra_fid.yaml explains each key.

    Raises:
        ConfigError: where `groups` is neither 0 nor at least 2.
    """

    groups: int = 5

    values: ClassVar[Mapping[str, str]] = {"intra_fid": "lower", "intra_fid_worst": "lower"}
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})
    max_dimensions: ClassVar[int | None] = MAX_DIMENSIONS
    needs_labels: ClassVar[bool] = True
    class_values: ClassVar[tuple[str, ...]] = ("fid",)

    def __post_init__(self) -> None:
        check_number("groups", self.groups, at_least=0)
        if self.groups == 1:
            raise ConfigError("groups", "expected 0, for no standard error, or at least 2 groups", self.groups)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        if data.classes < 2:
            problem = f"compares each class by itself, and this data set has {data.classes or 'no'} classes"
            advice = "A folder has a class for each subfolder. Without classes, use metric=fid."
            raise ConfigError("", problem, advice=advice)
        check_counts("intra_fid", real, fake, minimum=2 * data.classes)

    def class_rows(self, comparison: Comparison) -> Mapping[int, Mapping[str, float]]:
        """Returns the distance of each class."""
        labels = _labels(comparison.real, REAL), _labels(comparison.fake, FAKE)
        dimensions = comparison.real.features(0, 1).shape[1]
        found = self.distances(comparison, np.unique(labels[0]), *labels, 1, dimensions)
        return {label: {"fid": each.distance} for label, each in found.items()}

    def __call__(self, comparison: Comparison) -> Result:
        real_labels, fake_labels = _labels(comparison.real, REAL), _labels(comparison.fake, FAKE)
        classes = np.unique(real_labels)
        _check_each(classes, real_labels, "real_samples", REAL)
        _check_each(classes, fake_labels, "samples", FAKE)
        smallest = min(
            int(np.count_nonzero(labels == label)) for labels in (real_labels, fake_labels) for label in classes
        )
        groups = self.groups if self.groups and smallest >= 2 * self.groups else 1
        dimensions = comparison.real.features(0, 1).shape[1]
        found = self.distances(comparison, classes, real_labels, fake_labels, groups, dimensions)
        worst = max(found, key=lambda label: found[label].distance)
        values = {
            "intra_fid": _mean_value(list(found.values()), f"mean over {len(classes):,} classes"),
            "intra_fid_worst": _mean_value([found[worst]], f"class {comparison.real.data.class_name(worst)}"),
        }
        return Result(values, _notes(dimensions, smallest))

    def distances(
        self,
        comparison: Comparison,
        classes: np.ndarray,
        real_labels: np.ndarray,
        fake_labels: np.ndarray,
        groups: int,
        dimensions: int,
    ) -> dict[int, ClassDistance]:
        """Computes the distance of each class, of as many classes at once as fit in memory."""
        real_parts, fake_parts = (groups_within_classes(labels, groups) for labels in (real_labels, fake_labels))
        at_once = max(1, MAX_NUMBERS // (groups * dimensions**2))
        found: dict[int, ClassDistance] = {}
        for start in range(0, len(classes), at_once):
            some = classes[start : start + at_once].tolist()
            parts = [label * groups + group for label in some for group in range(groups)]
            real = self.real_moments(comparison.real, real_parts, parts, groups, keep=len(some) == len(classes))
            fake = moments_by_label(feature_chunks(comparison.fake, FAKE), fake_parts, parts)
            for label in some:
                comparison.reporter.progress("distances of classes", len(found), len(classes))
                own = [label * groups + group for group in range(groups)]
                found[label] = class_distance([real[part] for part in own], [fake[part] for part in own])
        return found

    def real_moments(
        self, real: FeatureSet, labels: np.ndarray, parts: list[int], groups: int, keep: bool
    ) -> dict[int, Moments]:
        def compute() -> dict[int, Moments]:
            return moments_by_label(feature_chunks(real, REAL), labels, parts)

        return real.cached(f"moments of all classes in {groups} groups", compute) if keep else compute()


def _mean_value(distances: list[ClassDistance], of: str) -> MetricValue:
    """Returns the mean distance of classes, with its standard error where there are jackknife replicates."""
    mean = float(np.mean([each.distance for each in distances]))
    groups = len(distances[0].without_fake)
    if groups == 0:
        return MetricValue(mean, method=of)
    sides = ([each.without_real for each in distances], [each.without_fake for each in distances])
    error = jackknife_error(*(np.mean(side, axis=0) for side in sides))
    return MetricValue(mean, error, f"{of}; jackknife over {groups} groups of each class and side")


def _labels(feature_set: FeatureSet, side: str) -> np.ndarray:
    labels = feature_set.labels
    if labels is None:
        advice = "Only a conditional generator, or a folder with a subfolder for each class, has classes."
        raise ConfigError("", f"compares each class by itself, and the {side} examples have no classes", advice=advice)
    return labels


def _check_each(classes: np.ndarray, labels: np.ndarray, key: str, side: str) -> None:
    """Raises ConfigError for a class with fewer than the two examples that a covariance needs."""
    for label in classes.tolist():
        count = int(np.count_nonzero(labels == label))
        if count < 2:
            problem = f"intra_fid needs at least 2 {side} examples of each class, and class {label} has {count}"
            raise ConfigError(key, problem, len(labels), "Use more examples.")


def _notes(dimensions: int, smallest: int) -> tuple[str, ...]:
    if smallest > dimensions:
        return ()
    return (
        f"The smallest class has {smallest:,} examples, too few for a covariance of {dimensions:,} dimensions: "
        "distances are too large, and can be compared only with distances of equally many examples.",
    )
