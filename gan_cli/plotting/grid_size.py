"""Rows and columns of an image grid: parsed from text such as 4x6, or chosen for a number of images."""

from __future__ import annotations

import math
import re

from gan_cli.errors import ConfigError


def parse_grid(key: str, text: str) -> tuple[int, int]:
    """Rows and columns of a text such as 4x6. Raises ConfigError for any other text."""
    match = re.fullmatch(r"([1-9]\d{0,2})x([1-9]\d{0,2})", str(text))
    if not match:
        raise ConfigError(key, "expected ROWSxCOLUMNS, each from 1 to 999, such as 4x6", text)
    return int(match[1]), int(match[2])


def grid_shape(count: int) -> tuple[int, int]:
    """Rows and columns of the most nearly square grid that holds `count` images, at least as wide as high."""
    columns = math.ceil(math.sqrt(count))
    return math.ceil(count / columns), columns
