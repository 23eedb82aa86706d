"""Extractors that run a compiled network in batches of one size, so that an example's features depend on it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_cli.features import DifferentiableNetwork, ExtractedFeatures, FeatureExtractor
from gan_cli.lazy import tf


@dataclass(frozen=True)
class BatchedExtractor(FeatureExtractor):
    """A network that takes batches of one size.

    Attributes:
        compute: from examples `[batch_size, ...]` to tensors of features `[batch_size, dimensions]` and of logits
            `[batch_size, classes]`, or None without classes.
        batch_size: examples of a call. The last batch is padded with zeros.
        spare: zero examples after those of every batch, so that `compute` takes `batch_size + spare`. A matrix product
            on a CPU may compute the last rows of a batch in another way. Without spare rows, the features of the last
            examples had other last bits than those of the same examples at another place.
        dimensions, classes, identity, network: see `gan_cli.features.FeatureExtractor`.
    """

    compute: Callable[[Any], tuple[Any, Any]]
    batch_size: int = field()  # required, unlike that of the base class
    dimensions: int
    classes: int
    identity: dict[str, Any]
    spare: int = 0
    network: DifferentiableNetwork | None = None

    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        features, logits = [], []
        with full_float32():
            for start in range(0, len(examples), self.batch_size):
                part = examples[start : start + self.batch_size]
                padded = np.zeros((self.batch_size + self.spare, *examples.shape[1:]), examples.dtype)
                padded[: len(part)] = part
                batch_features, batch_logits = self.compute(padded)
                features.append(batch_features.numpy()[: len(part)])
                if batch_logits is not None:
                    logits.append(batch_logits.numpy()[: len(part)])
        return ExtractedFeatures(np.concatenate(features), np.concatenate(logits) if logits else None)


@contextmanager
def full_float32() -> Iterator[None]:
    """Inside, float32 has all its bits: newer GPUs would otherwise multiply with ten of them (TensorFloat-32)."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
