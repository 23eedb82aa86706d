"""The error for an `auto` where no rule chooses a value: it names the keys that have one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gan_cli.config.data_rules import RULES
from gan_cli.config.rule import AUTO
from gan_cli.errors import ConfigError


@contextmanager
def rules_named_for_auto() -> Iterator[None]:
    """Adds the keys that have a rule to the error for an `auto` that has none."""
    try:
        yield
    except ConfigError as error:
        if error.value != AUTO:
            raise
        advice = f"{error.advice} `auto` goes with {', '.join(rule.key for rule in RULES)}.".strip()
        raise ConfigError(error.key, error.problem, error.value, advice) from None
