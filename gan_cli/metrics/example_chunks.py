"""Reads whole examples in chunks of a bounded size, however large an image is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gan_cli.data.chunk_length import chunk_length
from gan_cli.metrics import FeatureSet


def example_chunks(feature_set: FeatureSet, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the first `count` examples in chunks, each with the index of its first example.

    A chunk is uint8 images `[n, height, width, channels]` or float32 points `[n, 2]`.
    """
    step = chunk_length(math.prod(feature_set.data.shape))
    for start in range(0, count, step):
        yield start, feature_set.examples(start, min(start + step, count))
