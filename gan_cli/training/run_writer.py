"""What a run writes while it trains: metrics, pictures, checkpoints, and what the console shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.data import Examples
from gan_cli.data.skipped_files import describe_skipped
from gan_cli.loggers import Writer
from gan_cli.loggers.metrics_replay import numbers_of
from gan_cli.runs.atomic_files import link_atomically, write_atomically
from gan_cli.runs.checkpoint import Checkpoint, save_checkpoint
from gan_cli.runs.console import Console
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.runs.status import Status
from gan_cli.sampling.training_grid import TrainingGrid
from gan_cli.training.compiled_loop import LoopResult
from gan_cli.training.restore import RestoredState
from gan_cli.training.training_state import TrainingState


class NonFiniteError(ArithmeticError):
    """A loss or a weight became NaN or infinite."""


class RunWriter:
    """Writes a run's files at the steps that the loop names, and keeps its clock.

    The clock counts training alone: pictures, checkpoints and compiling are left out, so that images per second can be
    compared between runs, and it goes on where a run is resumed.
    """

    def __init__(
        self,
        run: RunDirectory,
        state: TrainingState,
        preview: TrainingGrid,
        writers: list[Writer],
        console: Console,
        examples: Examples,
        config: dict[str, Any],
        resumed: RestoredState,
    ) -> None:
        self.run, self.state, self.preview, self.writers, self.console = run, state, preview, writers, console
        self.examples = examples
        # A resumed run has reported these before; the start block gives their number.
        self.reported = len(examples.skipped) if resumed.checkpoint is not None else 0
        self.config, self.step, self.seconds = config, resumed.step, resumed.seconds
        self.batch_size = int(config["train"]["batch_size"])
        self.keep = int(config["run"]["keep_checkpoints"])
        self.timed_images, self.timed_seconds = 0, 0.0
        self.last_evaluation_text = ""
        self.saved_step = resumed.step
        self.last_checkpoint: Path | None = resumed.checkpoint
        self.last_picture: Path | None = run.sample(resumed.step) if run.sample(resumed.step).exists() else None

    def progress(self, step: int, count: int, result: LoopResult) -> None:
        """Shows where training stands; `count` steps were done since."""
        self.step = step
        if not result.compiled:
            self.seconds += result.seconds
            self.timed_images += count * self.batch_size
            self.timed_seconds += result.seconds
        self.console.advance(step, result.metrics, self.images_per_second(), self.last_evaluation_text)

    def images_per_second(self) -> float | None:
        return self.timed_images / self.timed_seconds if self.timed_seconds > 0 else None

    def metrics(self, step: int, means: Mapping[str, float]) -> None:
        """Writes one line to every log: means since the last one."""
        rate = self.images_per_second()
        self.timed_images, self.timed_seconds = 0, 0.0
        line = {
            **self.position(step),
            **{name: value if math.isfinite(value) else None for name, value in means.items()},
            "images_per_second": None if rate is None else round(rate, 2),
        }
        self.run.metrics.append(line)
        self.tell(lambda writer: writer.write_scalars(step, numbers_of(line)))
        self.skipped()

    def position(self, step: int) -> dict[str, Any]:
        """Where a line of the metric log belongs."""
        return {"step": step, "images": step * self.batch_size, "seconds": round(self.seconds, 3)}

    def measured(self, step: int, columns: Mapping[str, Any]) -> None:
        """Adds what was measured at `step` to its line in every log, which is made where there is none."""
        self.run.metrics.add(self.position(step), columns)
        self.tell(lambda writer: writer.write_scalars(step, numbers_of(columns)))

    def skipped(self) -> None:
        """Names the files that were found unusable since the last call; streamed ones are found while they are read."""
        skipped = self.examples.skipped[self.reported :]
        self.reported += len(skipped)
        for line in describe_skipped(skipped):
            self.console.line(f"Skipped: {line}")

    def picture(self, step: int) -> None:
        """Draws what the averaged generator makes of the run's fixed latents."""
        path = self.run.sample(step)
        image = self.preview.draw(self.state.averaged)
        write_atomically(path, lambda file: image.save(file, format="PNG"))
        self.last_picture = path
        self.tell(lambda writer: writer.write_picture(step, "samples", path))

    def tell(self, message: Callable[[Writer], None]) -> None:
        """Tells every logger. One that fails is given up with a warning: the run's own files hold everything."""
        for writer in list(self.writers):
            try:
                message(writer)
            except Exception as error:  # each destination raises errors of its own
                self.console.warn(f"{type(writer).__name__} failed and is given up: {type(error).__name__}: {error}")
                self.writers.remove(writer)

    def not_finite(self, what: str) -> NonFiniteError:
        """What happened, what is left, and what to try."""
        left = self.last_checkpoint or "none yet"
        causes = [
            "a learning rate that is too high (optimizer.learning_rate)",
            "a penalty weight that is too high",
            "no gradient clipping (optimizer.clip_norm=1)",
        ]
        if self.config["train"]["precision"] == "mixed_float16":
            causes.append("the small range of float16 (train.precision=mixed_bfloat16)")
        return NonFiniteError(f"{what}\nLast good checkpoint: {left}.\nLikely causes: {'; '.join(causes)}.")

    def checkpoint(self, step: int) -> None:
        """Writes a checkpoint and the step into status.json. Raises NonFiniteError where weights are not finite."""
        arrays = self.state.arrays()
        for name, array in arrays.items():
            if name.startswith(("generator/", "discriminator/")) and not np.isfinite(array).all():
                raise self.not_finite(f"The weights ({name}) became NaN or infinite by step {step}.")
        self.run.metrics.sync()  # no line that the checkpoint counts as written may be lost
        checkpoint = Checkpoint(step, self.seconds, self.examples.spec, self.config, arrays)
        self.last_checkpoint, self.saved_step = save_checkpoint(self.run.checkpoints, checkpoint, self.keep), step
        self.run.write_status(Status("running", step))

    def keep_best(self, step: int) -> None:
        """Keeps the checkpoint of `step` as the best, however many newer ones push it out."""
        if self.saved_step != step or self.last_checkpoint is None:
            self.checkpoint(step)
        assert self.last_checkpoint is not None  # it was just written
        link_atomically(self.last_checkpoint, self.run.best)
