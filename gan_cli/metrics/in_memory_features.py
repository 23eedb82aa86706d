"""A feature set in memory: for points, for small data, and for tests of metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.metrics import FeatureSet, Value


@dataclass(frozen=True, kw_only=True)
class InMemoryFeatures(FeatureSet):
    """Arrays as they are. Reading one that is None raises ValueError.

    Attributes:
        rows: float32 features `[count, dimensions]`.
        scores: float32 logits `[count, classes]`.
        values: uint8 images `[count, height, width, channels]`, or float32 points `[count, 2]`.
        labels: int32 `[count]`.
    """

    rows: np.ndarray | None = None
    scores: np.ndarray | None = None
    values: np.ndarray | None = None
    labels: np.ndarray | None = None
    cache: dict[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(next(array for array in (self.rows, self.scores, self.values) if array is not None))

    @property
    def data(self) -> DataSpec:
        shape = (2,) if self.values is None else self.values.shape[1:]
        classes = 0 if self.labels is None else int(self.labels.max()) + 1
        return DataSpec(tuple(shape), self.count, classes)

    def features(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        return require_array(self.rows, "features")[start:stop]

    def logits(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        return require_array(self.scores, "logits")[start:stop]

    def examples(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        return require_array(self.values, "examples")[start:stop]

    def cached(self, name: str, compute: Callable[[], Value]) -> Value:
        if name not in self.cache:
            self.cache[name] = compute()
        value: Value = self.cache[name]
        return value


def require_array(array: np.ndarray | None, name: str) -> np.ndarray:
    if array is None:
        raise ValueError(f"This feature set has no {name}.")
    return array
