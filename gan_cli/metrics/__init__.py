"""Metrics (`metric=[...]`, any number): how good generated examples are, in numbers; one file a metric.

The mathematics stands in pure functions of arrays, tested against published values. Around it a metric is a frozen
dataclass, whose module imports neither TensorFlow nor Keras at its top, with

- `values`: a ClassVar, the name of each number that it gives with what is better, "lower", "higher" or "" for neither;
  the first with a direction is the one by which checkpoints are compared. Names are unique among all metrics.
- `needs`: a ClassVar, what it reads of both sides, some of FEATURES, LOGITS and EXAMPLES;
- `check(data, real, fake)`: raises `ConfigError` where it can't work on such data or with so few examples, at once and
  without TensorFlow; `real` and `fake` count the examples, and `real` is None where that is not known yet;
- `__call__(comparison) -> Result`;
- where it needs them, ClassVars: `uses_held_out = True` for `comparison.held_out`, `needs_labels = True` for classes
  of the generated examples, `most_dimensions` if it takes no longer features; and a method `check_source(source)`
  that raises `ConfigError` where it is for certain data sets alone.

It reads examples in portions, so that memory does not grow with their number: what holds all of them at once (a
covariance) has a size of its own, and what can't be had from portions has a bound among the metric's settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

import numpy as np

from gan_cli.data import DataSpec, Source
from gan_cli.progress import ProgressReporter, SilentReporter

FEATURES, LOGITS, EXAMPLES = "features", "logits", "examples"

Made = TypeVar("Made")


class MetricValue(NamedTuple):
    """A number with its uncertainty.

    Attributes:
        value: finite, or infinite where that is the true value; never NaN.
        uncertainty: a standard error or deviation, at least 0; None where there is none.
        by: how that was found, in words: "deviation over 100 subsets of 1,000".
        low, high: bounds of a 95 % interval where it is no symmetric one; None else.
    """

    value: float
    uncertainty: float | None = None
    by: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Result:
    """What a metric found.

    Attributes:
        values: by the names in the metric's `values`, as far as the data has them; more may stand beside them (a
            distance for each scale).
        notes: sentences that a reader of the numbers must know, such as that there are fewer samples than dimensions.
        pictures: PIL images to be written beside the numbers, by name.
    """

    values: Mapping[str, MetricValue]
    notes: tuple[str, ...] = ()
    pictures: Mapping[str, Any] = field(default_factory=dict)


class FeatureSet(Protocol):
    """Examples of one side, in an order that is random and always the same, and what an extractor says of them.

    The first rows are therefore a random subset: a metric that wants no more than some takes the first.
    """

    @property
    def data(self) -> DataSpec: ...

    @property
    def count(self) -> int: ...

    @property
    def labels(self) -> np.ndarray | None:
        """int32 `[count]`, the class of each example, None where the examples have no classes."""
        ...

    def features(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """float32 `[stop - start, dimensions]`; stop is cut to `count`."""
        ...

    def logits(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """float32 `[stop - start, classes]`."""
        ...

    def examples(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """uint8 images `[stop - start, height, width, channels]`, or float32 points `[stop - start, 2]`."""
        ...

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` gives, computed the first time `name` is asked for and kept as long as these examples are.

        For what costs much and depends on this side and on `name` alone, such as the moments of the real features.
        """
        ...


@dataclass(frozen=True)
class Comparison:
    """Both sides, and what else is known.

    Attributes:
        real, fake: what is compared.
        held_out: real examples that the generator was not trained on, where there are some.
        source: where the real examples come from, where that is known (a mixture's centres, say).
        seed: of all that a metric draws.
        teller: is told what takes long.
    """

    real: FeatureSet
    fake: FeatureSet
    held_out: FeatureSet | None = None
    source: Source | None = None
    seed: int = 0
    teller: ProgressReporter = field(default_factory=SilentReporter)


class Metric(Protocol):
    """What each entry of `metric` builds."""

    values: ClassVar[Mapping[str, str]]
    needs: ClassVar[frozenset[str]]

    def check(self, data: DataSpec, real: int | None, fake: int) -> None: ...

    def __call__(self, comparison: Comparison) -> Result: ...
