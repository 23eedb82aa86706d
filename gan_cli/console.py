"""What all commands show while they work: lines, warnings, errors and progress, and a copy of the lines in a log file.

On a terminal, progress is one `rich` display with a bar for training and one for other work. Elsewhere it is a plain
line every few seconds. Broken output never raises (`gan_cli.output_streams`).
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from gan_cli.output_streams import SafeStream, printable
from gan_cli.progress import ProgressReporter
from gan_cli.runs.atomic_files import open_to_append

PLAIN_INTERVAL = 5.0
"""Seconds between lines of progress where the output is no terminal."""


class Console(ProgressReporter):
    """Shows lines and progress on one stream, and appends the lines to a log file.

    Lines that come before the log file is open are written to it when it opens.

    Args:
        stderr: whether to use standard error, for commands whose standard output holds their result alone.
    """

    def __init__(self, stderr: bool = False) -> None:
        self.stream = safe(sys.stderr if stderr else sys.stdout)
        self.log: IO[bytes] | None = None
        self.lines_before_log: list[str] = []
        self.display: ProgressDisplay | None = None
        self.work, self.work_start = "", 0.0
        self.first_step = self.total_steps = 0
        self.training_start: float | None = None
        self.last_progress = time.monotonic()

    def open_log(self, path: Path) -> None:
        """Appends all lines to the file `path` from now on, and those of before at once."""
        self.log = open_to_append(path)
        for line in self.lines_before_log:
            self.write_log(line)
        self.lines_before_log.clear()

    def close(self) -> None:
        self.close_display()
        if self.log is not None:
            with suppress(OSError):
                self.log.close()
            self.log = None

    def line(self, text: str = "") -> None:
        """Shows one or more lines and writes them to the log."""
        self.write_log(text)
        self.show(text)

    def warn(self, text: str) -> None:
        self.line(f"Warning: {text}")

    def error(self, text: str) -> None:
        """Shows a message on standard error and writes it to the log."""
        self.write_log(text)
        write_line(safe(sys.stderr), text)

    def show(self, text: str) -> None:
        """Shows text without writing it to the log."""
        if self.display is not None:
            self.display.print(printable(text, keep="\n\t"))
        else:
            write_line(self.stream, text)

    def write_log(self, text: str) -> None:
        """Writes text to the log alone. A full disk is ignored."""
        if self.log is None:
            self.lines_before_log.append(text)
            return
        with suppress(OSError):
            self.log.write((printable(text, keep="\n\t") + "\n").encode())
            self.log.flush()

    def read_data(self, done: int, total: int) -> None:
        """Reports how much of a data set was read, for a data source, which reads one thing."""
        self.progress("reading data", done, total)

    def progress(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self.work:
            self.work, self.work_start, self.last_progress = what, now, now
        if self.stream.isatty():
            self.open_display().update_work(printable(what), done, total)
            if done >= total and self.training_start is None:
                self.close_display()
        elif now - self.last_progress >= PLAIN_INTERVAL:
            self.last_progress = now
            left = (now - self.work_start) / max(done, 1) * max(total - done, 0)
            self.show(f"{what}: {done:,} of {total:,}, about {format_duration(left)} left")

    @contextmanager
    def training(self, first_step: int, total_steps: int) -> Iterator[None]:
        """Shows the progress of training while the context is open; see `advance`."""
        self.first_step, self.total_steps = first_step, total_steps
        self.training_start = self.last_progress = time.monotonic()
        if self.stream.isatty():
            self.open_display().update_training(first_step, total_steps, "compiling")
        try:
            yield
        finally:
            self.training_start = None
            self.close_display()

    def advance(self, step: int, metrics: Mapping[str, float], rate: float | None, evaluation: str = "") -> None:
        """Shows the progress of training: a bar on a terminal, else a line every few seconds and one at the end.

        Args:
            step: steps done.
            metrics: of the last step.
            rate: images per second, None before it is known.
            evaluation: the best value so far of the metric that selects the best checkpoint, as text.
        """
        if self.display is not None:
            facts = format_progress(metrics, rate, ("G", "D"))
            self.display.update_training(step, self.total_steps, f"{facts}  {evaluation}".rstrip())
        now = time.monotonic()
        if now - self.last_progress >= PLAIN_INTERVAL or step == self.total_steps:
            self.last_progress = now
            facts = f"{format_progress(metrics, rate)}  {evaluation}".rstrip()
            elapsed = now - (self.training_start or now)
            left = elapsed / max(step - self.first_step, 1) * (self.total_steps - step)
            time_left = "" if rate is None else f"  left {format_duration(left)}"  # unknown while the graph compiles
            text = f"step {step}/{self.total_steps} ({step / self.total_steps:.0%})  {facts}{time_left}"
            self.write_log(text)
            if self.display is None:
                self.show(text)

    def open_display(self) -> ProgressDisplay:
        if self.display is None:
            self.display = ProgressDisplay(self.stream)
        return self.display

    def close_display(self) -> None:
        if self.display is not None:
            self.display.close()
            self.display = None

    @contextmanager
    def python_warnings(self) -> Iterator[None]:
        """Shows the warnings of Python's `warnings` module as lines, in the log too."""
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            self.warn(f"{category.__name__}: {message}")

        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = before


class ProgressDisplay:
    """Progress bars on a terminal: one for training, one for other work."""

    def __init__(self, stream: SafeStream) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.rich = Progress(
            TextColumn("{task.description}", markup=False),
            MofNCompleteColumn(),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[facts]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=RichConsole(file=stream, highlight=False, emoji=False),  # type: ignore[arg-type]
            transient=True,
        )
        self.training_task: Any = None
        self.work_task: Any = None
        self.rich.start()

    def update_training(self, step: int, total: int, facts: str) -> None:
        if self.training_task is None:
            self.training_task = self.rich.add_task("step", total=total, completed=step, facts=facts)
        self.remove_work()
        self.rich.update(self.training_task, completed=step, facts=facts)

    def update_work(self, what: str, done: int, total: int) -> None:
        if self.work_task is not None and self.rich.tasks[-1].description != what:
            self.remove_work()
        if self.work_task is None:
            self.work_task = self.rich.add_task(what, total=total, facts="")
        self.rich.update(self.work_task, completed=done, total=total)

    def remove_work(self) -> None:
        if self.work_task is not None:
            self.rich.remove_task(self.work_task)
            self.work_task = None

    def print(self, text: str) -> None:
        self.rich.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        self.rich.stop()


def safe(stream: Any) -> SafeStream:
    return stream if isinstance(stream, SafeStream) else SafeStream(stream)


def write_line(stream: SafeStream, text: str) -> None:
    stream.write(printable(text, keep="\n\t") + "\n")
    stream.flush()


def format_progress(
    metrics: Mapping[str, float], rate: float | None, names: tuple[str, str] = ("generator", "discriminator")
) -> str:
    """Speed and both losses on one line; shorter `names` leave room for a bar in 80 columns."""
    speed = "compiling" if rate is None else f"{rate:,.0f} images/s"
    losses = (metrics["generator_loss"], metrics["discriminator_loss"])
    parts = "  ".join(f"{name} {loss:#.3g}" for name, loss in zip(names, losses, strict=True))
    return f"{speed}  {parts}"


def format_duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
