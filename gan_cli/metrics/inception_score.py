"""The inception score: whether a classifier is sure about each generated example, and about different classes.

Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv:1606.03498, section 4: exp of the mean
Kullback-Leibler divergence from p(y) to p(y|x), its mean over splits. It reads no real examples. The deviation over the
splits, which papers print beside it, is `inception_score_std`; the standard error of the mean is smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.metrics import LOGITS, Comparison, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, check_counts, logit_chunks
from gan_cli.statistics import standard_error_of_mean


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Returns logarithms of class probabilities, float64 `[n, classes]`, all finite, from logits of any float type."""
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def score_of_chunks(chunks: Iterable[np.ndarray]) -> float:
    """Computes exp(E[Σ p(y|x) ln p(y|x)] - Σ p(y) ln p(y)), from 1 to the number of classes.

    Args:
        chunks: logits `[n, classes]` of all examples, at least one; one chunk is in memory at a time.
    """
    count, negative_entropy, total = 0, 0.0, np.zeros(1)
    for logits in chunks:
        logs = log_softmax(logits)
        probabilities = np.exp(logs)
        count += len(logs)
        negative_entropy += float((probabilities * logs).sum())
        total = total + probabilities.sum(axis=0)
    marginal = total[total > 0] / count  # p ln p tends to 0 with p
    return float(np.exp(negative_entropy / count - (marginal * np.log(marginal)).sum()))


def split_bounds(count: int, splits: int) -> list[tuple[int, int]]:
    """Returns start and stop of each of `splits` parts of `count` rows, as equal as possible."""
    return [(split * count // splits, (split + 1) * count // splits) for split in range(splits)]


@dataclass(frozen=True)
class InceptionScore(Metric):
    """`metric=inception_score`. configs/metric/inception_score.yaml explains each key.

    Raises:
        ConfigError: where `splits` is below 1.
    """

    splits: int = 10

    values: ClassVar[Mapping[str, str]] = {"inception_score": "higher", "inception_score_std": ""}
    needs: ClassVar[frozenset[str]] = frozenset({LOGITS})

    def __post_init__(self) -> None:
        check_number("splits", self.splits, at_least=1)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts(f"inception_score with {self.splits:,} splits", None, fake, minimum=2 * self.splits)

    def __call__(self, comparison: Comparison) -> Result:
        fake = comparison.fake
        bounds = split_bounds(fake.count, self.splits)
        scores = np.array([score_of_chunks(logit_chunks(fake, FAKE, start, stop)) for start, stop in bounds])
        smallest, classes = fake.count // self.splits, fake.logits(0, 1).shape[1]
        mean = float(scores.mean())
        values = {"inception_score": MetricValue(mean), "inception_score_std": MetricValue(float(scores.std()))}
        if self.splits > 1:
            method = f"standard error of the mean of {self.splits:,} splits of {smallest:,}"
            values["inception_score"] = MetricValue(mean, standard_error_of_mean(scores), method)
        notes: tuple[str, ...] = ()
        if smallest < classes:
            notes = (
                f"Splits of {smallest:,} examples are small for {classes:,} classes: the score is too low, and can be "
                "compared only with scores of equally many examples.",
            )
        return Result(values, notes)
