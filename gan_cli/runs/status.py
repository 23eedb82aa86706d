"""status.json: where a run stands."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gan_cli.errors import MAX_INTEGER
from gan_cli.regular_files import read_regular

STATES = ("running", "finished", "interrupted", "failed")


@dataclass(frozen=True)
class Status:
    """Where a run stands.

    Attributes:
        state: one of STATES; `running` also after a kill, where nothing more could be written.
        step: the last step that is known to be done.
        error: what went wrong, where the run failed.
    """

    state: str
    step: int
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_status(directory: Path) -> Status:
    """The status of the run in `directory`; interrupted at step 0 where none can be read."""
    return find_status(directory) or Status("interrupted", 0)


def find_status(directory: Path) -> Status | None:
    """The status of the run in `directory`, None where status.json is missing or can't be read."""
    try:
        values = json.loads(read_regular(directory / "status.json"))
        return Status(checked_state(values["state"]), checked_step(values["step"]), checked_error(values.get("error")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def checked_state(value: Any) -> str:
    if value not in STATES:
        raise ValueError("no state of a run")
    return str(value)


def checked_step(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise ValueError("no step")
    return value


def checked_error(value: Any) -> str | None:
    return value if isinstance(value, str) else None
