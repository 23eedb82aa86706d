"""Fréchet distance within each class, and its mean over classes: whether a generator makes what it was asked for.

Miyato and Koyama 2018, "cGANs with Projection Discriminator", arXiv:1802.05637, section 4.1 ("intra FID"). Each class
counts alike, however many examples it has. Moments of as many classes as fit lie in memory; for more, the features are
read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import FEATURES, Comparison, FeatureSet, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, feature_chunks
from gan_cli.metrics.fid import MOST_DIMENSIONS, Moments, frechet_distance, root_of_covariance
from gan_cli.metrics.mean_and_covariance import merged, moments_of
from gan_cli.statistics import jackknife_error

MOST_NUMBERS = 2**26
"""Of all moments of one side that lie in memory at once: 512 MiB, three classes of 2,048 dimensions in five groups."""


def moments_of_classes(chunks: Iterable[np.ndarray], labels: np.ndarray, classes: Iterable[int]) -> dict[int, Moments]:
    """The moments of the rows of each class, by class.

    Args:
        portions: rows `[n, dimensions]`, portion after portion.
        labels: int `[rows]`, the class of each row.
        classes: which ones; each must have a row.
    """
    found: dict[int, Moments] = {}
    wanted, start = list(classes), 0
    for rows in chunks:
        of = labels[start : start + len(rows)]
        for label in wanted:
            own = rows[of == label]
            if len(own):
                seen = moments_of(own)
                found[label] = merged((found[label], seen)) if label in found else seen
        start += len(rows)
    return found


def groups_within_classes(labels: np.ndarray, groups: int) -> np.ndarray:
    """int64 `[n]`, class · groups + group: the i-th example of a class belongs to group i modulo `groups`."""
    places = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        places[own] = np.arange(len(own))
    return labels.astype(np.int64) * groups + places % groups


def distance_and_left_out(real: Moments, parts: list[Moments]) -> np.ndarray:
    """float64 `[1 + groups]`: the distance of all parts together, and with each left out in turn; `[1]` of one part."""
    root = root_of_covariance(real)
    sides = [parts] if len(parts) == 1 else [parts, *([*parts[:out], *parts[out + 1 :]] for out in range(len(parts)))]
    return np.array([frechet_distance(real, merged(side), root) for side in sides])


@dataclass(frozen=True)
class IntraFrechetDistance:
    """`metric=intra_fid`. configs/metric/intra_fid.yaml explains each key.

    Raises:
        ConfigError: where `groups` is neither 0 nor at least 2.
    """

    groups: int = 5

    values: ClassVar[Mapping[str, str]] = {"intra_fid": "lower", "intra_fid_worst": "lower"}
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})
    most_dimensions: ClassVar[int] = MOST_DIMENSIONS
    needs_labels: ClassVar[bool] = True  # of both sides

    def __post_init__(self) -> None:
        check_number("groups", self.groups, at_least=0)
        if self.groups == 1:
            raise ConfigError("groups", "expected 0, for no uncertainty, or at least 2 groups", self.groups)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        if data.classes < 2:
            problem = f"compares class by class, and this data set has {data.classes or 'no'} classes"
            advice = "A folder has a class for each sub-folder. Without classes, use metric=fid."
            raise ConfigError("", problem, advice=advice)
        check_counts("intra_fid", real, fake, least=2 * data.classes)

    def __call__(self, comparison: Comparison) -> Result:
        real_labels, fake_labels = _labels(comparison.real, REAL), _labels(comparison.fake, FAKE)
        classes = np.unique(real_labels)
        _check_each(classes, real_labels, "real_samples", REAL)
        _check_each(classes, fake_labels, "samples", FAKE)
        dimensions = comparison.real.features(0, 1).shape[1]
        fewest = min(int(np.count_nonzero(fake_labels == label)) for label in classes)
        groups = self.groups if self.groups and fewest >= 2 * self.groups else 1
        of_groups = groups_within_classes(fake_labels, groups)
        at_once = max(1, MOST_NUMBERS // (groups * dimensions**2))
        found: dict[int, np.ndarray] = {}
        for start in range(0, len(classes), at_once):
            some = classes[start : start + at_once].tolist()
            real = self.real_moments(comparison.real, real_labels, some, keep=len(some) == len(classes))
            parts = [label * groups + group for label in some for group in range(groups)]
            fake = moments_of_classes(feature_chunks(comparison.fake, FAKE), of_groups, parts)
            for label in some:
                comparison.teller.progress("distances of classes", len(found), len(classes))
                own = [fake[label * groups + group] for group in range(groups)]
                found[label] = distance_and_left_out(real[label], own)
        worst = max(found, key=lambda label: found[label][0])
        mean = np.mean(list(found.values()), axis=0)
        values = {
            "intra_fid": _measured(mean, f"mean over {len(classes):,} classes"),
            "intra_fid_worst": _measured(found[worst], f"class {worst}"),
        }
        return Result(values, _notes(dimensions, classes, real_labels, fake_labels))

    def real_moments(self, real: FeatureSet, labels: np.ndarray, classes: list[int], keep: bool) -> dict[int, Moments]:
        def make() -> dict[int, Moments]:
            return moments_of_classes(feature_chunks(real, REAL), labels, classes)

        return real.once("moments of all classes", make) if keep else make()


def _measured(distances: np.ndarray, of: str) -> MetricValue:
    """What `distance_and_left_out` found, with its error where groups were left out."""
    if len(distances) == 1:
        return MetricValue(float(distances[0]), by=of)
    by = f"{of}; jackknife over {len(distances) - 1} groups of the generated examples of each class"
    return MetricValue(float(distances[0]), jackknife_error(distances[1:]), by)


def _labels(evidence: FeatureSet, side: str) -> np.ndarray:
    if evidence.labels is None:
        advice = "Only a conditional generator, or a folder with a sub-folder for each class, has classes."
        raise ConfigError("", f"compares class by class, and the {side} examples have no classes", advice=advice)
    return evidence.labels


def _check_each(classes: np.ndarray, labels: np.ndarray, key: str, side: str) -> None:
    """Raises ConfigError where a class has not the two examples that a covariance needs."""
    for label in classes.tolist():
        count = int(np.count_nonzero(labels == label))
        if count < 2:
            problem = f"intra_fid needs at least 2 {side} examples of each class, and class {label} has {count}"
            raise ConfigError(key, problem, len(labels), "Give it more.")


def _notes(dimensions: int, classes: np.ndarray, *sides: np.ndarray) -> tuple[str, ...]:
    fewest = min(int(np.count_nonzero(labels == label)) for labels in sides for label in classes.tolist())
    if fewest > dimensions:
        return ()
    return (
        f"The smallest class has {fewest:,} examples, too few for a covariance of {dimensions:,} dimensions; distances "
        "come out too large, and compare only with others of equally many examples.",
    )
