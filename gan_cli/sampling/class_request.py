"""The classes that gan-sample is asked for: `class=7`, `classes=0-9`, `classes=[cat,dog]`."""

from __future__ import annotations

import re
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.data.class_names import all_names, find_classes
from gan_cli.errors import ConfigError
from gan_cli.models.condition import Condition

RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def requested_labels(key: str, value: Any, data: DataSpec, condition: Condition | None) -> list[int]:
    """The labels of the classes that a key names.

    Args:
        key: `class`, `classes` or `code`, for errors.
        value: a name, a number, a range such as 0-9, or a list of these.
        data: with the classes.
        condition: what the generator takes; None for nothing.

    Raises:
        ConfigError: where the generator takes no classes, and for an unknown class.
    """
    if condition is None:
        advice = "Leave it out, or train a generator with conditioning=projection, say."
        raise ConfigError(key, "this generator takes no classes", value, advice)
    names = all_names(data)
    words = value if isinstance(value, list | tuple) else str(value).split(",")
    wanted: list[Any] = []
    for word in words:
        match = RANGE.fullmatch(str(word).strip())
        if match is None or str(word) in names:
            wanted.append(word.strip() if isinstance(word, str) else word)
            continue
        first, last = int(match[1]), int(match[2])
        if first > last or last - first >= data.classes:
            find_classes(key, [last if first <= last else word], data)  # raises the error of an unknown class
            raise ConfigError(key, "expected a range such as 0-9", value)
        wanted += range(first, last + 1)
    return find_classes(key, wanted, data)
