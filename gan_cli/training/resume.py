"""Going on with a run: its newest whole checkpoint, and files that hold nothing from after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gan_cli.checks import ConfigError
from gan_cli.runs.checkpoint import list_checkpoints, load_newest
from gan_cli.runs.directory import RunDirectory
from gan_cli.runs.files import remove_leftovers
from gan_cli.training.state import StateMismatch, TrainingState


@dataclass(frozen=True)
class Resumed:
    """Where a run goes on: steps done and seconds spent training; zeros for a new run."""

    step: int = 0
    seconds: float = 0.0


def restore(run: RunDirectory, state: TrainingState, warn: Callable[[str], None]) -> Resumed:
    """Puts the newest whole checkpoint into `state`, and drops from the run's logs what came after it.

    A run that was ended before its first checkpoint begins again.

    Raises:
        ConfigError: where no checkpoint can be read, or it does not fit; nothing has been changed then.
    """
    checkpoint = load_newest(run.checkpoints, warn)
    if checkpoint is None:
        if list_checkpoints(run.checkpoints):
            raise ConfigError("resume", "none of its checkpoints can be read whole", run.path, "Start a new run.")
        forget_after(run, 0, log_every=1, sample_every=1)
        return Resumed()
    try:
        state.restore(checkpoint.arrays)
    except StateMismatch as error:
        raise ConfigError("resume", str(error), run.path, "Start a new run for another model.") from error
    periods = checkpoint.config["run"]
    forget_after(run, checkpoint.step, periods["log_every"], periods["sample_every"])
    return Resumed(checkpoint.step, checkpoint.seconds)


def forget_after(run: RunDirectory, step: int, log_every: int, sample_every: int) -> None:
    """Drops metric lines and pictures from after `step`, which will be made again.

    A run that reached its end wrote a line and a picture there although none was due; a longer run would not have, so
    these go too.
    """
    run.metrics.trim(step if step % log_every == 0 else step - 1)
    last_picture = step if step % sample_every == 0 else step - 1
    for picture in run.samples.glob("step_*.png"):
        number = picture.stem.removeprefix("step_")
        if number.isdigit() and int(number) > last_picture:
            picture.unlink()
    remove_leftovers(run.samples)
    remove_leftovers(run.checkpoints)
