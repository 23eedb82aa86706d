"""Lists of seeds as text: parsed from `0-15` or `[3,7,0-2]`, and written for a file name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.number_limits import MAX_INTEGER, MAX_SAMPLES

LONGEST_NAME = 60
"""Characters of a list of seeds in a file name; file systems allow 255 bytes for the whole name."""


def parse_seeds(value: Any, key: str = "seeds") -> list[int]:
    """Whole numbers from `0-15`, `7`, or a list of such. Raises ConfigError about `key` for anything else."""
    seeds: list[int] = []
    for part in value if isinstance(value, list) else str(value).split(","):
        match = re.fullmatch(r"([0-9]{1,10})(?:-([0-9]{1,10}))?", str(part).strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last or last > MAX_INTEGER:
            raise ConfigError(key, "expected a range such as 0-15, or a list such as [3,7,0-2]", value)
        if len(seeds) + last - first >= MAX_SAMPLES:
            raise ConfigError(key, f"names more than {MAX_SAMPLES:,}", value)
        seeds.extend(range(first, last + 1))
    if not seeds:
        raise ConfigError(key, "expected at least one", value)
    return seeds


def seeds_name(seeds: Sequence[int]) -> str:
    """A list of seeds as part of a file name: `0-3`, `0-1_3`; two different lists have two different names.

    A long list is given by its ends, its length and the start of its SHA-256.
    """
    ranges: list[list[int]] = []
    for seed in seeds:
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    name = "_".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{seeds[0]}_to_{seeds[-1]}_count_{len(seeds)}_{digest}"
