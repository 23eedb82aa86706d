"""Finds the classes that a user names, by name or by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, nearest

MOST_NAMES = 20
"""Classes that a message lists."""
LONGEST_NAME = 1000
"""Characters of the name of a class in a file that somebody else may have written."""


def find_classes(key: str, values: Any, data: DataSpec) -> list[int]:
    """The labels of the classes that `values` names, in its order.

    Args:
        key: of the configuration, for errors.
        values: a name, a number, or a list of such.
        data: with the classes.

    Raises:
        ConfigError: where the data has no classes, for an unknown class, one that is named twice, and none at all.
    """
    if data.classes == 0:
        raise ConfigError(key, "the data has no classes", values, "See docs/data.md on labels.")
    wanted = list(values) if isinstance(values, list | tuple) else [values]
    if not wanted:
        raise ConfigError(key, f"expected at least one class; {describe_classes(data)}", values)
    labels = [find_class(key, value, data) for value in wanted]
    twice = next((value for value, label in zip(wanted, labels, strict=True) if labels.count(label) > 1), None)
    if twice is not None:
        raise ConfigError(key, f"names the class {twice} twice", values)
    return labels


def find_class(key: str, value: Any, data: DataSpec) -> int:
    """The label of a class, by its name, or by its number where no class has a number as its name.

    Raises:
        ConfigError: where there is no such class, with the nearest one.
    """
    text = str(value)
    names = all_names(data)
    if text in names:
        return names.index(text)
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if is_number and int(text) < data.classes and not any(name.isdigit() for name in names):
        return int(text)
    near = "" if is_number or data.classes > 1000 else nearest(text, names)
    raise ConfigError(key, f"there is no such class; {describe_classes(data)}", value, near)


def all_names(data: DataSpec) -> Sequence[str]:
    """The names of all classes, in the order of their labels."""
    return data.class_names or [str(label) for label in range(data.classes)]


def describe_classes(data: DataSpec) -> str:
    """`the classes are cat, dog`, the first ones where there are many; `there are no classes` without any."""
    if data.classes == 0:
        return "there are no classes"
    if not data.class_names:
        return f"the classes are 0 to {data.classes - 1}" if data.classes > 1 else "the only class is 0"
    more = f" and {data.classes - MOST_NAMES:,} more" if data.classes > MOST_NAMES else ""
    names = ", ".join(data.class_names[:MOST_NAMES]) + more
    return f"the classes are {names}" if data.classes > 1 else f"the only class is {names}"


def is_list_of_names(names: Any) -> bool:
    """Whether a value is a list of different texts, none of them too long for a name."""
    if not isinstance(names, list) or not all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in names):
        return False
    return len(set(names)) == len(names)
