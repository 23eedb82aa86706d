"""Feature extractors (`features=...`): from images or points to the vectors that metrics compare, one a file.

An extractor is a frozen dataclass whose module imports neither TensorFlow nor Keras at its top, with

- `check(data)`: raises `ConfigError` where it can't work on such data, at once and without TensorFlow;
- `open(data, labelled, teller) -> FeatureExtractor`: loads, downloads or trains what it needs, which may take long.

An embedding takes what is on disk and in memory everywhere here: uint8 images `[n, height, width, channels]` in
[0, 255], or float32 points `[n, 2]`. What it gives for one example does not depend on the others beside it, bit for
bit, so it works in batches of one fixed size inside (the last one filled up). One whose features cost nothing says so
by `is_free = True`: they are computed whenever they are read, and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from gan_cli.data import DataSpec, Examples
from gan_cli.progress import ProgressReporter


class ExtractedFeatures(NamedTuple):
    """What an embedding gives.

    Attributes:
        features: float32 `[n, dimensions]`.
        logits: float32 `[n, classes]`, unnormalised log-probabilities of classes; None where there are no classes.
    """

    features: np.ndarray
    logits: np.ndarray | None = None


class FeatureExtractor(Protocol):
    """An extractor that is ready to work."""

    @property
    def dimensions(self) -> int:
        """Length of a feature vector."""
        ...

    @property
    def classes(self) -> int:
        """Number of classes of the logits, 0 without."""
        ...

    @property
    def identity(self) -> dict[str, Any]:
        """All that two numbers must share to be comparable, as plain JSON: at least `name`; `weights_sha256` where
        there are weights, `resizer` where images are resized, the layer, and every setting that changes what comes out.
        Features of real examples are kept on disk by it."""
        ...

    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        """Features of any number of examples, at least one."""
        ...


class FeatureExtractorConfig(Protocol):
    """What `features=...` builds."""

    def check(self, data: DataSpec) -> None: ...

    def open(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, teller: ProgressReporter
    ) -> FeatureExtractor:
        """The embedding for such data.

        Args:
            data: of the real examples.
            labelled: gives the real examples with their labels, for an extractor that is trained on them; None where
                there are none. Not called unless needed.
            teller: is told what takes long.

        Raises:
            ConfigError: with a key of this extractor (`weights`), for what the user can mend.
        """
        ...
