"""Reading one side of a comparison in portions, so that memory does not grow with the number of examples.

A generator that diverged gives features that are not finite. They are refused here, where they come in, since no
metric can say anything about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, FeatureSet

CHUNK_BYTES = 4000
"""Rows read at once: of Inception's 2,048 features, 31 MiB in float32."""

REAL, FAKE = "real", "generated"
"""The two sides as messages call them."""


def feature_chunks(evidence: FeatureSet, side: str, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
    """float32 features `[at most CHUNK_BYTES, dimensions]`, one portion after the other.

    Args:
        evidence: what is read.
        side: REAL or FAKE, for the message.
        start, stop: which rows; all of them by default.

    Raises:
        ConfigError: where a feature is not finite.
    """
    return _portions(evidence.features, "features", side, start, _end(evidence, stop))


def logit_chunks(evidence: FeatureSet, side: str, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
    """float32 logits `[at most CHUNK_BYTES, classes]`, as `feature_chunks`."""
    return _portions(evidence.logits, "logits", side, start, _end(evidence, stop))


def _end(evidence: FeatureSet, stop: int | None) -> int:
    return evidence.count if stop is None else min(stop, evidence.count)


def features_of(evidence: FeatureSet, side: str, most: int | None = None) -> np.ndarray:
    """All features at once, float32 `[at most most, dimensions]`: the first, which are a random subset."""
    return np.concatenate(list(feature_chunks(evidence, side, stop=most)))


def check_counts(name: str, real: int | None, fake: int, least: int) -> None:
    """Raises ConfigError where one side has fewer than `least` examples; `real` is None where that is not known yet."""
    for key, kind, count in (("samples", FAKE, fake), ("real_samples", REAL, real)):
        if count is not None and count < least:
            raise ConfigError(key, f"{name} needs at least {least:,} {kind} examples", count, "Give it more.")


def notes_of_bound(comparison: Comparison, most: int) -> tuple[str, ...]:
    """A sentence for each side of which a metric reads only the first `most`."""
    return tuple(
        f"{most:,} of the {evidence.count:,} {side} examples were looked at (most={most})."
        for side, evidence in ((REAL, comparison.real), (FAKE, comparison.fake))
        if evidence.count > most
    )


def _portions(
    read: Callable[[int, int], np.ndarray], what: str, side: str, first: int, end: int
) -> Iterator[np.ndarray]:
    for start in range(first, end, CHUNK_BYTES):
        yield check_finite(read(start, min(start + CHUNK_BYTES, end)), what, side, start)


def check_finite(rows: np.ndarray, what: str, side: str, start: int = 0) -> np.ndarray:
    """The same rows `[n, dimensions]`, the first of which is that of example `start`.

    Raises:
        ConfigError: where a number in them is not finite.
    """
    bad = int(np.count_nonzero(~np.isfinite(rows).all(axis=1)))
    if bad:
        problem = f"{what} of {bad:,} of the {side} examples {start:,} to {start + len(rows) - 1:,} are not finite"
        raise ConfigError("", problem, advice="A generator whose weights became NaN or infinite can't be measured.")
    return rows
