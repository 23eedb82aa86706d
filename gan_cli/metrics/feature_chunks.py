"""Reads the features of one side in chunks, so that memory does not grow with the number of examples.

A generator that diverged gives features that are not finite. They are refused here, where they are read, since no
metric can be computed from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, FeatureSet

CHUNK_ROWS = 4000
"""Rows read at once: of Inception's 2,048 features, 31 MiB in float32."""
CHUNK_BYTES = 2**28
"""Size of the rows that are read at once: CHUNK_ROWS of up to 16,777 dimensions, 21 of the pixels of 1024x1024 images
in colour. Metrics that compute moments take no more than 4,096 dimensions, so their sums do not depend on it."""

REAL, FAKE = "real", "generated"
"""The names of the two sides in messages."""


def feature_chunks(feature_set: FeatureSet, side: str, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
    """Yields float32 features `[at most CHUNK_ROWS, dimensions]`.

    Args:
        feature_set: what is read.
        side: REAL or FAKE, for the message.
        start, stop: which rows; all of them by default.

    Raises:
        ConfigError: where a feature is not finite.
    """
    return _chunks(feature_set.features, "features", side, start, _last_row(feature_set, stop))


def logit_chunks(feature_set: FeatureSet, side: str, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
    """Yields float32 logits `[at most CHUNK_ROWS, classes]`; arguments as in `feature_chunks`."""
    return _chunks(feature_set.logits, "logits", side, start, _last_row(feature_set, stop))


def read_features(feature_set: FeatureSet, side: str, max_samples: int | None = None) -> np.ndarray:
    """Reads the features of the first `max_samples` examples, a random subset: float32 `[n, dimensions]`."""
    return np.concatenate(list(feature_chunks(feature_set, side, stop=max_samples)))


def check_counts(name: str, real: int | None, fake: int, minimum: int) -> None:
    """Raises ConfigError where a side has fewer than `minimum` examples; `real` is None where it is not known yet."""
    for key, kind, count in (("samples", FAKE, fake), ("real_samples", REAL, real)):
        if count is not None and count < minimum:
            raise ConfigError(key, f"{name} needs at least {minimum:,} {kind} examples", count, "Use more examples.")


def limit_notes(comparison: Comparison, max_samples: int) -> tuple[str, ...]:
    """Returns a sentence for each side of which a metric uses only the first `max_samples` examples."""
    return tuple(
        f"Used {max_samples:,} of the {feature_set.count:,} {side} examples (max_samples={max_samples})."
        for side, feature_set in ((REAL, comparison.real), (FAKE, comparison.fake))
        if feature_set.count > max_samples
    )


def check_finite(rows: np.ndarray, what: str, side: str, start: int = 0) -> np.ndarray:
    """Returns the rows `[n, dimensions]`, the first of which belongs to example `start`.

    Raises:
        ConfigError: where a number in them is not finite.
    """
    bad = int(np.count_nonzero(~np.isfinite(rows).all(axis=1)))
    if bad:
        problem = f"{what} of {bad:,} of the {side} examples {start:,} to {start + len(rows) - 1:,} are not finite"
        advice = "The weights of the generator may be NaN or infinite: evaluate an earlier checkpoint (step=...)."
        raise ConfigError("", problem, advice=advice)
    return rows


def _last_row(feature_set: FeatureSet, stop: int | None) -> int:
    return feature_set.count if stop is None else min(stop, feature_set.count)


def _chunks(read: Callable[[int, int], np.ndarray], what: str, side: str, first: int, end: int) -> Iterator[np.ndarray]:
    if first >= end:
        return
    row_bytes = read(first, first + 1).nbytes
    step = max(1, min(CHUNK_ROWS, CHUNK_BYTES // max(row_bytes, 1)))
    for start in range(first, end, step):
        yield check_finite(read(start, min(start + step, end)), what, side, start)
