"""Accuracy of a generator in the class that was asked for, by a classifier of real examples.

Top-1 and top-5: the share of generated examples whose class has the largest, or one of the five largest, logits. It is
GAN-test of Shmelkov et al. 2018, "How good is my GAN?", arXiv:1807.09499, section 3.1: near 1 also for a generator with
one example a class, so intra_fid or cas belong to it. Beside it stands the classifier's accuracy on real examples that
it did not learn from, which a perfect generator would get.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import LOGITS, Comparison, FeatureSet, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, logit_chunks
from gan_cli.metrics.proportions import proportion_with_error

TOP = 5


def is_in_top(logits: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Whether the label is among the `count` largest logits: bool `[n]`; of equal logits the label's counts first.

    Args:
        logits: `[n, classes]`.
        labels: int `[n]`.
    """
    own = logits[np.arange(len(labels)), labels]
    in_top: np.ndarray = (logits > own[:, None]).sum(axis=1) < count
    return in_top


@dataclass(frozen=True)
class ClassAccuracy(Metric):
    """`metric=class_accuracy`."""

    values: ClassVar[Mapping[str, str]] = {
        "class_accuracy": "higher",
        "class_accuracy_top5": "higher",
        "class_accuracy_real": "",
    }
    needs: ClassVar[frozenset[str]] = frozenset({LOGITS})
    needs_labels: ClassVar[bool] = True
    uses_held_out: ClassVar[bool] = True
    class_values: ClassVar[tuple[str, ...]] = ("class_accuracy",)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        if data.classes < 2:
            problem = f"looks for the class of each example, and this data set has {data.classes or 'no'} classes"
            raise ConfigError("", problem, advice="Without classes, use metric=fid.")
        check_counts("class_accuracy", None, fake, minimum=2)

    def __call__(self, comparison: Comparison) -> Result:
        fake, classes = comparison.fake, comparison.real.data.classes
        predicted = fake.logits(0, 1).shape[1]
        if predicted != classes:
            problem = f"the classifier knows {predicted:,} classes, and the data has {classes:,}"
            raise ConfigError("features", problem, advice="Use features=classifier, which learns those of the data.")
        of_few = MetricValue(1.0, method=f"there are {classes} classes")
        values = {
            "class_accuracy": accuracy(fake, FAKE, 1),
            "class_accuracy_top5": accuracy(fake, FAKE, TOP) if classes > TOP else of_few,
        }
        held_out = comparison.held_out
        notes: tuple[str, ...] = ("There are no held-out real examples, so the accuracy on real ones is left out.",)
        if held_out is not None and held_out.labels is not None:
            values["class_accuracy_real"] = accuracy(held_out, REAL, 1)
            notes = ()
        return Result(values, notes)

    def class_rows(self, comparison: Comparison) -> Mapping[int, Mapping[str, float]]:
        """Returns the accuracy on the generated examples of each class."""
        hits, labels = hits_of(comparison.fake, FAKE, 1), comparison.fake.labels
        assert labels is not None
        return {label: {"class_accuracy": float(hits[labels == label].mean())} for label in np.unique(labels).tolist()}


def accuracy(examples: FeatureSet, side: str, count: int) -> MetricValue:
    """The share of examples whose label is among the `count` largest logits. Raises ConfigError without labels."""
    return proportion_with_error(int(hits_of(examples, side, count).sum()), examples.count, "examples")


def hits_of(examples: FeatureSet, side: str, count: int) -> np.ndarray:
    """Whether the label of each example is among the `count` largest logits, bool `[n]`. Raises as `accuracy`."""
    labels = examples.labels
    if labels is None:
        raise ConfigError("", f"the {side} examples have no classes", advice="Use a conditional generator.")
    found: list[np.ndarray] = []
    start = 0
    for logits in logit_chunks(examples, side):
        found.append(is_in_top(logits, labels[start : start + len(logits)], count))
        start += len(logits)
    return np.concatenate(found)
