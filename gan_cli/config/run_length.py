"""Schedules that end with the run: `steps` is null in the configuration, and train.steps in what is built from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.schedule import Schedule


def schedules_of(part: Any) -> Iterator[tuple[str, Schedule]]:
    """Each field of a part that holds a schedule, by its name."""
    if dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if isinstance(value, Schedule):
                yield field.name, value


def with_run_length(key: str, part: Any, steps: int) -> Any:
    """A part whose schedules without `steps` end at step `steps`.

    Raises:
        ConfigError: where a delay is not shorter than the run.
    """
    changed = {}
    for name, schedule in schedules_of(part):
        if schedule.steps is None:
            try:
                changed[name] = dataclasses.replace(schedule, steps=steps)
            except ConfigError as error:
                raise error.below(f"{key}.{name}") from None
    return dataclasses.replace(part, **changed) if changed else part
