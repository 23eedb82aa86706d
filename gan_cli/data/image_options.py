"""Options of every image source: size, channels, background, resizing, flips, memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import ImageColor

from gan_cli.data import Source
from gan_cli.data.resize import ResizeOptions
from gan_cli.errors import ConfigError, check_choice, check_number, nearest

CHANNELS = {"grey": 1, "gray": 1, "rgb": 3, "rgba": 4}
RESIZES = ("crop", "stretch")
LARGEST_SIDE = 2**14  # pixels; one such image takes 800 MB
LONGEST_NUMBER = 19  # digits; Python refuses to read those of thousands


@dataclass(frozen=True, kw_only=True)
class ImageSource(Source):
    """The keys of configs/dataset/_images.yaml, which explains each."""

    image_size: Any = None
    channels: Any = "auto"
    background: Any = "white"
    resize: str = "crop"
    flip: bool = False
    memory_limit: float = 2.0

    def __post_init__(self) -> None:
        parse_size(self.image_size)
        parse_channels(self.channels)
        parse_colour(self.background)
        check_choice("resize", self.resize, RESIZES)
        check_number("memory_limit", self.memory_limit, at_least=0)

    def shape(self, height: int, width: int, channels: int) -> tuple[int, int, int]:
        """(height, width, channels) of the examples, for data that comes in this shape."""
        size = parse_size(self.image_size) or (height, width)
        return (*size, parse_channels(self.channels) or channels)

    def fit(self, shape: tuple[int, ...]) -> ResizeOptions:
        height, width, channels = shape
        return ResizeOptions((height, width, channels), self.resize, parse_colour(self.background))


def parse_size(value: Any) -> tuple[int, int] | None:
    """(height, width) of `64`, `[32, 48]` or `32x48`; None of null. Raises ConfigError."""
    sides = value
    if isinstance(value, str):
        sides = value.lower().split("x")
        if all(side.strip().isdecimal() and len(side) < LONGEST_NUMBER for side in sides):
            sides = [int(side) for side in sides]
    elif isinstance(value, int):
        sides = [value]
    if sides is None:
        return None
    if not isinstance(sides, list | tuple) or len(sides) not in (1, 2) or not all(is_side(side) for side in sides):
        advice = "Type dataset.image_size=64, or dataset.image_size=32x48 for 32 high and 48 wide."
        problem = f"expected null, a whole number or height x width; sides up to {LARGEST_SIDE}"
        raise ConfigError("image_size", problem, value, advice)
    return (sides[0], sides[-1])


def is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_SIDE


def parse_channels(value: Any) -> int | None:
    """1, 3 or 4 of `grey` (or `gray`), `rgb`, `rgba` or the number itself; None of `auto`. Raises ConfigError."""
    if value == "auto":
        return None
    number = CHANNELS.get(value, 0) if isinstance(value, str) else value
    if type(number) is not int or number not in CHANNELS.values():
        allowed = ("auto", *CHANNELS)
        problem = f"expected one of {', '.join(allowed)}, or 1, 3 or 4"
        raise ConfigError("channels", problem, value, nearest(str(value), allowed))
    return number


def parse_colour(value: Any) -> tuple[int, int, int]:
    """Red, green, blue in [0, 255] of a name, `#rrggbb` or three numbers. Raises ConfigError."""
    if isinstance(value, list | tuple):
        if len(value) == 3 and all(type(level) is int and 0 <= level <= 255 for level in value):
            return (value[0], value[1], value[2])
    elif isinstance(value, str):
        try:
            return ImageColor.getrgb(value)[:3]
        except ValueError:
            pass  # reported below, with the key
    problem = "expected the name of a colour, '#rrggbb' or [red, green, blue] in 0 to 255"
    raise ConfigError("background", problem, value, nearest(str(value), ImageColor.colormap))
