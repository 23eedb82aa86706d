"""What all commands show while they work: lines, warnings, errors and progress, and a copy of the lines in a log file.

On a terminal, progress is one `rich` display with a bar for training and one for other work. Elsewhere it is a plain
line every few seconds. Broken output never raises (`gan_cli.output_streams`).
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from gan_cli.output_streams import SafeStream, printable
from gan_cli.progress import ProgressReporter, TrainingProgress, format_duration
from gan_cli.runs.atomic_files import open_to_append

PLAIN_INTERVAL = 5.0
"""Seconds between lines of progress where the output is no terminal."""
BAR_WIDTH = 10


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
        self.total_steps, self.is_training = 0, False
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
        rest = (now - self.work_start) / max(done, 1) * (total - done)
        left = f"about {format_duration(rest)} left" if 0 < done < total else ""
        if self.stream.isatty():
            display = self.open_display()
            display.update_work(printable(what), done, total, left)
            if done >= total and self.is_training:
                display.remove_work()
            elif done >= total:
                self.close_display()
        elif now - self.last_progress >= PLAIN_INTERVAL:
            self.last_progress = now
            self.show(f"{what}: {done:,} of {total:,}{', ' if left else ''}{left}")

    @contextmanager
    def training(self, first_step: int, total_steps: int) -> Iterator[None]:
        """Shows the progress of training while the context is open; see `advance`."""
        self.total_steps, self.is_training, self.last_progress = total_steps, True, time.monotonic()
        if self.stream.isatty():
            self.open_display().update_training(first_step, total_steps, "compiling")
        try:
            yield
        finally:
            self.is_training = False
            self.close_display()

    def advance(self, progress: TrainingProgress) -> None:
        """Shows the progress of training: a bar on a terminal, else a line every few seconds and one at the end."""
        step, total = progress.step, self.total_steps
        if self.display is not None:
            facts = format_progress(progress, ("G", "D"), self.display.facts_width(total))
            self.display.update_training(step, total, facts)
        now = time.monotonic()
        if now - self.last_progress >= PLAIN_INTERVAL or step == total:
            self.last_progress = now
            text = f"step {step}/{total} ({step / total:.0%})  {format_progress(progress)}"
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
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.rich = Progress(
            TextColumn("{task.description}", markup=False),
            MofNCompleteColumn(),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.fields[facts]}", markup=False),
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

    def facts_width(self, total: int) -> int:
        """Returns the columns that are free beside the bar of training."""
        return self.rich.console.width - len(f"step {total}/{total}   ") - BAR_WIDTH

    def update_work(self, what: str, done: int, total: int, facts: str) -> None:
        if self.work_task is not None and self.rich.tasks[-1].description != what:
            self.remove_work()
        if self.work_task is None:
            self.work_task = self.rich.add_task(what, total=total, facts=facts)
        self.rich.update(self.work_task, completed=done, total=total, facts=facts)

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
    progress: TrainingProgress, names: tuple[str, str] = ("generator", "discriminator"), width: int | None = None
) -> str:
    """Speed, both losses, the best value and the time left on one line.

    In a line of limited width, losses give way first, then the best value, then the speed.
    """
    rate = progress.images_per_second
    losses = (progress.metrics["generator_loss"], progress.metrics["discriminator_loss"])
    parts = {
        "speed": "compiling" if rate is None else f"{rate:,.0f} images/s",
        "losses": "  ".join(f"{name} {loss:#.3g}" for name, loss in zip(names, losses, strict=True)),
        "best": progress.best,
        "left": progress.time_left,
    }
    for dropped in ("losses", "best", "speed"):
        text = "  ".join(part for part in parts.values() if part)
        if width is None or len(text) <= width:
            return text
        del parts[dropped]
    return parts["left"]
