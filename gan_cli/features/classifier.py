"""Features of a small network that is trained on the data set's own classes: `features=classifier`.

For digits and other small grey images, of which features of ImageNet say little. The network is trained once for a
data set and settings and cached. Numbers compare only between the same weights, whose hash is part of the identity.
The accuracy on a tenth of the images, which training did not see, shows how meaningful the features are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from gan_cli.data import DataSpec, Examples
from gan_cli.data.chunk_length import chunk_length
from gan_cli.data.content_hash import fingerprint
from gan_cli.data.splits import split_held_out
from gan_cli.errors import ConfigError
from gan_cli.features import DifferentiableNetwork, FeatureExtractor, FeatureExtractorConfig
from gan_cli.features.batched_inference import BatchedExtractor
from gan_cli.features.classifier_cache import DAMAGE, TrainedClassifier, folder_for, read_classifier, write_classifier
from gan_cli.features.classifier_network import apply, apply_to_floats, weight_shapes
from gan_cli.features.classifier_training import Recipe, train
from gan_cli.lazy import tf
from gan_cli.progress import ProgressReporter

FORMAT = 1  # of the network and its training: another number has all classifiers trained again
BATCH = 128  # images at once
SPARE = 4
"""Zero images after those; see `gan_cli.features.batched_inference`."""
HELD_OUT = 0.1  # share of the images on which accuracy is measured
FEWEST = 10  # images, or a tenth of them is none
MEANINGFUL = 0.8  # accuracy; below, a warning says that the features mean little


@dataclass(frozen=True)
class Classifier(Recipe, FeatureExtractorConfig):
    """A convolutional network trained on the labels. configs/features/classifier.yaml explains each key."""

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for what is no images with labels."""
        if not data.is_image:
            raise ConfigError("", "a classifier takes images, and these are points", advice="Use features=pixels.")
        if data.classes < 2:
            problem = "a classifier learns from labels, and these images have none"
            raise ConfigError("", problem, advice="Use features=inception or features=random.")
        if data.examples < FEWEST:
            problem = f"a classifier learns from images, and these are only {data.examples}"
            raise ConfigError("", problem, advice="Use features=inception or features=random.")

    def load(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, reporter: ProgressReporter
    ) -> FeatureExtractor:
        """Loads the network from the cache, or trains it, which takes seconds to minutes.

        Raises:
            ConfigError: as `check`, where there are no labelled images, and where training diverges.
        """
        if labelled is None:
            self.check(DataSpec(data.shape, data.examples))
        self.check(data)
        assert labelled is not None
        examples = labelled()
        self.check(examples.spec)
        spec = examples.spec
        content = {"sha256": fingerprint(examples).labelled, "shape": list(spec.shape), "classes": spec.classes}
        about = {"format": FORMAT, "data": content, "settings": asdict(self)}
        trained = self.read_cached(about, spec, reporter) or self.train_new(about, examples, reporter)
        share = f"accuracy {trained.accuracy:.4f} on {trained.held_out:,} held-out images"
        reporter.line(f"classifier features: {share}")
        if trained.accuracy < MEANINGFUL:
            advice = "features=classifier features.steps=N trains longer"
            reporter.warn(f"the classifier's features mean little: {share}; {advice}")
        identity = {"name": "classifier", "weights_sha256": trained.sha256, "accuracy": trained.accuracy}
        return compile_extractor(trained.weights, spec, {**identity, "settings": asdict(self)})

    def read_cached(
        self, about: dict[str, Any], spec: DataSpec, reporter: ProgressReporter
    ) -> TrainedClassifier | None:
        """The classifier in the cache, None where there is none that can be used."""
        folder = folder_for(about)
        try:
            return read_classifier(folder, weight_shapes(spec.shape, spec.classes, self.width))
        except DAMAGE as error:
            reporter.warn(f"the classifier in {folder} can't be used ({error}); it is trained again")
            return None

    def train_new(self, about: dict[str, Any], examples: Examples, reporter: ProgressReporter) -> TrainedClassifier:
        """Trains a classifier and writes it to the cache where that is possible. Raises ConfigError if it diverges."""
        began = time.monotonic()
        seen, held_out = split_held_out(examples, HELD_OUT)
        assert held_out is not None  # there are FEWEST
        weights = train(seen, self, reporter)
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise ConfigError("learning_rate", "the classifier's training diverged", self.learning_rate, "Lower it.")
        accuracy = accuracy_on(held_out, compile_extractor(weights, examples.spec, {}))
        trained = TrainedClassifier(weights, accuracy, held_out.spec.examples)
        folder = folder_for(about)
        more = {**about, "images": examples.spec.examples, "seconds": round(time.monotonic() - began, 1)}
        more["versions"] = {name: version(name) for name in ("tensorflow", "numpy")}
        try:
            write_classifier(folder, trained, more)
        except OSError as error:
            reporter.warn(f"the classifier can't be cached in {folder} ({error.strerror}); GAN_CLI_CACHE names another")
        return trained


def accuracy_on(examples: Examples, extractor: FeatureExtractor) -> float:
    """Share of the examples whose label has the highest logit."""
    correct, count = 0, examples.spec.examples
    step = chunk_length(examples.spec.example_bytes, extractor.batch_size)
    for start in range(0, count, step):
        batch = examples.read(np.arange(start, min(start + step, count)))
        logits = extractor(batch.values).logits
        assert logits is not None
        correct += int((logits.argmax(axis=1) == batch.labels).sum())
    return correct / count


def compile_extractor(weights: dict[str, np.ndarray], spec: DataSpec, identity: dict[str, Any]) -> BatchedExtractor:
    """The network with these weights, compiled for such images. Features are its hidden layer."""
    tensors = {name: tf.constant(array) for name, array in weights.items()}

    @tf.function(input_signature=[tf.TensorSpec((BATCH + SPARE, *spec.shape), tf.uint8)], autograph=False)
    def compute(images: Any) -> tuple[Any, Any]:
        return apply(tensors, images)

    network = DifferentiableNetwork(weights, lambda tensors, images: apply_to_floats(tensors, images)[0])
    return BatchedExtractor(compute, BATCH, len(weights["hidden_bias"]), spec.classes, identity, SPARE, network)
