"""Limits of seeds, steps and numbers of samples, and the checks that every command shares."""

from __future__ import annotations

from typing import Any

from gan_cli.errors import MAX_INTEGER, ConfigError, check_number

MAX_SAMPLES = 1_000_000
"""Samples of one call, which holds them all in memory for some formats."""
MAX_EXAMPLES = 100_000_000
"""Examples of a generated data set: 2-D points of this number take some gigabytes."""


def check_seed(seed: Any) -> None:
    """Raises ConfigError unless `seed` is an integer that every random generator here takes."""
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigError("seed", f"expected a whole number from 0 to {MAX_INTEGER}", seed)
    check_number("seed", seed, at_least=0, at_most=MAX_INTEGER)


def check_step(key: str, value: Any) -> None:
    """Raises ConfigError unless `value` is the step of a checkpoint, `best`, or None for the newest."""
    if value in (None, "best"):
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
        raise ConfigError(key, "expected the step of a checkpoint, or `best`", value)
