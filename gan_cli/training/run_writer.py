"""Writes the files of a run during training: metrics, samples and checkpoints; and reports progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.config.job_builder import TrainJob
from gan_cli.console import Console
from gan_cli.data import Examples
from gan_cli.data.skipped_files import describe_skipped
from gan_cli.errors import ConfigError, first_line
from gan_cli.loggers import Writer
from gan_cli.loggers.metrics_replay import numbers_of
from gan_cli.output_streams import printable
from gan_cli.runs.atomic_files import link_atomically, write_atomically
from gan_cli.runs.checkpoint import Checkpoint, save_checkpoint
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.runs.status import Status
from gan_cli.sampling.training_grid import TrainingGrid
from gan_cli.training.compiled_loop import LoopResult
from gan_cli.training.resume_run import RestoredState
from gan_cli.training.training_state import TrainingState


def open_loggers(job: TrainJob, run: RunDirectory, resumed_from: int, console: Console) -> list[Writer]:
    """Opens every logger. One that fails (a server that is away) gives a warning: the run's own files hold everything.

    Raises:
        ConfigError: where a logger refuses the run directory, whose files may come from anybody.
    """
    writers = []
    for logger in job.loggers.values():
        try:
            writers.append(logger.open(run.path, printable(run.path.name), job.config, resumed_from))
        except ConfigError:
            raise
        except Exception as error:  # each destination raises errors of its own
            name = type(logger).__name__
            console.warn(f"{name} can't be opened and is disabled: {type(error).__name__}: {first_line(error)}")
    return writers


class NonFiniteError(ArithmeticError):
    """A loss or a weight became NaN or infinite."""


class RunWriter:
    """Writes a run's files when the loop asks for it, and measures training time.

    The time excludes samples, checkpoints and compilation, so that images per second can be compared between runs. It
    continues when a run is restored.
    """

    def __init__(
        self,
        run: RunDirectory,
        state: TrainingState,
        grid: TrainingGrid,
        writers: list[Writer],
        console: Console,
        examples: Examples,
        config: dict[str, Any],
        restored: RestoredState,
    ) -> None:
        self.run, self.state, self.grid, self.writers, self.console = run, state, grid, writers, console
        self.examples = examples
        # A resumed run has reported these before; the start block gives their number.
        self.reported = len(examples.skipped) if restored.checkpoint is not None else 0
        self.config, self.step, self.seconds = config, restored.step, restored.seconds
        self.batch_size = int(config["train"]["batch_size"])
        self.keep = int(config["run"]["keep_checkpoints"])
        self.timed_images, self.timed_seconds = 0, 0.0
        self.rate: float | None = None
        self.last_evaluation_text = ""
        self.saved_step = restored.step
        self.last_checkpoint: Path | None = restored.checkpoint
        self.last_picture: Path | None = run.sample(restored.step) if run.sample(restored.step).exists() else None

    def count_steps(self, step: int, count: int, result: LoopResult) -> None:
        """Adds a graph call of `count` steps up to `step` to the clock."""
        self.step = step
        if not result.compiled:
            self.seconds += result.seconds
            self.timed_images += count * self.batch_size
            self.timed_seconds += result.seconds
        self.rate = self.images_per_second()

    def report_progress(self, result: LoopResult) -> None:
        """Reports the current step."""
        self.console.advance(self.step, result.metrics, self.rate, self.last_evaluation_text)

    def images_per_second(self) -> float | None:
        return self.timed_images / self.timed_seconds if self.timed_seconds > 0 else None

    def write_metrics(self, step: int, means: Mapping[str, float]) -> None:
        """Writes the means since the last line to metrics.jsonl and to every logger."""
        rate = self.images_per_second()
        self.timed_images, self.timed_seconds = 0, 0.0
        line = {
            **self.position(step),
            **{name: value if math.isfinite(value) else None for name, value in means.items()},
            "images_per_second": None if rate is None else round(rate, 2),
        }
        self.run.metrics.append(line)
        self.send(lambda writer: writer.write_scalars(step, numbers_of(line)))
        self.report_skipped()

    def position(self, step: int) -> dict[str, Any]:
        """Returns the first columns of a line of metrics.jsonl."""
        return {"step": step, "images": step * self.batch_size, "seconds": round(self.seconds, 3)}

    def write_evaluation(self, step: int, columns: Mapping[str, Any]) -> None:
        """Adds the results of an evaluation to the line of `step` in metrics.jsonl, and sends them to every logger."""
        self.run.metrics.add(self.position(step), columns)
        self.send(lambda writer: writer.write_scalars(step, numbers_of(columns)))

    def report_skipped(self) -> None:
        """Names the files that were found unusable since the last call; streamed ones are found while they are read."""
        skipped = self.examples.skipped[self.reported :]
        self.reported += len(skipped)
        for line in describe_skipped(skipped):
            self.console.line(f"Skipped: {line}")

    def write_samples(self, step: int) -> None:
        """Writes the image grid that the EMA generator generates from the run's fixed latents."""
        path = self.run.sample(step)
        image = self.grid.draw(self.state.averaged)
        write_atomically(path, lambda file: image.save(file, format="PNG"))
        self.last_picture = path
        self.send(lambda writer: writer.write_picture(step, "samples", path))

    def send(self, call: Callable[[Writer], None]) -> None:
        """Calls every logger. One that fails is disabled with a warning: the run's own files hold everything."""
        for writer in list(self.writers):
            try:
                call(writer)
            except Exception as error:  # each destination raises errors of its own
                self.console.warn(
                    f"{type(writer).__name__} failed and is disabled: {type(error).__name__}: {first_line(error)}"
                )
                self.writers.remove(writer)

    def non_finite_error(self, what: str) -> NonFiniteError:
        """Returns the error with the last good checkpoint and the likely causes."""
        left = self.last_checkpoint or "none yet"
        causes = [
            "a learning rate that is too high (optimizer.learning_rate)",
            "a penalty weight that is too high",
            "no gradient clipping (optimizer.clip_norm=1)",
        ]
        if self.config["train"]["precision"] == "mixed_float16":
            causes.append("the small range of float16 (train.precision=mixed_bfloat16)")
        return NonFiniteError(f"{what}\nLast good checkpoint: {left}.\nLikely causes: {'; '.join(causes)}.")

    def write_checkpoint(self, step: int) -> None:
        """Writes a checkpoint and the step into status.json. Raises NonFiniteError where weights are not finite."""
        arrays = self.state.arrays()
        for name, array in arrays.items():
            if name.startswith(("generator/", "discriminator/")) and not np.isfinite(array).all():
                raise self.non_finite_error(f"The weights ({name}) became NaN or infinite by step {step}.")
        self.run.metrics.sync()  # no line that the checkpoint counts as written may be lost
        checkpoint = Checkpoint(step, self.seconds, self.examples.spec, self.config, arrays)
        self.last_checkpoint, self.saved_step = save_checkpoint(self.run.checkpoints, checkpoint, self.keep), step
        self.run.write_status(Status("running", step))

    def keep_best(self, step: int) -> None:
        """Links the checkpoint of `step` as best.npz, so that it stays when newer ones replace it."""
        if self.saved_step != step or self.last_checkpoint is None:
            self.write_checkpoint(step)
        assert self.last_checkpoint is not None  # it was just written
        link_atomically(self.last_checkpoint, self.run.best)
