"""Whole examples in portions of a bounded size, however large an image is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gan_cli.metrics import FeatureSet

BYTES = 2**24
"""Of an uncompressed portion of images: 16 MiB, five of 1024x1024 in colour; up to 147x147, MOST bounds it."""
MOST = 256
"""Examples of a portion, however small."""


def example_chunks(evidence: FeatureSet, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """The first `count` examples, portion after portion, each with the number of its first one.

    uint8 images `[n, height, width, channels]` or float32 points `[n, 2]`.
    """
    step = max(1, min(MOST, BYTES // math.prod(evidence.data.shape)))
    for start in range(0, count, step):
        yield start, evidence.examples(start, min(start + step, count))
