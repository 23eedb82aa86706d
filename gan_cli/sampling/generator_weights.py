"""Which weights of a trained generator are used: the EMA weights or the raw ones."""

from __future__ import annotations

from typing import Any

from gan_cli.errors import ConfigError, check_choice

EMA, RAW = "ema", "raw"
WEIGHTS = (EMA, RAW)
SYNONYMS = {"averaged": EMA}
"""Release 0.1 wrote `averaged`; commands and stored protocols that say so mean the EMA."""
CHECKPOINT_PART = {EMA: "averaged", RAW: "generator"}
"""The prefix of the arrays in a checkpoint."""


def parse_weights(value: Any, key: str = "weights") -> str:
    """`ema` or `raw`, with synonyms resolved. Raises ConfigError for anything else."""
    name = SYNONYMS.get(value, value) if isinstance(value, str) else value
    check_choice(key, name, WEIGHTS)
    return str(name)


def check_without_generator(weights: Any, truncation: float) -> None:
    """Raises ConfigError for options of a generator that are set beside `fake=`, where they would have no effect."""
    if parse_weights(weights) != EMA:
        raise ConfigError("weights", "goes with a generator, not with fake=", weights)
    if truncation != 1:
        raise ConfigError("truncation", "goes with a generator, not with fake=", truncation)
