"""The share of examples whose class a classifier is sure about, of generated and of real examples.

An example that is between two classes, or none, gets no class with a large probability. Real examples are not all clear
either, so the share of generated ones has a meaning only beside that of real ones. Those that training never saw are
taken where there are any: a classifier is surer of the examples that it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.metrics import LOGITS, Comparison, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, logit_chunks
from gan_cli.metrics.inception_score import log_softmax
from gan_cli.metrics.proportions import proportion_with_error


def count_confident(chunks: Iterable[np.ndarray], threshold: float) -> int:
    """Counts the examples whose most likely class has at least a probability of `threshold`.

    Args:
        chunks: logits `[n, classes]`.
    """
    return sum(int((log_softmax(logits).max(axis=1) >= np.log(threshold)).sum()) for logits in chunks)


@dataclass(frozen=True)
class Confidence(Metric):
    """`metric=confidence`. configs/metric/confidence.yaml explains each key.

    Raises:
        ConfigError: where `threshold` is not in (0, 1].
    """

    threshold: float = 0.9

    values: ClassVar[Mapping[str, str]] = {"confident_share": "higher", "confident_share_real": ""}
    needs: ClassVar[frozenset[str]] = frozenset({LOGITS})
    uses_held_out: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("threshold", self.threshold, above=0, at_most=1)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("confidence", real, fake, minimum=2)

    def __call__(self, comparison: Comparison) -> Result:
        reals = comparison.held_out or comparison.real
        of_real = "real examples that training never saw" if comparison.held_out else "real examples"
        return Result(
            {
                "confident_share": self.share(logit_chunks(comparison.fake, FAKE), comparison.fake.count, "samples"),
                "confident_share_real": self.share(logit_chunks(reals, REAL), reals.count, of_real),
            }
        )

    def share(self, chunks: Iterable[np.ndarray], count: int, of: str) -> MetricValue:
        return proportion_with_error(count_confident(chunks, self.threshold), count, of)
