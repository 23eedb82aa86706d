"""Reads the mode of each image with a classifier that knows the classes of single channels (Stacked MNIST)."""

from __future__ import annotations

import numpy as np

from gan_cli.data import ChannelModes, Source
from gan_cli.features import FeatureExtractor, FeatureExtractorConfig
from gan_cli.features.classifier import Classifier
from gan_cli.progress import ProgressReporter

CLASSIFIERS: dict[tuple[Source, FeatureExtractorConfig], FeatureExtractor] = {}
"""Loaded classifiers: training evaluates more than once."""


def read_modes(
    images: np.ndarray,
    modes: ChannelModes,
    reporter: ProgressReporter,
    extractor: FeatureExtractorConfig | None = None,
) -> np.ndarray:
    """The mode that each image shows.

    Args:
        images: uint8 `[n, height, width, channels]`, n > 0.
        modes: the classes of one channel, and the data that the classifier learns them from.
        reporter: receives the progress of the classifier's training, where it is not in the cache.
        extractor: gives logits of the classes. Default: `features=classifier` with its default settings.

    Returns:
        int32 `[n]` in 0 .. modes.count - 1.
    """
    classifier = load_classifier(modes.source, extractor or Classifier(), reporter)
    logits = [classifier(images[..., channel : channel + 1]).logits for channel in range(modes.channels)]
    return modes.number(np.stack([each.argmax(axis=1) for each in logits if each is not None], axis=1))


def load_classifier(source: Source, extractor: FeatureExtractorConfig, reporter: ProgressReporter) -> FeatureExtractor:
    """The classifier trained on `source`, from this process, from the cache or trained first."""
    if (source, extractor) not in CLASSIFIERS:
        examples = source.open()
        CLASSIFIERS[source, extractor] = extractor.load(examples.spec, lambda: examples, reporter)
    return CLASSIFIERS[source, extractor]
