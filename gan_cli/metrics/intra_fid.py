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

from gan_cli.checks import ConfigError
from gan_cli.data import DataSpec
from gan_cli.metrics import FEATURES, Comparison, Evidence, Measured, Result
from gan_cli.metrics.fid import MOST_DIMENSIONS, Moments, frechet_distance
from gan_cli.metrics.moments import merged, moments_of
from gan_cli.metrics.reading import FAKE, REAL, check_counts, feature_portions

MOST_NUMBERS = 2**25
"""Of all moments of one side that lie in memory at once: 256 MiB, eight classes of Inception's 2,048 dimensions."""


def moments_of_classes(
    portions: Iterable[np.ndarray], labels: np.ndarray, classes: Iterable[int]
) -> dict[int, Moments]:
    """The moments of the rows of each class, by class.

    Args:
        portions: rows `[n, dimensions]`, portion after portion.
        labels: int `[rows]`, the class of each row.
        classes: which ones; each must have a row.
    """
    found: dict[int, Moments] = {}
    wanted, start = list(classes), 0
    for rows in portions:
        of = labels[start : start + len(rows)]
        for label in wanted:
            own = rows[of == label]
            if len(own):
                seen = moments_of(own)
                found[label] = merged((found[label], seen)) if label in found else seen
        start += len(rows)
    return found


@dataclass(frozen=True)
class IntraFrechetDistance:
    """`metric=intra_fid`. It has no settings."""

    values: ClassVar[Mapping[str, str]] = {"intra_fid": "lower", "intra_fid_worst": "lower"}
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})
    needs_labels: ClassVar[bool] = True  # of both sides

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
        if dimensions > MOST_DIMENSIONS:
            problem = f"takes features of at most {MOST_DIMENSIONS:,} dimensions, these have {dimensions:,}"
            raise ConfigError("", problem, advice="Choose other features; features=inception has 2,048.")
        at_once = max(1, MOST_NUMBERS // dimensions**2)
        distances: dict[int, float] = {}
        for start in range(0, len(classes), at_once):
            some = classes[start : start + at_once].tolist()
            real = self.real_moments(comparison.real, real_labels, some, keep=len(some) == len(classes))
            fake = moments_of_classes(feature_portions(comparison.fake, FAKE), fake_labels, some)
            for label in some:
                comparison.teller.progress("distances of classes", len(distances), len(classes))
                distances[label] = frechet_distance(real[label], fake[label])
        worst = max(distances, key=lambda label: distances[label])
        values = {
            "intra_fid": Measured(float(np.mean(list(distances.values()))), by=f"mean over {len(classes):,} classes"),
            "intra_fid_worst": Measured(distances[worst], by=f"class {worst}"),
        }
        return Result(values, _notes(dimensions, classes, real_labels, fake_labels))

    def real_moments(self, real: Evidence, labels: np.ndarray, classes: list[int], keep: bool) -> dict[int, Moments]:
        def make() -> dict[int, Moments]:
            return moments_of_classes(feature_portions(real, REAL), labels, classes)

        return real.once("moments of all classes", make) if keep else make()


def _labels(evidence: Evidence, side: str) -> np.ndarray:
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
