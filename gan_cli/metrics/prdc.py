"""Precision, recall, density and coverage: which examples lie in the k-nearest-neighbour balls of the other side.

The ball of an example reaches to its k-th nearest neighbour on its own side.

- precision: share of generated examples inside the ball of any real one; recall: share of real examples inside the
  ball of any generated one. Kynkäänniemi et al. 2019, arXiv:1904.06991, section 2.
- density: number of balls of real examples around a generated one, over k; 1 for equal distributions, above 1 where
  generated examples gather where real ones are dense. coverage: share of real examples with a generated one in their
  ball. Naeem et al. 2020, arXiv:2002.09797, section 3.

Being inside is strict (<), as in the code of Naeem et al. Distances that differ by rounding alone count as equal.
Both sides vary from draw to draw, so that their standard errors come from subsamples of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import FEATURES, Comparison, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, limit_notes, read_features
from gan_cli.metrics.nearest_neighbours import nearest
from gan_cli.metrics.pairwise_distances import ROUNDING, blocks, largest_squared_norm, squared_distances
from gan_cli.metrics.proportions import dependent_proportion
from gan_cli.metrics.subsampling import SUBSAMPLES, subsampling_errors


class Neighbourhoods(NamedTuple):
    """Which examples lie in which balls.

    Attributes:
        balls: int64 `[fakes]`, number of balls of real examples around a generated one.
        recalled: bool `[reals]`, whether a real example lies in the ball of any generated one.
        covered: bool `[reals]`, whether any generated example lies in the ball of a real one.
    """

    balls: np.ndarray
    recalled: np.ndarray
    covered: np.ndarray


def squared_radii(rows: np.ndarray, neighbours: int) -> np.ndarray:
    """Returns the squared distance from each row to its k-th nearest other row, float64 `[n]`.

    Args:
        rows: `[n, dimensions]`.
        neighbours: k, from 1 to n - 1.

    Raises:
        ValueError: where there are no more than k rows.
    """
    return nearest(rows, [rows], neighbours, own=np.arange(len(rows))).distances[:, -1] ** 2


def neighbourhoods(
    real: np.ndarray, fake: np.ndarray, real_radii: np.ndarray, fake_radii: np.ndarray, origin: np.ndarray
) -> Neighbourhoods:
    """Finds which examples lie in which balls.

    Args:
        real, fake: `[n, dimensions]` and `[m, dimensions]`.
        real_radii, fake_radii: their `squared_radii`, `[n]` and `[m]`.
        origin: a point in the middle of the rows, `[dimensions]`, for the sake of digits.
    """
    balls = np.zeros(len(fake), np.int64)
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    slack = ROUNDING * max(largest_squared_norm(real, origin), largest_squared_norm(fake, origin))
    for of_real in blocks(len(real)):
        for of_fake in blocks(len(fake)):
            squared = squared_distances(real[of_real], fake[of_fake], origin)
            inside_real = squared < (real_radii[of_real] - slack)[:, None]
            balls[of_fake] += inside_real.sum(axis=0)
            covered[of_real] |= inside_real.any(axis=1)
            recalled[of_real] |= (squared < fake_radii[of_fake] - slack).any(axis=1)
    return Neighbourhoods(balls, recalled, covered)


def prdc(real: np.ndarray, fake: np.ndarray, neighbours: int, real_radii: np.ndarray | None = None) -> np.ndarray:
    """Computes coverage, density, precision and recall, float64 `[4]`.

    Args:
        real, fake: `[n, dimensions]` and `[m, dimensions]`.
        neighbours: k.
        real_radii: `squared_radii` of the real rows, where they are known already.
    """
    real_radii = squared_radii(real, neighbours) if real_radii is None else real_radii
    origin = real.mean(axis=0, dtype=np.float64)
    found = neighbourhoods(real, fake, real_radii, squared_radii(fake, neighbours), origin)
    density = found.balls.mean() / neighbours
    return np.array([found.covered.mean(), density, (found.balls > 0).mean(), found.recalled.mean()])


@dataclass(frozen=True)
class PrecisionRecall(Metric):
    """`metric=prdc`. configs/metric/prdc.yaml explains each key.

    Raises:
        ConfigError: where a number is outside its range.
    """

    neighbours: int = 5
    max_samples: int = 10_000

    # Coverage first: it alone falls both where examples are bad and where some are missing.
    values: ClassVar[Mapping[str, str]] = {
        "coverage": "higher",
        "density": "higher",
        "precision": "higher",
        "recall": "higher",
    }
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})
    class_values: ClassVar[tuple[str, ...]] = ("precision", "recall", "density", "coverage")

    def __post_init__(self) -> None:
        check_number("neighbours", self.neighbours, at_least=1)
        check_number("max_samples", self.max_samples, at_least=2)
        if self.max_samples <= self.neighbours:
            raise ConfigError("max_samples", f"expected more than {self.neighbours} neighbours", self.max_samples)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts(f"prdc with {self.neighbours} neighbours", real, fake, minimum=self.neighbours + 1)

    def __call__(self, comparison: Comparison) -> Result:
        real = read_features(comparison.real, REAL, self.max_samples)
        fake = read_features(comparison.fake, FAKE, self.max_samples)
        real_radii = comparison.real.cached(
            f"squared radii of {self.neighbours} neighbours among {self.max_samples}",
            lambda: squared_radii(real, self.neighbours),
        )
        coverage, density, precision, recall = prdc(real, fake, self.neighbours, real_radii).tolist()

        def statistics(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
            return prdc(real, fake, self.neighbours)

        errors = subsampling_errors(statistics, real, fake, self.neighbours + 1, comparison.seed)
        e = [None] * 4 if errors is None else errors.tolist()
        method = "" if errors is None else f"{SUBSAMPLES} subsamples of both sides"
        values = {
            "coverage": dependent_proportion(coverage, e[0], len(real), method),
            "density": MetricValue(density, e[1], method),
            "precision": dependent_proportion(precision, e[2], len(fake), method),
            "recall": dependent_proportion(recall, e[3], len(real), method),
        }
        return Result(values, limit_notes(comparison, self.max_samples) + _notes(len(real), len(fake)))

    def class_rows(self, comparison: Comparison) -> Mapping[int, Mapping[str, float]]:
        """Returns the four numbers of each class, compared with real examples of that class alone."""
        sides, names = (comparison.real, comparison.fake), ("coverage", "density", "precision", "recall")
        real, fake = (
            read_features(side, name, self.max_samples) for side, name in zip(sides, (REAL, FAKE), strict=True)
        )
        real_labels, fake_labels = (side.labels for side in sides)
        assert real_labels is not None
        assert fake_labels is not None
        found = {}
        for label in np.unique(real_labels).tolist():
            own = real[real_labels[: len(real)] == label], fake[fake_labels[: len(fake)] == label]
            if min(map(len, own)) > self.neighbours:
                found[label] = dict(zip(names, prdc(*own, self.neighbours).tolist(), strict=True))
        return found


def _notes(reals: int, fakes: int) -> tuple[str, ...]:
    notes = []
    if reals != fakes:
        notes.append(
            f"{reals:,} real and {fakes:,} generated examples: precision, recall, density and coverage depend on both "
            "numbers, and are usually published for equal numbers."
        )
    return tuple(notes)
