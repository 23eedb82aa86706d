"""From what the user typed to a checked job and the place where it starts, before TensorFlow is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gan_cli.config.compatibility import check_job, warnings_for
from gan_cli.config.compose import compose
from gan_cli.config.config_origin import ConfigOrigin, stored
from gan_cli.config.job_builder import TrainJob, build_job
from gan_cli.config.primary_config import typed_keys
from gan_cli.config.resume_plan import SWITCHES, ResumePlan, find_resumable_run, plan_resume
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.runs.checkpoint import DamagedCheckpointError, list_checkpoints, read_checkpoint_header
from gan_cli.runs.links import check_run_tree
from gan_cli.runs.run_directory import RunDirectory, check_free
from gan_cli.runs.status import read_status


@dataclass(frozen=True)
class LaunchPlan:
    """Where a job starts.

    Attributes:
        directory: the run directory; of a new run, its wanted name.
        overrides: what the user typed; for a resumed run, at its beginning and since.
        resumes: whether the run is there already.
        finished: whether there is nothing left to do.
        dry_run: whether to build everything and write nothing.
        notes: lines to show before training: warnings, and changes since the run began.
    """

    directory: Path
    overrides: list[str]
    resumes: bool = False
    finished: bool = False
    dry_run: bool = False
    notes: tuple[str, ...] = ()


def prepare(config_name: str, words: list[str], config_dir: str | None) -> tuple[TrainJob, LaunchPlan]:
    """The job that `words` describe, checked as far as that can be done without TensorFlow.

    Raises:
        ConfigError: with the key, for anything that can't work.
    """
    composition = compose(config_name, words, config_dir)
    resume = composition.config.get("resume")
    if resume not in (None, "auto"):
        if any(word.lstrip("+").startswith("hydra.run.dir=") for word in words):
            problem = "does not go with resume=RUN, which writes into RUN"
            raise ConfigError("hydra.run.dir", problem, advice="Leave it out.")
        return plan_resumed_run(
            plan_resume(Path(str(resume)), words, config_dir), stored(composition.origin.trust, typed_keys(words))
        )
    job = build_job(composition.config, composition.origin)
    found = find_resumable_run(job.config, composition.directory) if resume == "auto" else None
    if found is not None:
        return plan_resumed_run(ResumePlan(found, composition.config, typed(words), changes=[]), composition.origin)
    check_job(job)
    dry_run = bool(composition.config["dry_run"])
    if not dry_run:
        check_free(composition.directory)
    return job, LaunchPlan(composition.directory, typed(words), dry_run=dry_run, notes=tuple(warnings_for(job)))


def plan_resumed_run(resume_plan: ResumePlan, origin: ConfigOrigin) -> tuple[TrainJob, LaunchPlan]:
    check_run_tree("resume", resume_plan.run.path)
    job = build_job(resume_plan.config, origin)
    done = check_saved_state(resume_plan.run, job, check_job(job))
    changes = (f"Changed since the run began: {change}" for change in resume_plan.changes)
    return job, LaunchPlan(
        resume_plan.run.path,
        resume_plan.overrides,
        resumes=True,
        finished=done == job.train.steps and read_status(resume_plan.run.path).state == "finished",
        dry_run=bool(resume_plan.config["dry_run"]),
        notes=(*warnings_for(job), *changes),
    )


def typed(words: list[str]) -> list[str]:
    """The words that say what the run is, not how it is started."""
    return [word for word in words if word.partition("=")[0].lstrip("+") not in SWITCHES]


def check_saved_state(run: RunDirectory, job: TrainJob, data: DataSpec | None) -> int:
    """The step of the newest readable checkpoint, 0 where there is none.

    Raises:
        ConfigError: where that checkpoint is past the wanted length or holds data of another shape.
    """
    for path in list_checkpoints(run.checkpoints):
        try:
            about = read_checkpoint_header(path)
        except DamagedCheckpointError:
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
