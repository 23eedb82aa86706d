"""Metrics (`metric=[...]`, any number): the contract of a metric and of what it reads; one file per metric.

The mathematics of a metric stands in pure functions of arrays, tested against published values. A metric itself is a
frozen dataclass that derives from `Metric`. Its module imports neither TensorFlow nor Keras at its top.

A metric reads examples in chunks, so that memory does not grow with their number: what is held of all examples at once
(a covariance) has a fixed size, and what needs all examples in memory has a limit among the metric's settings.

Uncertainties are standard errors over draws of all samples that vary, the real ones included. tests/test_coverage.py
compares every uncertainty and interval with simulations, also those of new metrics.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from gan_cli.data import DataSpec, Source
from gan_cli.progress import ProgressReporter, SilentReporter

FEATURES, LOGITS, EXAMPLES = "features", "logits", "examples"

Value = TypeVar("Value")


class MetricValue(NamedTuple):
    """A number with its uncertainty.

    Attributes:
        value: finite, or infinite where that is the true value; never NaN.
        uncertainty: the standard error, at least 0; None without one.
        method: how the uncertainty was computed: "jackknife over 5 groups of each side".
        low, high: bounds of an asymmetric 95 % confidence interval; None without one.
    """

    value: float
    uncertainty: float | None = None
    method: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Result:
    """The result of a metric.

    Attributes:
        values: by the names in the metric's `values`, as far as the data has them; more names are allowed (a distance
            for each scale).
        notes: sentences that a reader of the numbers must know, such as that there are fewer samples than dimensions.
        pictures: PIL images by name, to be written to files.
    """

    values: Mapping[str, MetricValue]
    notes: tuple[str, ...] = ()
    pictures: Mapping[str, Any] = field(default_factory=dict)


class FeatureSet(ABC):
    """The examples of one side with their features and logits, in a random order that is always the same.

    The first rows are therefore a random subset: a metric with a limit reads the first ones.
    """

    @property
    @abstractmethod
    def data(self) -> DataSpec:
        """The shape, number and classes of the examples."""

    @property
    @abstractmethod
    def count(self) -> int:
        """The number of examples."""

    @property
    def labels(self) -> np.ndarray | None:
        """int32 `[count]`, the class of each example; None without classes (default)."""
        return None

    @abstractmethod
    def features(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Returns float32 `[stop - start, dimensions]`; stop is cut to `count`."""

    @abstractmethod
    def logits(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Returns float32 `[stop - start, classes]`."""

    @abstractmethod
    def examples(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Returns uint8 images `[stop - start, height, width, channels]`, or float32 points `[stop - start, 2]`."""

    def cached(self, name: str, compute: Callable[[], Value]) -> Value:
        """Returns the value of `compute`, which is called the first time that `name` is asked for (default: each time).

        For expensive values that depend on this side and on `name` alone, such as the moments of the real features.
        """
        return compute()


@dataclass(frozen=True)
class Comparison:
    """The two sides that a metric compares.

    Attributes:
        real, fake: real and generated examples.
        held_out: real examples that the generator was not trained on; None without any.
        source: the data set of the real examples; None for files.
        seed: seed of everything that a metric draws.
        reporter: shows progress.
    """

    real: FeatureSet
    fake: FeatureSet
    held_out: FeatureSet | None = None
    source: Source | None = None
    seed: int = 0
    reporter: ProgressReporter = field(default_factory=SilentReporter)


class Metric(ABC):
    """Base class of metrics: what each entry of `metric` builds.

    Attributes:
        values: the name of each number with its better direction: "lower", "higher" or "" for neither. Checkpoints are
            compared by the first name with a direction. Names are unique among all metrics.
        needs: what the metric reads of both sides: some of FEATURES, LOGITS and EXAMPLES. Default: nothing.
        uses_held_out: whether it reads `comparison.held_out`. Default: False.
        needs_held_out: whether it can't do without. Default: False.
        needs_labels: whether both sides must have classes. Default: False.
        needs_codes: whether the labels of the generated side must be codes, as those of InfoGAN. Default: False.
        max_dimensions: the largest number of features it accepts. Default: None, any.
        class_values: the names of the numbers that `class_rows` gives of each class. Default: none.
    """

    values: ClassVar[Mapping[str, str]]
    needs: ClassVar[frozenset[str]] = frozenset()
    uses_held_out: ClassVar[bool] = False
    needs_held_out: ClassVar[bool] = False
    needs_labels: ClassVar[bool] = False
    needs_codes: ClassVar[bool] = False
    max_dimensions: ClassVar[int | None] = None
    class_values: ClassVar[tuple[str, ...]] = ()

    def check_source(self, source: Source | None) -> None:  # noqa: B027
        """Raises ConfigError for a data set that the metric does not support. Default: supports all.

        Args:
            source: of the real examples; None for files.
        """

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:  # noqa: B027
        """Raises ConfigError for unsupported data and too few examples, without TensorFlow. Default: accepts all.

        Args:
            data: of the real examples.
            real, fake: the number of real and generated examples; `real` is None where it is not known yet.
        """

    @abstractmethod
    def __call__(self, comparison: Comparison) -> Result:
        """Returns the values of `values`, by name. Raises ConfigError for what the user can correct."""

    def class_rows(self, comparison: Comparison) -> Mapping[int, Mapping[str, float]]:
        """Returns numbers of each class, by label, where both sides have labels. Default: none.

        A class with too few examples may be left out.
        """
        return {}
