"""Feature extractors (`features=...`): from images or points to the vectors that metrics compare, one a file.

`features=NAME` builds a `FeatureExtractorConfig`, a frozen dataclass whose module imports neither TensorFlow nor Keras
at its top. Its `load` returns a `FeatureExtractor`, which takes examples as they are on disk and in memory everywhere
here: uint8 images `[n, height, width, channels]` in [0, 255], or float32 points `[n, 2]`. The features of an example do
not depend on the other examples of the call, bit for bit, so an extractor works in batches of one fixed size inside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from gan_cli.data import DataSpec, Examples
from gan_cli.progress import ProgressReporter


class ExtractedFeatures(NamedTuple):
    """The output of a feature extractor.

    Attributes:
        features: float32 `[n, dimensions]`.
        logits: float32 `[n, classes]`, unnormalised log-probabilities of classes; None where there are no classes.
    """

    features: np.ndarray
    logits: np.ndarray | None = None


class DifferentiableNetwork(NamedTuple):
    """The network of an extractor as a function with a gradient, for a loss that compares features.

    Attributes:
        weights: float32 arrays by name.
        apply: from the weights as tensors and float32 images `[n, height, width, channels]` in [-1, 1] to float32
            features `[n, dimensions]`; its gradient with respect to the images is finite.
    """

    weights: Mapping[str, np.ndarray]
    apply: Callable[[Mapping[str, Any], Any], Any]


class FeatureExtractor(ABC):
    """An extractor that is ready to work.

    Attributes:
        dimensions: length of a feature vector.
        classes: number of classes of the logits, 0 without.
        identity: all that two numbers must share to be comparable, as plain JSON: at least `name`; `weights_sha256`
            where there are weights, `resizer` where images are resized, the layer, and every setting that changes the
            features. Features of real examples are cached by it.
        batch_size: examples that it computes at once. Examples are read in multiples of it. Default: 1.
        is_free: whether features cost so little that they are computed whenever they are read, and cached nowhere.
        network: the same features with a gradient; None where there is no such function.
    """

    dimensions: int
    classes: int
    identity: dict[str, Any]
    batch_size: int = 1
    is_free: ClassVar[bool] = False
    network: DifferentiableNetwork | None = None

    @abstractmethod
    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        """Features of any number of examples, at least one."""


class FeatureExtractorConfig(ABC):
    """What `features=...` builds.

    Attributes:
        gives_logits: whether the extractor has classes, as far as that is known before it is loaded.
    """

    gives_logits: ClassVar[bool] = True

    @abstractmethod
    def check(self, data: DataSpec) -> None:
        """Raises ConfigError where the extractor can't work on such data, at once and without TensorFlow."""

    @abstractmethod
    def load(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, reporter: ProgressReporter
    ) -> FeatureExtractor:
        """Loads, downloads or trains the extractor for such data, which may take long.

        Args:
            data: of the real examples.
            labelled: returns the real examples with their labels, for an extractor that is trained on them; None where
                there are none. Not called unless needed.
            reporter: receives the progress.

        Raises:
            ConfigError: with a key of this extractor (`weights`), for what the user can correct.
        """

    def choose(self, data: DataSpec) -> FeatureExtractorConfig:
        """The extractor that is used for such data. Default: this one."""
        return self
