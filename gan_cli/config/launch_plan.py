"""From what the user typed to a checked job and the place where it starts, before TensorFlow is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gan_cli.config.automatic_values import ChosenConfig
from gan_cli.config.compatibility import check_data, check_job, check_parts, warnings_for
from gan_cli.config.compose import compose, composer, own_folders, parse
from gan_cli.config.config_trust import ConfigOrigin, stored
from gan_cli.config.ineffective_options import ineffective_options
from gan_cli.config.job_builder import TrainJob, build_job
from gan_cli.config.override_errors import check_override_forms, check_single_choice
from gan_cli.config.primary_config import origin_of, typed_keys
from gan_cli.config.resume_plan import (
    SWITCHES,
    ResumePlan,
    WantedRun,
    key_of,
    plan_automatic_resume,
    plan_resume,
)
from gan_cli.config.start_source import check_start_source
from gan_cli.config.target_allowlist import composing
from gan_cli.config.user_modules import set_own_folders
from gan_cli.data import DataSpec
from gan_cli.data.input_paths import expand_user
from gan_cli.errors import ConfigError
from gan_cli.runs.checkpoint import DamagedCheckpointError, list_checkpoints, read_checkpoint_header
from gan_cli.runs.run_directory import RunDirectory, check_free
from gan_cli.runs.status import read_status
from gan_cli.runs.symlink_checks import check_run_tree


@dataclass(frozen=True)
class LaunchPlan:
    """Where a job starts.

    Attributes:
        directory: the run directory; of a new run, its wanted name.
        overrides: what the user typed; for a resumed run, at its beginning and since.
        choices: the configuration: the values that rules chose, and what is still to be decided before training.
        resumes: whether the run is there already.
        finished: whether there is nothing left to do.
        dry_run: whether to build everything and write nothing.
        notes: lines to show before training: warnings, and changes since the run began.
    """

    directory: Path
    overrides: list[str]
    choices: ChosenConfig
    resumes: bool = False
    finished: bool = False
    dry_run: bool = False
    notes: tuple[str, ...] = ()

    @property
    def links(self) -> Mapping[str, str]:
        """Keys of the configuration whose value follows another key, with that key."""
        return self.choices.automatic.links

    @property
    def budget_seconds(self) -> float | None:
        """The duration that the length of the run is planned for; None where its steps are known."""
        return self.choices.automatic.budget_seconds


def prepare(config_name: str, words: list[str], config_dir: str | None) -> tuple[TrainJob, LaunchPlan]:
    """The job that `words` describe, checked as far as that can be done without TensorFlow.

    Raises:
        ConfigError: with the key, for anything that can't work.
    """
    directory = typed_run(words, config_dir)
    if directory is not None:
        return plan_typed_resume(directory, config_name, words, config_dir)
    composition = compose(config_name, words, config_dir)
    resume = composition.config.get("resume")
    if resume not in (None, "auto"):
        return plan_typed_resume(expand_user("resume", str(resume)), config_name, words, config_dir)
    choices = composition.choices
    job = build_job(choices.config, composition.origin)
    if resume == "auto":
        plan = plan_automatic_resume(WantedRun(choices, typed(words)), composition.directory)
        if plan is not None:
            return plan_resumed_run(plan, composition.origin)
    check_job(job, choices.data)
    if job.train.start_from is not None:
        check_start_source(job.train.start_from, composition.origin.trust)
    dry_run = bool(composition.config["dry_run"])
    if not dry_run:
        check_free(composition.directory)
    notes = (*composition.notes, *warnings_for(job), *ineffective_options_of(job, choices))
    return job, LaunchPlan(composition.directory, typed(words), choices, dry_run=dry_run, notes=notes)


def ineffective_options_of(job: TrainJob, choices: ChosenConfig) -> list[str]:
    """The warnings of `ineffective_options` once all is decided: placeholders deserve none."""
    return ineffective_options(job) if choices.is_final else []


def choose_for_data(job: TrainJob, plan: LaunchPlan, data: DataSpec) -> tuple[TrainJob, LaunchPlan]:
    """The job and its plan with the values that waited for the data; both as they are where none did.

    Raises:
        ConfigError: where the job can't work with these values.
    """
    return (job, plan) if plan.choices.is_final else rebuild(plan, plan.choices.with_data(data), data)


def choose_for_length(plan: LaunchPlan, steps: int, data: DataSpec) -> tuple[TrainJob, LaunchPlan]:
    """The job of a plan and the plan, with that many steps and with all that follows them.

    Raises:
        ConfigError: where a part does not fit into a run of that length.
    """
    return rebuild(plan, plan.choices.with_length(steps), data)


def rebuild(plan: LaunchPlan, choices: ChosenConfig, data: DataSpec) -> tuple[TrainJob, LaunchPlan]:
    job = build_job(choices.config, choices.automatic.origin)
    check_parts(job)
    check_data(job, data)
    return job, replace(plan, choices=choices, notes=(*plan.notes, *ineffective_options_of(job, choices)))


def typed_run(words: list[str], config_dir: str | None) -> Path | None:
    """The directory of a typed `resume=RUN`; None where that is not typed."""
    if not any(key_of(word) == "resume" for word in words):
        return None
    with composer(config_dir):
        overrides = parse(words)
        check_override_forms(overrides)
        check_single_choice(overrides)
    value = next(one.value() for one in reversed(overrides) if one.key_or_group == "resume")
    return None if value in (None, "auto") else expand_user("resume", str(value))


def plan_typed_resume(
    directory: Path, config_name: str, words: list[str], config_dir: str | None
) -> tuple[TrainJob, LaunchPlan]:
    """The job of the run in `directory`, with what is typed."""
    hydra_word = next((word for word in words if key_of(word).partition("/")[0].partition(".")[0] == "hydra"), None)
    if hydra_word is not None:
        problem = f"does not go with resume={directory}, which writes into that directory"
        raise ConfigError(key_of(hydra_word), problem, advice="Leave it out.")
    set_own_folders(own_folders(config_dir))
    origin = stored(origin_of("train", words).trust, typed_keys(words))
    with composing(origin):
        resume_plan = plan_resume(directory, words, config_dir, origin)
    job, plan = plan_resumed_run(resume_plan, origin)
    if config_name == "train":
        return job, plan
    note = f"--config-name={config_name} has no effect: a resumed run has its own configuration."
    return job, replace(plan, notes=(note, *plan.notes))


def plan_resumed_run(resume_plan: ResumePlan, origin: ConfigOrigin) -> tuple[TrainJob, LaunchPlan]:
    check_run_tree("resume", resume_plan.run.path)
    choices = resume_plan.choices
    job = build_job(choices.config, origin)
    done = check_saved_state(resume_plan.run, job, check_job(job, choices.data))
    changes = (f"Changed since the run began: {change}" for change in resume_plan.changes)
    return job, LaunchPlan(
        resume_plan.run.path,
        resume_plan.overrides,
        choices,
        resumes=True,
        finished=done == job.train.steps and read_status(resume_plan.run.path).state == "finished",
        dry_run=bool(choices.config["dry_run"]),
        notes=(*warnings_for(job), *ineffective_options_of(job, choices), *changes),
    )


def typed(words: list[str]) -> list[str]:
    """The words that say what the run is, not how it is started."""
    return [word for word in words if key_of(word) not in SWITCHES]


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
