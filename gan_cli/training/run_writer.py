"""Writes the files of a run during training: metrics, samples and checkpoints; and reports progress."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_cli.console import Console
from gan_cli.data.skipped_files import SkippedFileReporter
from gan_cli.loggers.logger_group import LoggerGroup
from gan_cli.loggers.metrics_replay import numbers_of
from gan_cli.plotting.image_grid import write_png
from gan_cli.progress import TrainingProgress
from gan_cli.runs.atomic_files import write_atomically
from gan_cli.sampling.training_grid import TrainingGrid
from gan_cli.training.checkpoint_writer import CheckpointWriter
from gan_cli.training.compiled_loop import LoopResult
from gan_cli.training.training_clock import TrainingClock


class RunWriter:
    """Writes a run's files when the loop asks for it, and sends the same to the loggers.

    Args:
        checkpoints: writes the checkpoints; its run directory takes the other files, too.
        clock: counts steps and training time, and estimates what is left of it.
        grid: draws the image grid of samples.
        loggers: all loggers of the run.
        console: shows progress.
        skipped: reports the files that can't be used.
    """

    def __init__(
        self,
        checkpoints: CheckpointWriter,
        clock: TrainingClock,
        grid: TrainingGrid,
        loggers: LoggerGroup,
        console: Console,
        skipped: SkippedFileReporter,
    ) -> None:
        self.checkpoints, self.clock, self.grid = checkpoints, clock, grid
        self.loggers, self.console, self.skipped = loggers, console, skipped
        self.run = checkpoints.run
        self.last_evaluation_text = ""
        self.last_picture: Path | None = picture if (picture := self.run.sample(clock.step)).exists() else None

    def report_progress(self, result: LoopResult, evaluates: bool) -> None:
        """Reports the current step; `evaluates` says whether its evaluation still comes."""
        step, estimate = self.clock.step, self.clock.estimate
        progress = TrainingProgress(
            step=step,
            metrics=result.metrics,
            images_per_second=self.clock.rate,
            best=self.last_evaluation_text,
            seconds_left=estimate.seconds_left(step, evaluates),
            evaluations_left=estimate.evaluations_left(step, evaluates),
        )
        self.console.advance(progress)

    def write_metrics(self, step: int, means: Mapping[str, float]) -> None:
        """Writes the means since the last line to metrics.jsonl and to every logger."""
        rate = self.clock.rate
        self.clock.restart_rate()
        line = {
            **self.clock.position(step),
            **{name: value if math.isfinite(value) else None for name, value in means.items()},
            "images_per_second": None if rate is None else round(rate, 2),
        }
        self.run.metrics.append(line)
        self.loggers.write_scalars(step, numbers_of(line))
        self.skipped.report(self.console.line)

    def write_evaluation(self, step: int, columns: Mapping[str, Any]) -> None:
        """Adds the results of an evaluation to the line of `step` in metrics.jsonl, and sends them to every logger."""
        self.run.metrics.add(self.clock.position(step), columns)
        self.loggers.write_scalars(step, numbers_of(columns))

    def write_samples(self, step: int) -> None:
        """Writes the image grid that the EMA generator generates from the run's fixed latents."""
        path = self.run.sample(step)
        image = self.grid.draw(self.checkpoints.state.averaged)
        write_atomically(path, lambda file: write_png(image, file))
        self.last_picture = path
        self.loggers.write_picture(step, "samples", path)

    def write_checkpoint(self, step: int) -> None:
        """Writes a checkpoint. Raises NonFiniteError where weights are not finite."""
        self.checkpoints.write(step, self.clock.seconds)

    def keep_best(self, step: int) -> None:
        """Keeps the state of `step` as best.npz."""
        if self.checkpoints.last_step != step or self.checkpoints.last is None:
            self.write_checkpoint(step)
        self.checkpoints.link_best()
