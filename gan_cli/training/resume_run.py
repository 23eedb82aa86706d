"""Restores a run that is resumed: loads its newest valid checkpoint and truncates its logs to that step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gan_cli.config.job_builder import build_section, stored_evaluation, stored_section
from gan_cli.config.schema import RunSection
from gan_cli.data import DataSpec
from gan_cli.data.class_names import describe_classes
from gan_cli.errors import ConfigError
from gan_cli.runs.atomic_files import link_atomically, remove_file, remove_temporary_files
from gan_cli.runs.checkpoint import checkpoint_path, list_checkpoints, load_newest, read_checkpoint_step
from gan_cli.runs.evaluations_log import as_columns
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.runs.status import find_status
from gan_cli.training.training_state import StateMismatch, TrainingState


@dataclass(frozen=True)
class RestoredState:
    """Where a run resumes: steps done, seconds spent training, the data so far, and the checkpoint that holds all this.

    A new run begins with nothing.
    """

    step: int = 0
    seconds: float = 0.0
    data: DataSpec | None = None
    checkpoint: Path | None = None


def check_same_classes(before: DataSpec, now: DataSpec) -> None:
    """Raises ConfigError where a conditional run would go on with other classes than those that it has learned."""
    if (before.classes, before.class_names) == (now.classes, now.class_names):
        return
    problem = f"the classes are other ones: {describe_classes(before)} before, and {describe_classes(now)} now"
    raise ConfigError("dataset", problem, advice="Start a new run, or give the data of the run.")


def restore(
    run: RunDirectory,
    state: TrainingState,
    steps: int,
    warn: Callable[[str], None],
    labelled: DataSpec | None = None,
) -> RestoredState:
    """Puts the newest whole checkpoint into `state`, and drops from the run's logs what came after it.

    A run that was ended before its first checkpoint begins again. `steps` is the length that the run is to have,
    `labelled` the data of a conditional run, whose classes may not have changed.

    Raises:
        ConfigError: where no checkpoint can be read, or it does not fit; nothing has been changed then.
    """
    checkpoint = load_newest(run.checkpoints, warn)
    if checkpoint is None:
        if list_checkpoints(run.checkpoints):
            raise ConfigError("resume", "none of its checkpoints can be read whole", run.path, "Start a new run.")
        check_nothing_trained(run)
        truncate_run_after(run, 0)
        return RestoredState()
    if labelled is not None:
        check_same_classes(checkpoint.data, labelled)
    try:
        state.restore(checkpoint.arrays)
    except StateMismatch as error:
        raise ConfigError("resume", str(error), run.path, "Start a new run for another model.") from error
    intervals: RunSection = build_section("run", stored_section(checkpoint.config, "run"), RunSection)
    log_every, sample_every = intervals.log_every, intervals.sample_every
    evaluate_every = stored_evaluation(checkpoint.config).every if "eval" in checkpoint.config else 1
    if checkpoint.step == steps:  # nothing will be done again, so what stands at the end stays
        log_every = sample_every = evaluate_every = 1
    truncate_run_after(run, checkpoint.step, log_every, sample_every, evaluate_every)
    path = checkpoint_path(run.checkpoints, checkpoint.step)
    return RestoredState(checkpoint.step, checkpoint.seconds, checkpoint.data, path if path.is_file() else run.best)


def check_nothing_trained(run: RunDirectory) -> None:
    """Raises ConfigError for a run without checkpoints that had some, or may have had some: its files are kept."""
    status, problem = find_status(run.path), ""
    if status is None:  # it is written before the first line of metrics.jsonl
        last = max((line["step"] for line in run.metrics.read()), default=0)
        if last > 0:
            problem = f"it has no checkpoints and no readable status.json, and metrics.jsonl reaches step {last}"
    elif status.step > 0:
        problem = f"its checkpoints are gone, though status.json says that {status.step} steps were done"
    if not problem and run.generator.exists():
        problem = "its checkpoints are gone, though generator.keras says that it was trained"
    if problem:
        raise ConfigError("resume", problem, run.path, "Bring them back, or start a new run.")


def describe_data_change(before: DataSpec | None, now: DataSpec) -> list[str]:
    """A line where the data is not what it was: the order of examples depends on their number."""
    if before is None or (before.examples, before.classes) == (now.examples, now.classes):
        return []
    return [f"Changed since the run began: the data, from {before} to {now}"]


def restore_best_before(run: RunDirectory, last_evaluation: int) -> None:
    """Makes best.npz the best checkpoint of the evaluations up to `last_evaluation`, or removes it if there is none."""
    if (read_checkpoint_step(run.best) or 0) <= last_evaluation:
        return
    former = read_checkpoint_step(run.best_before_end)
    if former is not None and former <= last_evaluation:
        link_atomically(run.best_before_end, run.best)
    else:  # it will be the best again, if it is reached again
        remove_file(run.best)
    if run.best_before_end.is_file():
        remove_file(run.best_before_end)


def truncate_run_after(
    run: RunDirectory, step: int, log_every: int = 1, sample_every: int = 1, evaluate_every: int = 1
) -> None:
    """Drops metric lines, evaluations and pictures from after `step`, which will be made again.

    A run that reached its end wrote a line and a picture there, and measured, although nothing was due; a longer run
    would not have, so these go too.
    """
    run.metrics.trim(step if step % log_every == 0 else step - 1)
    last_evaluation = step if step % evaluate_every == 0 else step - 1
    dropped = run.evaluations.trim(last_evaluation)
    run.metrics.take_from(step, [name for line in dropped if line["step"] == step for name in as_columns(line)])
    restore_best_before(run, last_evaluation)
    for picture in run.evaluation_pictures.glob("step_*.png"):
        number = picture.stem.split("_")[1]
        if number.isdigit() and int(number) > last_evaluation:
            remove_file(picture)
    last_picture = step if step % sample_every == 0 else step - 1
    for picture in run.samples.glob("step_*.png"):
        number = picture.stem.removeprefix("step_")
        if number.isdigit() and int(number) > last_picture:
            remove_file(picture)
    remove_temporary_files(run.samples)
    remove_temporary_files(run.checkpoints)
