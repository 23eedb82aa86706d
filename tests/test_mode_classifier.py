"""The modes of images of several channels, read by a classifier of one channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_cli.data import ChannelModes, DataSpec, Examples
from gan_cli.data.digits import Digits
from gan_cli.features import ExtractedFeatures, FeatureExtractor, FeatureExtractorConfig
from gan_cli.metrics.mode_classifier import read_modes
from gan_cli.progress import ProgressReporter, SilentReporter

CLASSES = 10


class BrightnessClassifier(FeatureExtractor):
    """Its logits say which tenth of the range the first pixel lies in, counted from the darkest training example."""

    dimensions, classes, identity = 1, CLASSES, {"name": "brightness"}

    def __init__(self, darkest: int) -> None:
        self.darkest = darkest

    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        assert examples.shape[1:] == (8, 8, 1)
        level = (examples[:, 0, 0, 0].astype(int) - self.darkest) // 25
        return ExtractedFeatures(level[:, None].astype(np.float32), np.eye(CLASSES, dtype=np.float32)[level])


@dataclass(frozen=True)
class Brightness(FeatureExtractorConfig):
    """Notes what it is loaded with."""

    name: str = "one"

    def check(self, data: DataSpec) -> None: ...

    def load(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, reporter: ProgressReporter
    ) -> FeatureExtractor:
        assert labelled is not None
        examples, labels = labelled().read(np.arange(data.examples))
        assert (data, len(labels)) == (Digits().describe(), data.examples)
        reporter.line(f"trained {self.name}")
        return BrightnessClassifier(int(examples.min()))


class Lines(SilentReporter):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


def images(*modes: tuple[int, ...]) -> np.ndarray:
    """One image per mode, each of whose channels has the brightness of its class."""
    levels = 25 * np.array(modes, np.uint8) + 3
    return np.broadcast_to(levels[:, None, None], (len(modes), 8, 8, levels.shape[1]))


def modes_of(channels: int) -> ChannelModes:
    return ChannelModes(Digits(), CLASSES, channels)


def read(shown: np.ndarray, extractor: Any = Brightness(), reporter: Any = None) -> np.ndarray:
    return read_modes(shown, modes_of(shown.shape[-1]), reporter or SilentReporter(), extractor)


def test_the_classes_of_the_channels_are_the_digits_of_the_mode() -> None:
    found = read(images((1, 2, 3), (9, 0, 4), (0, 0, 7)))
    assert found.tolist() == [123, 904, 7]
    assert found.dtype == np.int32
    assert read(images((5,), (8,))).tolist() == [5, 8]


def test_a_classifier_is_loaded_once_in_a_process_and_each_one_for_itself() -> None:
    reporter = Lines()
    for name in ("first", "second", "first"):
        read(images((1, 2, 3)), Brightness(name), reporter)
    assert reporter.lines == ["trained first", "trained second"]
