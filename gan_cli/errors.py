"""What a user can mend: one error class, the checks that raise it, and the nearest name.

Every configuration class checks its own fields in `__post_init__` with these functions and names a field alone
(`weight`); the code that builds it from YAML puts the rest of the key before it (`penalty.r1.weight`).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

MAX_INTEGER = 2**31 - 1
"""Of seeds, steps and the like: random numbers are keyed by 32-bit words, and shapes are 32-bit in many places."""

LONGEST_VALUE = 300
"""Characters of a value in a message; a path is seldom longer."""


class ConfigError(ValueError):
    """A configuration that can't work: the key, its value, what is wrong and what to do.

    Args:
        key: the dotted key, as it is typed on the command line; "" where no single key is at fault.
        problem: what was expected or what went wrong, as a clause without a full stop.
        value: what stood there; left out of the message where it is `...`.
        advice: what to do, a sentence; the nearest valid name, say.
    """

    def __init__(self, key: str, problem: str, value: Any = ..., advice: str = "") -> None:
        self.key, self.problem, self.value, self.advice = key, problem, value, advice
        super().__init__(self.message())

    def message(self) -> str:
        place = self.key if self.value is ... else f"{self.key}={show(self.value)}"
        text = f"{place}: {self.problem}" if place else self.problem
        return f"{text}. {self.advice}" if self.advice else f"{text}."

    def below(self, prefix: str) -> ConfigError:
        """The same error, its key seen from the root of the configuration."""
        if self.key.startswith(("-", f"{prefix}.")):
            return self  # seen from the root already
        key = ".".join(part for part in (prefix, self.key) if part)
        return ConfigError(key, self.problem, self.value, self.advice)


def show(value: Any) -> str:
    """`value` as it is typed on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ",".join(show(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{show(item)}" for name, item in value.items()) + "}"
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without its full stop; the name of its class where it has no text."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__).rstrip(".")


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Advice that names the allowed word nearest to `name`, or "" where none is near. Capital letters do not count."""
    words = {word.lower(): word for word in allowed}
    typed = name.lower()
    holding = [word for word in words if typed in word.split("_")]
    near = holding if len(holding) == 1 else difflib.get_close_matches(typed, words, n=1, cutoff=0.6)
    return f"Did you mean {words[near[0]]}?" if near else ""


def check_choice(key: str, value: Any, allowed: Iterable[str]) -> None:
    """Raises ConfigError unless `value` is one of `allowed`."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ConfigError(key, f"expected one of {', '.join(allowed)}", value, nearest(str(value), allowed))


@runtime_checkable
class Numbers(Protocol):
    """Several numbers in the place of one: a schedule."""

    def numbers(self) -> Mapping[str, float]:
        """Returns the numbers by the name of their key."""
        ...


def check_number(
    key: str,
    value: float | Numbers,
    *,
    at_least: float = -math.inf,
    above: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
) -> None:
    """Raises ConfigError unless `value` is finite and within the bounds. Whole numbers are below 2^31 in any case.

    Of a schedule, each of its numbers has to be, and the error names its key: `weight.end`.
    """
    if isinstance(value, Numbers):
        for name, number in value.numbers().items():
            check_number(f"{key}.{name}", number, at_least=at_least, above=above, at_most=at_most, below=below)
        return
    is_whole = isinstance(value, int)
    if is_whole and at_most == below == math.inf and value > MAX_INTEGER:
        at_most = MAX_INTEGER
    is_finite = is_whole or math.isfinite(value)  # isfinite raises OverflowError for a whole number above 1.8e308
    if not (is_finite and at_least <= value <= at_most and above < value < below):
        bounds = [
            f"{word} {bound:.10g}"
            for word, bound in (("at least", at_least), ("above", above), ("at most", at_most), ("below", below))
            if math.isfinite(bound)
        ]
        kind = "a whole number" if is_whole else "a number"
        raise ConfigError(key, f"expected {kind} {' and '.join(bounds)}".rstrip(), value)
