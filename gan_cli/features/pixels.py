"""The examples themselves as features: points as they are, images as the numbers in [-1, 1] that a network sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gan_cli.data import DataSpec, Examples
from gan_cli.features import ExtractedFeatures, FeatureExtractor
from gan_cli.progress import ProgressReporter


@dataclass(frozen=True)
class Pixels:
    """No extraction. Needs neither weights nor labels; distances between pixels say little of large images."""

    gives_logits: ClassVar[bool] = False

    def check(self, data: DataSpec) -> None:
        """Any data will do."""

    def open(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, teller: ProgressReporter
    ) -> FeatureExtractor:
        return Flattened(int(np.prod(data.shape)))


@dataclass(frozen=True)
class Flattened:
    """From `[n, ...]` to `[n, dimensions]`."""

    dimensions: int
    classes: int = 0
    is_free: ClassVar[bool] = True

    @property
    def identity(self) -> dict[str, Any]:
        return {"name": "pixels"}

    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        rows = examples.reshape(len(examples), -1).astype(np.float32)
        return ExtractedFeatures(rows / np.float32(127.5) - np.float32(1) if examples.dtype == np.uint8 else rows)
