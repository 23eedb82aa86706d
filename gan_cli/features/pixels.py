"""The examples themselves as features: points as they are, images as the numbers in [-1, 1] that a network sees."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from gan_cli.data import DataSpec, Examples
from gan_cli.features import ExtractedFeatures, FeatureExtractor, FeatureExtractorConfig
from gan_cli.progress import ProgressReporter


@dataclass(frozen=True)
class Pixels(FeatureExtractorConfig):
    """No extraction. Needs neither weights nor labels; distances between pixels say little of large images."""

    gives_logits: ClassVar[bool] = False

    def check(self, data: DataSpec) -> None:
        """Any data will do."""

    def load(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, reporter: ProgressReporter
    ) -> FeatureExtractor:
        """An extractor that flattens examples of such data."""
        return Flattened(math.prod(data.shape))


@dataclass(frozen=True)
class Flattened(FeatureExtractor):
    """Flattens examples from `[n, ...]` to `[n, dimensions]`."""

    dimensions: int
    classes: int = 0
    identity: dict[str, Any] = field(default_factory=lambda: {"name": "pixels"})
    is_free: ClassVar[bool] = True

    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        rows = examples.reshape(len(examples), -1).astype(np.float32)
        return ExtractedFeatures(rows / np.float32(127.5) - np.float32(1) if examples.dtype == np.uint8 else rows)
