"""Precision, recall, density and coverage: which examples lie among those of the other side.

Around each example stands a ball that reaches to its k-th nearest neighbour on its own side.

- precision: share of generated examples inside the ball of any real one; recall: share of real examples inside the
  ball of any generated one. Kynkäänniemi et al. 2019, arXiv:1904.06991, section 2.
- density: in how many balls of real examples a generated one lies, over k; 1 where both distributions are one, and
  above 1 where generated examples crowd where real ones are dense. coverage: share of real examples with a generated
  one in their ball. Naeem et al. 2020, arXiv:2002.09797, section 3.

Being inside is strict (<), as in the code of Naeem et al. Distances that differ by rounding alone count as equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import FEATURES, Comparison, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, features_of, notes_of_bound
from gan_cli.metrics.nearest_neighbours import nearest
from gan_cli.metrics.pairwise_distances import ROUNDING, blocks, largest_squared_norm, squared_distances
from gan_cli.metrics.proportions import proportion_with_error
from gan_cli.statistics import error_of_mean


class Neighbourhoods(NamedTuple):
    """What is found of each example.

    Attributes:
        balls: int64 `[fakes]`, in how many balls of real examples a generated one lies.
        recalled: bool `[reals]`, whether a real example lies in the ball of any generated one.
        covered: bool `[reals]`, whether any generated example lies in the ball of a real one.
    """

    balls: np.ndarray
    recalled: np.ndarray
    covered: np.ndarray


def squared_radii(rows: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance from each row to its k-th nearest other row, float64 `[n]`.

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
    """Who lies in whose ball.

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


@dataclass(frozen=True)
class PrecisionRecall:
    """`metric=prdc`. configs/metric/prdc.yaml explains each key.

    Raises:
        ConfigError: where a number is outside its range.
    """

    neighbours: int = 5
    most: int = 10_000

    # Coverage first: it alone falls both where examples are bad and where some are missing.
    values: ClassVar[Mapping[str, str]] = {
        "coverage": "higher",
        "density": "higher",
        "precision": "higher",
        "recall": "higher",
    }
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})

    def __post_init__(self) -> None:
        check_number("neighbours", self.neighbours, at_least=1)
        check_number("most", self.most, at_least=2)
        if self.most <= self.neighbours:
            raise ConfigError("most", f"expected more than {self.neighbours} neighbours", self.most)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts(f"prdc with {self.neighbours} neighbours", real, fake, least=self.neighbours + 1)

    def __call__(self, comparison: Comparison) -> Result:
        real = features_of(comparison.real, REAL, self.most)
        fake = features_of(comparison.fake, FAKE, self.most)
        origin = real.mean(axis=0, dtype=np.float64)
        real_radii = comparison.real.once(
            f"squared radii of {self.neighbours} neighbours among {self.most}",
            lambda: squared_radii(real, self.neighbours),
        )
        found = neighbourhoods(real, fake, real_radii, squared_radii(fake, self.neighbours), origin)
        density = found.balls / self.neighbours
        return Result(
            {
                "coverage": proportion_with_error(int(found.covered.sum()), len(real), "real examples"),
                "density": MetricValue(
                    float(density.mean()), error_of_mean(density), f"standard error of {len(fake):,} generated examples"
                ),
                "precision": proportion_with_error(int((found.balls > 0).sum()), len(fake), "generated examples"),
                "recall": proportion_with_error(int(found.recalled.sum()), len(real), "real examples"),
            },
            notes_of_bound(comparison, self.most) + _notes(len(real), len(fake)),
        )


def _notes(reals: int, fakes: int) -> tuple[str, ...]:
    if reals == fakes:
        return ()
    return (
        f"{reals:,} real and {fakes:,} generated examples: these numbers depend on how many there are of either "
        "side, and are usually told of equally many.",
    )
