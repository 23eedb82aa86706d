"""Writes the checkpoints of a run during training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.runs.atomic_files import link_atomically
from gan_cli.runs.checkpoint import Checkpoint, save_checkpoint
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.runs.status import Status
from gan_cli.training.resume_run import RestoredState
from gan_cli.training.training_state import TrainingState


class NonFiniteError(ArithmeticError):
    """A loss or a weight became NaN or infinite."""


class CheckpointWriter:
    """Writes checkpoints of `state`, and knows the last one.

    Args:
        run: the run directory.
        state: models, optimizers and what else a resumed run needs.
        data: of the training examples.
        config: the whole configuration, as plain containers.
        restored: the checkpoint that the run resumes from.

    Attributes:
        last: the last checkpoint; None before the first.
        last_step: its step, or that from which the run starts.
    """

    def __init__(
        self, run: RunDirectory, state: TrainingState, data: DataSpec, config: dict[str, Any], restored: RestoredState
    ) -> None:
        self.run, self.state, self.data, self.config = run, state, data, config
        self.keep = int(config["run"]["keep_checkpoints"])
        self.last: Path | None = restored.checkpoint
        self.last_step = restored.step

    def write(self, step: int, seconds: float) -> None:
        """Writes a checkpoint and the step into status.json. Raises NonFiniteError where weights are not finite."""
        arrays = self.state.arrays()
        for name, array in arrays.items():
            if name.startswith(("generator/", "discriminator/")) and not np.isfinite(array).all():
                raise self.non_finite_error(f"The weights ({name}) became NaN or infinite by step {step}.")
        self.run.metrics.sync()  # no line that the checkpoint counts as written may be lost
        checkpoint = Checkpoint(step, seconds, self.data, self.config, arrays)
        self.last, self.last_step = save_checkpoint(self.run.checkpoints, checkpoint, self.keep), step
        self.run.write_status(Status("running", step))

    def link_best(self) -> None:
        """Links the last checkpoint as best.npz, so that it stays when newer ones replace it."""
        assert self.last is not None  # it was just written
        link_atomically(self.last, self.run.best)

    def non_finite_error(self, what: str) -> NonFiniteError:
        """Returns the error with the last good checkpoint and the likely causes."""
        causes = [
            "a learning rate that is too high (optimizer.learning_rate)",
            "a penalty weight that is too high",
            "no gradient clipping (optimizer.clip_norm=1)",
        ]
        if self.config["train"]["precision"] == "mixed_float16":
            causes.append("the small range of float16 (train.precision=mixed_bfloat16)")
        last = self.last or "none yet"
        return NonFiniteError(f"{what}\nLast good checkpoint: {last}.\nLikely causes: {'; '.join(causes)}.")
