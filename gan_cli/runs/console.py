"""What the person at the console sees, and the same in train.log."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

PLAIN_INTERVAL = 5.0  # seconds between lines where the output is no terminal


class Console:
    """Lines on standard output, a progress bar on a terminal, and a copy of all lines in a log file.

    Lines that come before the log file is known are kept and written to it then.
    """

    def __init__(self) -> None:
        self.log: TextIO | None = None
        self.kept: list[str] = []
        self.bar: Bar | None = None
        self.work, self.work_since = "", 0.0
        self.total = 0
        self.first_step = 0
        self.began = self.last_line = time.monotonic()

    def open_log(self, path: Path) -> None:
        self.log = path.open("a")
        for line in self.kept:
            self.write_log(line)
        self.kept.clear()

    def close(self) -> None:
        if self.log is not None:
            self.log.close()
            self.log = None

    def line(self, text: str = "") -> None:
        """One or more lines to the console and the log."""
        if self.bar is not None:
            self.bar.print(text)
        else:
            print(text, flush=True)
        self.write_log(text)

    def warn(self, text: str) -> None:
        self.line(f"Warning: {text}")

    def error(self, text: str) -> None:
        """A message to standard error and the log."""
        print(text, file=sys.stderr, flush=True)
        self.write_log(text)

    def reading(self, done: int, total: int) -> None:
        """Shows how much of the data has been read, where that takes long."""
        self.progress("reading data", done, total)

    def progress(self, what: str, done: int, total: int) -> None:
        """Shows how far some work beside training is, where that takes long: beside the bar, or in a line."""
        now = time.monotonic()
        if what != self.work:
            self.work, self.work_since = what, now
        if self.bar is not None:
            self.bar.show(f"{what} {done / max(total, 1):.0%}")
        elif now - self.work_since >= PLAIN_INTERVAL:
            self.work_since = now
            print(f"{what}: {done:,} of {total:,}", flush=True)

    def write_log(self, text: str) -> None:
        if self.log is None:
            self.kept.append(text)
        else:
            with suppress(OSError):  # a full disk must not end a run that could still be told of
                self.log.write(text + "\n")
                self.log.flush()

    @contextmanager
    def training(self, first_step: int, total: int) -> Iterator[None]:
        """Shows progress from `first_step` to `total` for as long as it is open."""
        self.first_step, self.total = first_step, total
        self.began = self.last_line = time.monotonic()
        if sys.stdout.isatty():
            self.bar = Bar(first_step, total)
        try:
            yield
        finally:
            if self.bar is not None:
                self.bar.close()
                self.bar = None

    def advance(self, step: int, metrics: Mapping[str, float], rate: float | None, measured: str = "") -> None:
        """Shows where training stands: a bar on a terminal, else a line every few seconds and one at the end.

        Args:
            metrics: of the last step.
            rate: images per second, None before there is one.
            measured: the number by which the run is judged, in words.
        """
        facts = format_progress(metrics, rate) + (f"  {measured}" if measured else "")
        if self.bar is not None:
            short = format_progress(metrics, rate, ("G", "D"))
            self.bar.update(step, f"{short}  {measured}" if measured else short)
        now = time.monotonic()
        if now - self.last_line >= PLAIN_INTERVAL or step == self.total:
            self.last_line = now
            left = (now - self.began) / max(step - self.first_step, 1) * (self.total - step)
            when = "" if rate is None else f"  left {clock(left)}"  # compiling tells nothing about what follows
            text = f"step {step}/{self.total} ({step / self.total:.0%})  {facts}{when}"
            if self.bar is None:
                print(text, flush=True)
            self.write_log(text)

    @contextmanager
    def python_warnings(self) -> Iterator[None]:
        """Shows what Python's `warnings` say as lines of ours, in the log too."""
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            self.warn(f"{category.__name__}: {message}")

        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = before


class Bar:
    """A progress bar on a terminal."""

    def __init__(self, first_step: int, total: int) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.rich = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(compact=True),
            console=RichConsole(highlight=False),
        )
        self.task = self.rich.add_task("training", total=total, completed=first_step, facts="compiling")
        self.rich.start()

    def update(self, step: int, facts: str) -> None:
        self.rich.update(self.task, completed=step, facts=facts)

    def show(self, facts: str) -> None:
        self.rich.update(self.task, facts=facts)

    def print(self, text: str) -> None:
        self.rich.console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        self.rich.stop()


def format_progress(
    metrics: Mapping[str, float], rate: float | None, names: tuple[str, str] = ("generator", "discriminator")
) -> str:
    """Speed and both losses on one line; shorter `names` leave room for a bar in 80 columns."""
    speed = "compiling" if rate is None else f"{rate:,.0f} images/s"
    losses = (metrics["generator_loss"], metrics["discriminator_loss"])
    told = "  ".join(f"{name} {loss:#.3g}" for name, loss in zip(names, losses, strict=True))
    return f"{speed}  {told}"


def clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
