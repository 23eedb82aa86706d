"""Telling whoever waits what is being done: lines, warnings and progress, wherever they are shown."""

from __future__ import annotations

from typing import Protocol


class ProgressReporter(Protocol):
    """Long work is given one of these and speaks through it alone, never through `print`."""

    def line(self, text: str) -> None:
        """One line that stays."""
        ...

    def warn(self, text: str) -> None:
        """One line that stays, about something that runs and is probably not as it was meant."""
        ...

    def progress(self, what: str, done: int, total: int) -> None:
        """`done` of `total` things of the work `what` ("extracting real features") are done; may be shown or not."""
        ...


class SilentReporter:
    """A teller that nobody listens to."""

    def line(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def progress(self, what: str, done: int, total: int) -> None: ...
