"""From what the user typed to a checked job and the place where it starts, before TensorFlow is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gan_cli.checks import ConfigError
from gan_cli.config.build import TrainJob, build_job
from gan_cli.config.combinations import check_job, warnings_for
from gan_cli.config.compose import Composition, compose
from gan_cli.config.going_on import GoingOn, go_on, newest_like
from gan_cli.data import DataSpec
from gan_cli.runs.checkpoint import DamagedCheckpoint, list_checkpoints, read_about
from gan_cli.runs.directory import RunDirectory, check_free


@dataclass(frozen=True)
class Start:
    """Where a job starts.

    Attributes:
        directory: the run directory; of a new run, its wanted name.
        overrides: what the user typed; for a resumed run, at its beginning and since.
        resumes: whether the run is there already.
        done: steps that the run has done so far, as far as a glance at its newest checkpoint tells.
        dry_run: whether to build everything and write nothing.
        notes: lines to show before training: warnings, and changes since the run began.
    """

    directory: Path
    overrides: list[str]
    resumes: bool = False
    done: int = 0
    dry_run: bool = False
    notes: tuple[str, ...] = ()


def prepare(config_name: str, words: list[str], config_dir: str | None) -> tuple[TrainJob, Start]:
    """The job that `words` describe, checked as far as that can be done without TensorFlow.

    Raises:
        ConfigError: with the key, for anything that can't work.
    """
    composition = compose(config_name, words, config_dir)
    resume = composition.config.get("resume")
    if resume is None:
        return prepare_new(composition)
    if resume == "auto":
        job, start = prepare_new(composition)
        found = newest_like(job.config, composition.directory.parent)
        if found is None:
            return job, start
        resume, words = found.path, []
    return prepare_resumed(go_on(Path(str(resume)), words, config_dir), bool(composition.config.dry_run))


def prepare_new(composition: Composition) -> tuple[TrainJob, Start]:
    job = build_job(composition.config, composition.folders)
    check_job(job)
    dry_run = bool(composition.config.dry_run)
    if not dry_run:
        check_free(composition.directory)
    notes = tuple(warnings_for(job))
    words = [word for word in composition.overrides if not word.startswith(("resume=", "dry_run=", "trust="))]
    return job, Start(composition.directory, words, dry_run=dry_run, notes=notes)


def prepare_resumed(going_on: GoingOn, dry_run: bool) -> tuple[TrainJob, Start]:
    job = build_job(going_on.config, folders=[])
    done = check_saved_state(going_on.run, job, check_job(job))
    changes = (f"Changed since the run began: {change}" for change in going_on.changes)
    notes = (*warnings_for(job), *changes)
    return job, Start(going_on.run.path, going_on.overrides, resumes=True, done=done, dry_run=dry_run, notes=notes)


def check_saved_state(run: RunDirectory, job: TrainJob, data: DataSpec | None) -> int:
    """The step of the newest readable checkpoint, 0 where there is none.

    Raises:
        ConfigError: where that checkpoint is past the wanted length or holds data of another shape.
    """
    for path in list_checkpoints(run.checkpoints):
        try:
            about = read_about(path)
        except DamagedCheckpoint:
            continue
        if about.step > job.train.steps:
            raise ConfigError(
                "train.steps", f"the run has done {about.step} steps already", job.train.steps, "Give a larger number."
            )
        if data is not None and data.shape != about.data.shape:
            raise ConfigError(
                "dataset",
                f"gives examples of shape {data.shape}, and the run was begun with {about.data.shape}",
                advice="Start a new run for other data.",
            )
        return about.step
    return 0
