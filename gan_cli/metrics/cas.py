"""Classification accuracy score: how well a classifier of real examples can be trained on generated ones.

Ravuri & Vinyals 2019, "Classification Accuracy Score for Conditional Generative Models", arXiv:1905.10887; GAN-train of
Shmelkov et al. 2018, arXiv:1807.09499. A classifier is trained on generated examples with the classes that were asked
for, and tested on real examples that no network has seen; beside it stands the same classifier, trained on as many real
ones. Classes that lack variety, or that the generator confuses, lower the score. Standard errors are those over draws
of the test examples, for the classifier that was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec, InMemory
from gan_cli.errors import ConfigError
from gan_cli.features import FeatureExtractor
from gan_cli.features.classifier_training import Recipe, train
from gan_cli.metrics import EXAMPLES, Comparison, FeatureSet, Metric, MetricValue, Result
from gan_cli.metrics.example_chunks import example_chunks
from gan_cli.metrics.proportions import proportion_with_error
from gan_cli.progress import ProgressReporter

FEWEST = 100
"""Examples of each side that a classifier learns something from."""


@dataclass(frozen=True)
class ClassificationAccuracyScore(Metric):
    """`metric=cas`. configs/metric/cas.yaml explains each key.

    Raises:
        ConfigError: where a number is outside its range.
    """

    steps: int = 3000
    width: int = 32
    learning_rate: float = 0.001
    max_samples: int = 20_000

    values: ClassVar[Mapping[str, str]] = {"cas": "higher", "cas_real": ""}
    needs: ClassVar[frozenset[str]] = frozenset({EXAMPLES})
    needs_labels: ClassVar[bool] = True
    uses_held_out: ClassVar[bool] = True
    needs_held_out: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.recipe(0)
        if self.max_samples < FEWEST:
            raise ConfigError("max_samples", f"expected at least {FEWEST}", self.max_samples)

    def recipe(self, seed: int) -> Recipe:
        return Recipe(self.steps, self.width, self.learning_rate, seed)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        if not data.is_image or data.classes < 2:
            problem = "trains a classifier of images with labels, and this data has none"
            raise ConfigError("", problem, advice="Use metric=fid, or another data set.")
        if fake < FEWEST:
            raise ConfigError("samples", f"cas needs at least {FEWEST} generated examples", fake, "Use more.")

    def __call__(self, comparison: Comparison) -> Result:
        real, fake, test = comparison.real, comparison.fake, comparison.held_out
        if test is None or test.labels is None or real.labels is None or fake.labels is None:
            advice = "Use a data set with a test split, or train with eval.held_out=0.1."
            raise ConfigError("", "needs real examples with labels that training never saw", advice=advice)
        classes, recipe, reporter = real.data.classes, self.recipe(comparison.seed), comparison.reporter
        count = min(real.count, fake.count, self.max_samples)

        def of_real() -> MetricValue:
            return score(real, test, count, classes, recipe, reporter)

        values = {
            "cas": score(fake, test, count, classes, recipe, reporter),
            "cas_real": real.cached(f"accuracy of a classifier of {count} examples: {recipe}", of_real),
        }
        return Result(values, (f"Classifiers learned from {count:,} examples of either side.",))


def score(
    learned: FeatureSet, test: FeatureSet, count: int, classes: int, recipe: Recipe, reporter: ProgressReporter
) -> MetricValue:
    """The accuracy on `test` of a classifier of the first `count` examples of `learned`."""
    from gan_cli.features.classifier import compile_extractor  # here, since it loads TensorFlow

    examples = in_memory(learned, count, classes)
    return accuracy(compile_extractor(train(examples, recipe, reporter), examples.spec, {}), test, classes)


def accuracy(classifier: FeatureExtractor, test: FeatureSet, classes: int) -> MetricValue:
    """The accuracy of a classifier on all examples of `test`."""
    from gan_cli.features.classifier import accuracy_on  # here, since it loads TensorFlow

    share = accuracy_on(in_memory(test, test.count, classes), classifier)
    return proportion_with_error(round(share * test.count), test.count, "held-out examples")


def in_memory(examples: FeatureSet, count: int, classes: int) -> InMemory:
    """The first `count` examples with their labels."""
    values = np.concatenate([chunk for _, chunk in example_chunks(examples, count)])
    labels = examples.labels
    assert labels is not None
    spec = DataSpec(examples.data.shape, count, classes)
    return InMemory(spec, values, labels[:count].astype(np.int32), [])
