"""A training job, from a checked configuration to a finished run directory."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from gan_cli.checks import ConfigError
from gan_cli.config.build import TrainJob
from gan_cli.config.combinations import check_data
from gan_cli.config.schema import parse_grid
from gan_cli.config.start import Start
from gan_cli.data import Examples
from gan_cli.data.pipeline import open_batches, step_indices
from gan_cli.data.subsets import split_off
from gan_cli.devices import load_tensorflow, set_up_tensorflow
from gan_cli.evaluation.during import Evaluator
from gan_cli.lazy import tf
from gan_cli.runs.console import Console
from gan_cli.runs.directory import RunDirectory, claimed
from gan_cli.runs.files import write_whole
from gan_cli.runs.status import Status
from gan_cli.runs.stopping import StopRequest, stop_on_signals
from gan_cli.sampling.archive import save_generator
from gan_cli.sampling.latents import latents
from gan_cli.sampling.preview import Preview
from gan_cli.training.assemble import build_calls, build_state, build_step
from gan_cli.training.calls import Pace
from gan_cli.training.loop import Plan, train
from gan_cli.training.measuring import Measuring
from gan_cli.training.record import NotFinite, Record
from gan_cli.training.report import describe_job, describe_modes, estimate_memory
from gan_cli.training.resume import Resumed, describe_data_change, restore
from gan_cli.training.state import TrainingState
from gan_cli.training.step import AdversarialStep


def run_training(job: TrainJob, start: Start) -> int:
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
            lines = [*describe_job(job, examples, state), *estimate_memory(job, examples, state), *start.notes]
            console.line("\n".join([*lines, "Dry run: nothing was written."]))
            return 0
        # After the models: whatever an extractor draws must not change their first weights.
        evaluator = Evaluator(job, examples, aside, console) if job.metrics else None
        with claim(start) as run, stop_on_signals() as stop:
            return carry_out(job, start, run, examples, state, step, console, stop, evaluator)


@contextmanager
def claim(start: Start) -> Iterator[RunDirectory]:
    """The run directory, for this process alone."""
    if start.resumes:
        run = RunDirectory(start.directory)
        with run.locked():
            yield run
    else:
        with claimed(start.directory) as run:
            yield run


def open_examples(job: TrainJob, console: Console) -> tuple[Examples, Examples | None]:
    """The data, read and checked against the model and the batch, and the share of it that is kept aside."""
    try:
        examples = job.dataset.open(console.reading)
    except ConfigError as error:
        raise error.below("dataset") from error
    examples, aside = split_off(examples, job.evaluation.held_out)
    check_data(job, examples.spec)
    return examples, aside


def carry_out(
    job: TrainJob,
    start: Start,
    run: RunDirectory,
    examples: Examples,
    state: TrainingState,
    step: AdversarialStep,
    console: Console,
    stop: StopRequest,
    evaluator: Evaluator | None,
) -> int:
    """Everything that happens inside the run directory; gives the exit code."""
    section = job.train
    batches = open_batches(examples, section.batch_size, section.critic_steps, job.seed, job.dataset.flip)
    with closing(batches):
        calls = build_calls(job, step, batches, state)
        resumed = restore(run, state, section.steps, console.warn) if start.resumes else Resumed()
        run.prepare(job.config, start.overrides)
        console.open_log(run.log)
        with ending(run, console, resumed) as end:
            console.line(f"{'Resuming' if start.resumes else 'Run directory'}: {run.path} (step {resumed.step})")
            notes = [*start.notes, *describe_data_change(resumed.data, examples.spec)]
            console.line("\n".join([*describe_job(job, examples, state), *notes]))
            end.record = record = open_record(job, run, examples, state, console, resumed)
            record.left_out()
            pace = Pace(section.steps_per_call, batches.longest_call)
            measuring = Measuring(evaluator, record, stop) if evaluator else None
            with console.training(resumed.step, section.steps):
                train(calls, record, Plan.of(job), pace, stop, measuring)
            save_generator(run.generator, state.averaged, job.model, examples.spec, record.step)
            early = evaluator is not None and not stop.requested and record.step < section.steps
            why = evaluator.why_to_end() if evaluator and early else None
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
    job: TrainJob, run: RunDirectory, examples: Examples, state: TrainingState, console: Console, resumed: Resumed
) -> Record:
    """The record of the run, its loggers opened and its picture of real examples drawn."""
    preview = make_preview(job, examples)
    real = preview.draw_real()
    write_whole(run.samples / "real.png", lambda file: real.save(file, format="PNG"))
    writers = [logger.open(run.path, run.path.name, job.config, resumed.step) for logger in job.loggers.values()]
    return Record(run, state, preview, writers, console, examples, job.config, resumed)


def make_preview(job: TrainJob, examples: Examples) -> Preview:
    """The run's fixed latents, and the real examples that the first step sees, to compare with."""
    rows, columns = parse_grid("sample.grid", job.sample.grid)
    count = rows * columns if examples.spec.is_image else job.sample.points
    fixed = latents(range(count), job.model.latent_size, job.model.latent_distribution)
    indices = step_indices(tf.constant(0, tf.int64), count, examples.spec.examples, job.seed).numpy()
    return Preview(examples.spec, fixed, rows, columns, real=examples.read(indices)[0])


@dataclass
class Ending:
    """How a run ended, as status.json will say."""

    state: str = "failed"
    record: Record | None = None


@contextmanager
def ending(run: RunDirectory, console: Console, resumed: Resumed) -> Iterator[Ending]:
    """Writes status.json and closes the loggers, however training ends; bad losses are told and end here."""
    end, problem = Ending(), None
    run.write_status(Status("running", resumed.step))
    try:
        yield end
    except NotFinite as error:
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
