"""Labels of generated examples for an evaluation: as frequent as among the real ones."""

from __future__ import annotations

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.sampling.loaded_generator import LoadedGenerator

SOURCE = "class frequencies of the real examples"
EVEN = "each class equally often"
"""What the protocol says of labels."""


def labels_for(
    generator: LoadedGenerator, real: DataSpec, labels: np.ndarray | None, count: int
) -> tuple[np.ndarray | None, str]:
    """The labels of `count` generated examples, and how they were chosen; None for a generator that takes none.

    Args:
        generator: whose examples are evaluated.
        real: the data of the real examples.
        labels: of the real examples; None where they have none.
        count: of generated examples.
    """
    condition = generator.metadata.condition
    if condition is None:
        return None, ""
    is_same = labels is not None and real.classes == condition.classes and not condition.codes
    if labels is None or not is_same or (labels < 0).any():
        return spread(np.ones(condition.classes), count), EVEN
    return spread(np.bincount(labels, minlength=condition.classes), count), SOURCE


def spread(frequencies: np.ndarray, count: int) -> np.ndarray:
    """int32 `[count]`, labels as frequent as can be by whole numbers (largest remainders), in a fixed random order."""
    shares = frequencies / frequencies.sum() * count
    counts = np.floor(shares).astype(np.int64)
    largest = np.argsort(-(shares - counts), kind="stable")[: count - counts.sum()]
    counts[largest] += 1
    labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return np.random.RandomState(3).permutation(labels)  # NumPy promises that this stream never changes
