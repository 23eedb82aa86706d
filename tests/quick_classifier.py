"""A classifier that trains in few steps, and what it reports."""

from __future__ import annotations

from gan_cli.data import Examples
from gan_cli.features import FeatureExtractor
from gan_cli.features.classifier import Classifier
from gan_cli.progress import SilentReporter

QUICK = Classifier(steps=300)


class Heard(SilentReporter):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.done: list[tuple[int, int]] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, what: str, done: int, total: int) -> None:
        self.done.append((done, total))


def opened(
    examples: Examples, classifier: Classifier = QUICK, reporter: SilentReporter | None = None
) -> FeatureExtractor:
    return classifier.load(examples.spec, lambda: examples, reporter or SilentReporter())
