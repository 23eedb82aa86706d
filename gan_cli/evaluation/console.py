"""What the person at the console sees of an evaluation: everything but the result itself, on standard error."""

from __future__ import annotations

import sys
import time
from typing import Any

PLAIN_INTERVAL = 5.0  # seconds between lines of progress where standard error is no terminal


class EvaluationConsole:
    """A teller for commands: a progress bar on a terminal, else a line every few seconds.

    Standard output is left to the result, so that it can be piped on.
    """

    def __init__(self) -> None:
        self.bar: Any = None
        self.work = ""
        self.began = self.last = time.monotonic()

    def line(self, text: str) -> None:
        if self.bar is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self.bar.console.print(text, markup=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        self.line(f"Warning: {text}")

    def progress(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self.work:
            self.work, self.began, self.last = what, now, now
            self.close_bar()
        if sys.stderr.isatty():
            self.show(what, done, total)
        elif now - self.last >= PLAIN_INTERVAL:
            self.last = now
            left = (now - self.began) / max(done, 1) * (total - done)
            self.line(f"{what}: {done:,} of {total:,}, about {left:,.0f} s left")

    def show(self, what: str, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self.bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn())
            console = Console(stderr=True, highlight=False)
            self.bar = Progress(*columns, TimeRemainingColumn(compact=True), console=console, transient=True)
            self.bar.add_task(what, total=total)
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=done)
        if done >= total:
            self.close_bar()

    def close_bar(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def close(self) -> None:
        self.close_bar()

    def reading(self, done: int, total: int) -> None:
        """For a data source, which reads one thing."""
        self.progress("reading data", done, total)
