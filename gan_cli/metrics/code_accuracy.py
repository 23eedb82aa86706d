"""How well the values of a code match classes that training never saw, under the best assignment of one to the other.

Chen et al. 2016 (InfoGAN), arXiv:1606.03657, section 7.2: each value of the categorical code is matched with a class,
one to one, and the accuracy is the share of examples in the class of their code. The classes of generated examples are
those of a classifier of real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import LOGITS, Comparison, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, check_counts, logit_chunks
from gan_cli.metrics.proportions import proportion_with_error


def count_matches(codes: np.ndarray, classes: np.ndarray, values: int, known: int) -> np.ndarray:
    """Counts the examples of each code in each class: int64 `[values, known]`.

    Args:
        codes: int `[n]`, from 0 to below `values`.
        classes: int `[n]`, from 0 to below `known`.
    """
    return np.bincount(codes * known + classes, minlength=values * known).reshape(values, known)


def best_assignment(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the one-to-one assignment with the largest sum of counts (Kuhn 1955).

    Args:
        counts: `[values, known]`; of the longer side some are left without a partner.
    """
    from scipy.optimize import linear_sum_assignment  # here, since it takes a second to load

    rows, columns = linear_sum_assignment(counts, maximize=True)
    return rows, columns


@dataclass(frozen=True)
class CodeAccuracy(Metric):
    """`metric=code_accuracy`."""

    values: ClassVar[Mapping[str, str]] = {"code_accuracy": "higher", "codes_found": "higher"}
    needs: ClassVar[frozenset[str]] = frozenset({LOGITS})
    needs_codes: ClassVar[bool] = True

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        if data.classes < 2:
            problem = f"matches codes with classes, and this data set has {data.classes or 'no'} classes"
            raise ConfigError("", problem, advice="Without classes, use metric=fid.")
        check_counts("code_accuracy", None, fake, minimum=2)

    def __call__(self, comparison: Comparison) -> Result:
        fake = comparison.fake
        codes = fake.labels
        assert codes is not None
        logits = [chunk.argmax(axis=1) for chunk in logit_chunks(fake, FAKE)]
        known = fake.logits(0, 1).shape[1]
        counts = count_matches(codes, np.concatenate(logits), int(codes.max()) + 1, known)
        rows, columns = best_assignment(counts)
        matched = counts[rows, columns]
        found = int((2 * matched > counts[rows].sum(axis=1)).sum())
        return Result(
            {
                "code_accuracy": proportion_with_error(int(matched.sum()), len(codes), "samples"),
                "codes_found": MetricValue(
                    float(found), method=f"of {min(counts.shape)}, by a majority of their samples"
                ),
            }
        )
