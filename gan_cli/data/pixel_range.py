"""Range of the pixels in an array: which values are black and white, and the conversion to uint8.

Floats are in [0, 1], [-1, 1] or [0, 255]. Rounding may carry a value beyond its range by a fraction of a grey level,
which is clipped; anything else is refused, because a wrong guess washes out every image.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from gan_cli.errors import ConfigError

TOLERANCE = 0.5 / 255  # of the range: half a grey level
BRIGHTEST_BLACK = -0.6  # the darkest pixel of images in [-1, 1] is at most this; [-0.5, 0.5] is another usual range
LARGEST_LEVEL = 1e30
FEWEST_LEVELS = 16  # the brightest pixel of images in [0, 255] is at least this


class PixelRange(NamedTuple):
    """Values that stand for black and white."""

    black: float
    white: float

    def contains(self, low: float, high: float) -> bool:
        slack = TOLERANCE * (self.white - self.black)
        return self.black - slack <= low and high <= self.white + slack  # false for NaN

    def to_uint8(self, values: np.ndarray) -> np.ndarray:
        """Values of any shape in this range to [0, 255]; uint8 as they are, booleans to 0 and 255."""
        if values.dtype == np.uint8:
            return np.asarray(values)
        if values.dtype == bool:
            return values.astype(np.uint8) * np.uint8(255)
        levels = (values.astype(np.float64) - self.black) * (255 / (self.white - self.black))
        return np.round(levels).clip(0, 255).astype(np.uint8)


UNIT, SIGNED, BYTES = PixelRange(0.0, 1.0), PixelRange(-1.0, 1.0), PixelRange(0.0, 255.0)


class PixelStatistics(NamedTuple):
    """What the range of floats is found from.

    Attributes:
        low, high: smallest and largest value.
        above_one: number of values above 1.
        inside_unit: number of values between 0 and 1, both excluded.
    """

    low: Any
    high: Any
    above_one: int
    inside_unit: int

    @staticmethod
    def of(chunks: Iterable[np.ndarray]) -> PixelStatistics:
        parts = [
            PixelStatistics(
                chunk.min(),
                chunk.max(),
                int(np.count_nonzero(chunk > 1)),
                int(np.count_nonzero((chunk > TOLERANCE) & (chunk < 1 - TOLERANCE))),
            )
            for chunk in chunks
        ]
        lows, highs, above, inside = zip(*parts, strict=True)
        return PixelStatistics(np.min(lows), np.max(highs), sum(above), sum(inside))


def parse_value_range(value: Any) -> PixelRange | None:
    """The range of `[0,1]`; None of `auto`. Raises ConfigError."""
    if value == "auto":
        return None
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    if is_pair and all(is_level(level) for level in value) and value[0] < value[1]:
        return PixelRange(float(value[0]), float(value[1]))
    problem = "expected auto, or the values of black and white"
    raise ConfigError("value_range", problem, value, "For example dataset.value_range=[0,1].")


def is_level(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= LARGEST_LEVEL  # False for NaN


def find_pixel_range(statistics: PixelStatistics, wanted: PixelRange | None, path: str) -> PixelRange:
    """The range of floats, or `wanted` where all values lie in it. Raises ConfigError with the values found."""
    low, high = float(statistics.low), float(statistics.high)
    found = f"they reach from {statistics.low!s} to {statistics.high!s}"
    if wanted is not None:
        if wanted.contains(low, high):
            return wanted
        problem = f"the pixels of {path} lie outside: {found}"
        raise ConfigError("value_range", problem, list(wanted), "Scale them, or give the range that they have.")
    if UNIT.contains(low, high):
        return UNIT
    if SIGNED.contains(low, high) and low <= BRIGHTEST_BLACK:
        return SIGNED
    if BYTES.contains(low, high) and high >= FEWEST_LEVELS and statistics.above_one >= statistics.inside_unit:
        return BYTES
    problem = f"expected floats in [0, 1], [-1, 1] or [0, 255]; {found}"
    if BYTES.contains(low, high) and high >= FEWEST_LEVELS:
        problem += (
            f", and more of them ({statistics.inside_unit:,}) lie inside [0, 1] than above ({statistics.above_one:,})"
        )
    advice = "Scale them, or save uint8 in [0, 255]. dataset.value_range=[BLACK,WHITE] names any range."
    raise ConfigError("path", problem, path, advice)
