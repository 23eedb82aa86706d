"""How right the time left of the progress line is over a run, in tenths of the run; prints a Markdown table.

    python benchmarks/time_left.py                                  the default data, an FID eight times
    python benchmarks/time_left.py dataset=ring model=mlp metric=[modes] eval.every=250
    python benchmarks/time_left.py train.budget=60s                 also how long a planned run took

The run is the real command in this process. What the progress line says after each graph call is compared with the time
at which training, with its evaluations, sample grids and checkpoints, was over.
"""

from __future__ import annotations

import datetime
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from interleaved_timing import processor

import gan_cli.training.run_training as run_training
from gan_cli.commands.train import gan_train
from gan_cli.console import Console
from gan_cli.progress import TrainingProgress

DEFAULT = [
    "model=dcgan",
    "loss=non_saturating",
    "metric=[fid]",
    "features=random",
    "eval.every=250",
    "train.steps=2000",
]
TARGET = 0.2
"""Largest error from a tenth of the run on."""


class RecordingConsole(Console):
    """Shows what a console shows, and keeps what was said of the time left, with its time."""

    started, ended = 0.0, 0.0
    said: list[tuple[float, TrainingProgress]]

    @contextmanager
    def training(self, first_step: int, total_steps: int) -> Iterator[None]:
        RecordingConsole.started, RecordingConsole.said = time.perf_counter(), []
        with super().training(first_step, total_steps):
            yield
        RecordingConsole.ended = time.perf_counter()

    def advance(self, progress: TrainingProgress) -> None:
        self.said.append((time.perf_counter(), progress))
        super().advance(progress)


def main() -> None:
    words = sys.argv[1:] or DEFAULT
    run_training.Console = RecordingConsole  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        code = gan_train([*words, f"hydra.run.dir={folder}/run", "logger=[]"])
    if code:
        sys.exit(code)
    print(report(words))


def report(words: list[str]) -> str:
    """The table: the largest and the mean error in each tenth of the run's time."""
    start, end = RecordingConsole.started, RecordingConsole.ended
    tenths: list[list[float]] = [[] for _ in range(10)]
    for now, progress in RecordingConsole.said:
        left = end - now
        if progress.seconds_left is not None and left > 0:
            share = (now - start) / (end - start)
            tenths[min(int(share * 10), 9)].append((progress.seconds_left - left) / max(left, 1.0))
    lines = [
        f"{datetime.date.today()}, {processor()}: `{' '.join(words)}`, training took {end - start:.1f} s",
        "",
        "| tenth of the run | progress lines | mean error | largest error |",
        "|---|---|---|---|",
    ]
    for index, errors in enumerate(tenths):
        if errors:
            mean, largest = sum(errors) / len(errors), max(errors, key=abs)
            lines.append(f"| {index + 1} | {len(errors)} | {mean:+.0%} | {largest:+.0%} |")
    later = [abs(error) for errors in tenths[1:] for error in errors]
    if later:
        right = sum(error <= TARGET for error in later) / len(later)
        lines += ["", f"From a tenth of the run on, {right:.0%} of the lines are right within {TARGET:.0%}."]
        lines += ["Errors of less than a second in the last seconds count as shares of one second."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
