"""The contract by which long work reports lines, warnings and progress, wherever they are shown."""

from __future__ import annotations


class ProgressReporter:
    """Long work gets one of these and reports through it alone, never by `print`. This one shows nothing."""

    def line(self, text: str) -> None:
        """Shows a line that stays. Does nothing by default."""

    def warn(self, text: str) -> None:
        """Shows a warning that stays: something runs and is probably not as the user meant. Does nothing by default."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Reports that `done` of `total` items of the work `what` ("extracting real features") are done.

        It may be called often and may be shown or not. Does nothing by default.
        """


class SilentReporter(ProgressReporter):
    """Shows nothing."""
