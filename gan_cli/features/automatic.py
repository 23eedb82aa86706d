"""The extractor that suits the data: points as they are, a classifier for grey labelled images, else Inception."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gan_cli.data import DataSpec, Examples
from gan_cli.features import FeatureExtractor, FeatureExtractorConfig
from gan_cli.features.classifier import Classifier
from gan_cli.features.inception import Inception
from gan_cli.features.pixels import Pixels
from gan_cli.progress import ProgressReporter


@dataclass(frozen=True)
class Automatic(FeatureExtractorConfig):
    """Chooses by the data. configs/features/auto.yaml explains how."""

    def choose(self, data: DataSpec) -> FeatureExtractorConfig:
        """The extractor for such data, with its settings at their defaults."""
        if not data.is_image:
            return Pixels()
        if data.classes > 1 and data.shape[2] == 1:
            return Classifier()
        return Inception()

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError where the chosen extractor can't work on such data."""
        self.choose(data).check(data)

    def load(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, reporter: ProgressReporter
    ) -> FeatureExtractor:
        """Loads the chosen extractor."""
        chosen = self.choose(data if labelled else DataSpec(data.shape, data.examples))
        return chosen.load(data, labelled, reporter)
