"""status.json: where a run stands."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
    try:
        values = json.loads((directory / "status.json").read_text("utf-8"))
        return Status(values["state"], int(values["step"]), values.get("error"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Status("interrupted", 0)
