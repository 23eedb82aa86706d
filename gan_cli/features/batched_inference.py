"""Features in batches of one size, so that what is given for an example does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gan_cli.features import ExtractedFeatures
from gan_cli.lazy import tf


def in_batches(compute: Callable[[np.ndarray], tuple[Any, Any]], examples: np.ndarray, size: int) -> ExtractedFeatures:
    """Features of any number of examples.

    Args:
        compute: from `[size, ...]` to tensors of features `[size, dimensions]` and logits `[size, classes]` or None.
        examples: `[n, ...]`, n > 0. The last batch is filled up with zeros.
    """
    features, logits = [], []
    with full_float32():
        for start in range(0, len(examples), size):
            part = examples[start : start + size]
            full = np.zeros((size, *examples.shape[1:]), examples.dtype)
            full[: len(part)] = part
            of_batch, scores = compute(full)
            features.append(of_batch.numpy()[: len(part)])
            if scores is not None:
                logits.append(scores.numpy()[: len(part)])
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
