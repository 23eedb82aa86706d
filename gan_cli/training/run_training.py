"""A training job, from a checked configuration to a finished run directory."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from gan_cli.config.compatibility import check_data
from gan_cli.config.job_builder import TrainJob
from gan_cli.config.launch_plan import LaunchPlan
from gan_cli.data import Examples
from gan_cli.data.pipeline import open_batches, step_indices
from gan_cli.data.splits import split_held_out
from gan_cli.devices import load_tensorflow, set_up_tensorflow
from gan_cli.errors import ConfigError
from gan_cli.evaluation.periodic_evaluation import PeriodicEvaluator
from gan_cli.lazy import tf
from gan_cli.plotting.grid_size import parse_grid
from gan_cli.runs.atomic_files import write_atomically
from gan_cli.runs.console import Console
from gan_cli.runs.run_directory import RunDirectory, create_exclusive
from gan_cli.runs.signals import StopRequest, stop_on_signals
from gan_cli.runs.status import Status
from gan_cli.sampling.keras_file import save_generator
from gan_cli.sampling.latents import latents
from gan_cli.sampling.training_grid import TrainingGrid
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.build import build_compiled_loop, build_state, build_step
from gan_cli.training.compiled_loop import CallLength
from gan_cli.training.evaluation_callback import EvaluationCallback
from gan_cli.training.restore import RestoredState, describe_data_change, restore
from gan_cli.training.run_writer import NonFiniteError, RunWriter
from gan_cli.training.summary import describe_job, describe_modes, estimate_memory
from gan_cli.training.training_loop import LoopSchedule, train
from gan_cli.training.training_state import TrainingState


def run_training(job: TrainJob, start: LaunchPlan) -> int:
    """Trains, and gives the exit code: 0 finished, 1 failed, 130 or 143 stopped by a signal.

    Raises:
        ConfigError: for what the user can mend; a new run has made nothing then.
    """
    console = Console()
    with closing(console), console.python_warnings():
        load_tensorflow()
        set_up_tensorflow(job.seed, job.train.deterministic)
        examples, aside = open_examples(job, console)
        state = build_state(job, examples.spec)
        step = build_step(job, state)
        if start.dry_run:
            lines = [
                *describe_job(job, examples, state),
                *estimate_memory(job, examples, state),
                *examples.warnings,
                *start.notes,
            ]
            console.line("\n".join([*lines, "Dry run: nothing was written."]))
            return 0
        # After the models: whatever an extractor draws must not change their first weights.
        evaluator = PeriodicEvaluator(job, examples, aside, console) if job.metrics else None
        with acquire_run_directory(start) as run, stop_on_signals() as stop:
            return train_in_run_directory(job, start, run, examples, state, step, console, stop, evaluator)


@contextmanager
def acquire_run_directory(start: LaunchPlan) -> Iterator[RunDirectory]:
    """The run directory, for this process alone."""
    if start.resumes:
        run = RunDirectory(start.directory)
        with run.locked():
            yield run
    else:
        with create_exclusive(start.directory) as run:
            yield run


def open_examples(job: TrainJob, console: Console) -> tuple[Examples, Examples | None]:
    """The data, read and checked against the model and the batch, and the share of it that is kept aside."""
    try:
        examples = job.dataset.open(console.reading)
    except ConfigError as error:
        raise error.below("dataset") from error
    examples, aside = split_held_out(examples, job.evaluation.held_out)
    check_data(job, examples.spec)
    return examples, aside


def train_in_run_directory(
    job: TrainJob,
    start: LaunchPlan,
    run: RunDirectory,
    examples: Examples,
    state: TrainingState,
    step: AdversarialStep,
    console: Console,
    stop: StopRequest,
    evaluator: PeriodicEvaluator | None,
) -> int:
    """Everything that happens inside the run directory; gives the exit code."""
    section = job.train
    batches = open_batches(examples, section.batch_size, section.critic_steps, job.seed, job.dataset.flip)
    with closing(batches):
        calls = build_compiled_loop(job, step, batches, state)
        resumed = restore(run, state, section.steps, console.warn) if start.resumes else RestoredState()
        run.prepare(job.config, start.overrides, start.links)
        console.open_log(run.log)
        with ending(run, console, resumed) as end:
            console.line(f"{'Resuming' if start.resumes else 'Run directory'}: {run.path} (step {resumed.step})")
            notes = [*start.notes, *describe_data_change(resumed.data, examples.spec)]
            console.line("\n".join([*describe_job(job, examples, state), *notes]))
            end.record = record = open_record(job, run, examples, state, console, resumed)
            record.skipped()
            for warning in examples.warnings:
                console.warn(warning)
            pace = CallLength(section.steps_per_call, batches.longest_call)
            measuring = EvaluationCallback(evaluator, record, stop) if evaluator else None
            with console.training(resumed.step, section.steps):
                train(calls, record, LoopSchedule.of(job), pace, stop, measuring)
            save_generator(run.generator, state.averaged, job.model, examples.spec, record.step)
            early = evaluator is not None and not stop.requested and record.step < section.steps
            why = evaluator.early_stop_reason() if evaluator and early else None
            is_whole = record.step == section.steps and not (measuring and measuring.is_missing)
            end.state = "finished" if is_whole or why else "interrupted"
            if why:
                console.line(f"Ended early at step {record.step}: {why}")
            if end.state == "interrupted":
                console.line(f"Stopped at step {record.step}. Go on with: gan-train resume={run.path}")
            for line in (*describe_modes(job, state), *(measuring.describe_best() if measuring else [])):
                console.line(line)
            if record.last_picture:
                console.line(f"Last samples: {record.last_picture}")
        return {"finished": 0, "interrupted": stop.exit_code, "failed": 1}[end.state]


def open_record(
    job: TrainJob, run: RunDirectory, examples: Examples, state: TrainingState, console: Console, resumed: RestoredState
) -> RunWriter:
    """The record of the run, its loggers opened and its picture of real examples drawn."""
    preview = make_preview(job, examples)
    real = preview.draw_real()
    write_atomically(run.samples / "real.png", lambda file: real.save(file, format="PNG"))
    writers = [logger.open(run.path, run.path.name, job.config, resumed.step) for logger in job.loggers.values()]
    return RunWriter(run, state, preview, writers, console, examples, job.config, resumed)


def make_preview(job: TrainJob, examples: Examples) -> TrainingGrid:
    """The run's fixed latents, and the real examples that the first step sees, to compare with."""
    rows, columns = parse_grid("sample.grid", job.sample.grid)
    count = rows * columns if examples.spec.is_image else job.sample.points
    fixed = latents(range(count), job.model.latent_size, job.model.latent_distribution)
    indices = step_indices(tf.constant(0, tf.int64), count, examples.spec.examples, job.seed).numpy()
    return TrainingGrid(examples.spec, fixed, rows, columns, real=examples.read(indices).values)


@dataclass
class RunOutcome:
    """How a run ended, as status.json will say."""

    state: str = "failed"
    record: RunWriter | None = None


@contextmanager
def ending(run: RunDirectory, console: Console, resumed: RestoredState) -> Iterator[RunOutcome]:
    """Writes status.json and closes the loggers, however training ends; bad losses are told and end here."""
    end, problem = RunOutcome(), None
    run.write_status(Status("running", resumed.step))
    try:
        yield end
    except NonFiniteError as error:
        problem = str(error)
        console.error(problem)
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
        console.write_log(traceback.format_exc())
        raise
    finally:
        if problem is not None:
            end.state = "failed"
        step = end.record.step if end.record else resumed.step
        with suppress(OSError):  # a full disk must not hide what went wrong
            run.write_status(Status(end.state, step, problem))
        if end.record is not None:
            end.record.tell(lambda writer: writer.close(end.state))
