"""Reads whole examples in chunks of a bounded size, however large an image is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gan_cli.metrics import FeatureSet

CHUNK_BYTES = 2**24
"""Size of a chunk of images: 16 MiB, five images of 1024x1024 in colour. Up to 147x147, CHUNK_EXAMPLES is the limit."""
CHUNK_EXAMPLES = 256
"""Examples of a chunk, however small they are."""


def example_chunks(feature_set: FeatureSet, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the first `count` examples in chunks, each with the index of its first example.

    A chunk is uint8 images `[n, height, width, channels]` or float32 points `[n, 2]`.
    """
    step = max(1, min(CHUNK_EXAMPLES, CHUNK_BYTES // math.prod(feature_set.data.shape)))
    for start in range(0, count, step):
        yield start, feature_set.examples(start, min(start + step, count))
