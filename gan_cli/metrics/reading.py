"""Reading one side of a comparison in portions, so that memory does not grow with the number of examples.

A generator that diverged gives features that are not finite. They are refused here, where they come in, since no
metric can say anything about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gan_cli.checks import ConfigError
from gan_cli.metrics import Evidence

PORTION = 1000
"""Rows read at once: of Inception's 2,048 features, 16 MB in float64."""

REAL, FAKE = "real", "generated"
"""The two sides as messages call them."""


def feature_portions(evidence: Evidence, side: str, most: int | None = None) -> Iterator[np.ndarray]:
    """float64 features `[at most PORTION, dimensions]`, one portion after the other.

    Args:
        evidence: what is read.
        side: REAL or FAKE, for the message.
        most: stop after so many rows; None reads all.

    Raises:
        ConfigError: where a feature is not finite.
    """
    return _portions(evidence.features, "features", side, _rows(evidence, most))


def logit_portions(evidence: Evidence, side: str, most: int | None = None) -> Iterator[np.ndarray]:
    """float64 logits `[at most PORTION, classes]`, as `feature_portions`."""
    return _portions(evidence.logits, "logits", side, _rows(evidence, most))


def features_of(evidence: Evidence, side: str, most: int | None = None) -> np.ndarray:
    """All features at once, float32 `[at most most, dimensions]`: the first, which are a random subset."""
    return np.concatenate([rows.astype(np.float32) for rows in feature_portions(evidence, side, most)])


def check_counts(name: str, real: int | None, fake: int, least: int) -> None:
    """Raises ConfigError where one side has fewer than `least` examples; `real` is None where that is not known yet."""
    for key, kind, count in (("samples", FAKE, fake), ("real_samples", REAL, real)):
        if count is not None and count < least:
            raise ConfigError(key, f"{name} needs at least {least:,} {kind} examples", count, "Give it more.")


def _rows(evidence: Evidence, most: int | None) -> int:
    return evidence.count if most is None else min(most, evidence.count)


def _portions(read: Callable[[int, int], np.ndarray], what: str, side: str, count: int) -> Iterator[np.ndarray]:
    for start in range(0, count, PORTION):
        rows = np.asarray(read(start, min(start + PORTION, count)), np.float64)
        bad = int(np.count_nonzero(~np.isfinite(rows).all(axis=1)))
        if bad:
            problem = f"{what} of {bad:,} of the {side} examples {start:,} to {start + len(rows) - 1:,} are not finite"
            raise ConfigError("", problem, advice="A generator whose weights became NaN or infinite can't be measured.")
        yield rows
