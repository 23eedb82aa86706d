"""A training run: from a checked configuration to a finished run directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gan_cli.config.compatibility import check_data
from gan_cli.config.job_builder import TrainJob
from gan_cli.config.label_checks import check_labels
from gan_cli.config.launch_plan import LaunchPlan, choose_for_data, choose_for_length
from gan_cli.console import Console
from gan_cli.data import Examples
from gan_cli.data.example_order import step_indices
from gan_cli.data.skipped_files import SkippedFileReporter
from gan_cli.data.splits import split_held_out
from gan_cli.devices import load_tensorflow, set_up_tensorflow
from gan_cli.errors import ConfigError
from gan_cli.evaluation.periodic_evaluation import PeriodicEvaluator
from gan_cli.features import FeatureExtractor
from gan_cli.lazy import tf
from gan_cli.loggers.logger_group import open_loggers
from gan_cli.losses import FEATURES
from gan_cli.plotting.grid_size import parse_grid
from gan_cli.plotting.image_grid import write_png
from gan_cli.runs.atomic_files import write_atomically
from gan_cli.runs.checkpoint import has_checkpoint
from gan_cli.runs.environment import describe_rounding_changes
from gan_cli.runs.run_directory import RunDirectory, create_exclusive
from gan_cli.runs.signals import StopRequest, stop_on_signals
from gan_cli.runs.status import Status
from gan_cli.sampling.class_rows import first_of_classes, rows_of_classes
from gan_cli.sampling.generator_file import save_generator
from gan_cli.sampling.latents import Latents, cycled, latents, seeded_noise
from gan_cli.sampling.training_grid import TrainingGrid
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.build_training import build_compiled_loop, build_state, build_step, open_training_batches
from gan_cli.training.checkpoint_writer import CheckpointWriter
from gan_cli.training.compiled_loop import CallLength
from gan_cli.training.evaluation_callback import EvaluationCallback
from gan_cli.training.length_plan import LengthPlan, LengthPlanner
from gan_cli.training.loop_schedule import LoopSchedule
from gan_cli.training.resume_run import RestoredState, describe_data_change, restore
from gan_cli.training.run_outcome import RunOutcome, record_outcome
from gan_cli.training.run_writer import RunWriter
from gan_cli.training.start_from import StartReport, assign_start
from gan_cli.training.start_summary import (
    describe_budget,
    describe_choices,
    describe_job,
    describe_modes,
    estimate_memory,
)
from gan_cli.training.time_estimate import TimeEstimate
from gan_cli.training.training_clock import TrainingClock
from gan_cli.training.training_loop import train
from gan_cli.training.training_state import TrainingState

READING_ALL = "comparing the loss's landmarks with all examples"


def run_training(job: TrainJob, plan: LaunchPlan) -> int:
    """Trains and returns the exit code: 0 finished, 1 failed, 129, 130 or 143 stopped by a signal.

    Raises:
        ConfigError: for what the user can fix; a new run has written nothing then.
    """
    console = Console()
    with closing(console), console.python_warnings():
        load_tensorflow()
        set_up_tensorflow(job.seed, job.train.deterministic)
        training = build_training_run(job, plan, console)
        if plan.dry_run:
            training.report_dry_run()
            return 0
        if plan.budget_seconds is not None:
            training = training.with_planned_length(plan.budget_seconds)
        with acquire_run_directory(plan) as run, stop_on_signals() as stop:
            return training.train(run, stop)


def build_training_run(job: TrainJob, plan: LaunchPlan, console: Console) -> TrainingRun:
    """Reads the data, and builds models, optimizers, the step and the evaluator."""
    examples, held_out = open_examples(job, console)
    job, plan = choose_for_data(job, plan, examples.spec)
    state = build_state(job, examples.spec, load_extractor(job, examples, console))
    start = load_start(job, plan, state, console)
    step = build_step(job, state, examples, partial(console.progress, READING_ALL))
    # After the models: random numbers of a feature extractor must not change their initial weights.
    evaluates = bool(job.metrics) and not plan.dry_run
    evaluator = PeriodicEvaluator(job, examples, held_out, console) if evaluates else None
    return TrainingRun(job, plan, console, examples, state, step, evaluator, start)


def load_start(job: TrainJob, plan: LaunchPlan, state: TrainingState, console: Console) -> StartReport | None:
    """Puts the weights of `train.start_from` into a new state, or into that of a run that has no checkpoint yet."""
    if job.train.start_from is None:
        return None
    if plan.resumes and has_checkpoint(RunDirectory(plan.directory).checkpoints):
        return None
    return assign_start(state, job, plan.choices.automatic.origin.trust, console.warn)


def open_examples(job: TrainJob, console: Console) -> tuple[Examples, Examples | None]:
    """Reads the data, checks it against the model and the batch size, and splits off the held-out examples."""
    try:
        examples = job.dataset.open(console.read_data)
    except ConfigError as error:
        raise error.below("dataset") from error
    examples, held_out = split_held_out(examples, job.evaluation.held_out)
    check_data(job, examples.spec)
    for warning in check_labels(job.conditioning, examples):
        console.warn(warning)
    return examples, held_out


def load_extractor(job: TrainJob, examples: Examples, console: Console) -> FeatureExtractor | None:
    """Loads or trains the extractor in whose features the loss compares examples; None for other losses."""
    if job.loss.output != FEATURES:
        return None
    labelled = (lambda: examples) if examples.spec.classes > 1 else None
    try:
        return job.features.choose(examples.spec).load(examples.spec, labelled, console)
    except ConfigError as error:
        raise error.below("features") from None


@contextmanager
def acquire_run_directory(plan: LaunchPlan) -> Iterator[RunDirectory]:
    """The run directory, locked for this process."""
    if plan.resumes:
        run = RunDirectory(plan.directory)
        with run.locked():
            yield run
    else:
        with create_exclusive(plan.directory) as run:
            yield run


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """A training run that is built and has no run directory yet.

    Attributes:
        job: the checked configuration.
        plan: whether and what it resumes, and what to report.
        examples: the training data, without held-out examples.
        state: models and optimizers.
        step: the adversarial step over `state`.
        evaluator: None where nothing is evaluated.
        start: what was taken from another run; None where nothing was, now.
        length_plan: what the length of the run was planned from, if it was.
    """

    job: TrainJob
    plan: LaunchPlan
    console: Console
    examples: Examples
    state: TrainingState
    step: AdversarialStep
    evaluator: PeriodicEvaluator | None
    start: StartReport | None = None
    length_plan: LengthPlan | None = None

    def with_planned_length(self, budget: float) -> TrainingRun:
        """Returns the run whose steps, evaluations, sample grids and checkpoints take `budget` seconds.

        The speed is that of the values that rules choose for a long run; then they choose for the planned length.

        Raises:
            ConfigError: where a part does not fit into a run of that length.
        """
        grid = build_training_grid(self.job, self.examples)
        planner = LengthPlanner(self.job, self.examples, self.state, self.step, self.evaluator, grid, self.console)
        length_plan = planner.plan(budget)
        job, plan = choose_for_length(self.plan, length_plan.steps, self.examples.spec)
        if self.evaluator is not None:
            self.evaluator.set_job(job)
        step = build_step(job, self.state, self.examples, partial(self.console.progress, READING_ALL))
        return replace(self, job=job, plan=plan, step=step, length_plan=length_plan)

    def time_estimate(self) -> TimeEstimate:
        """Returns the estimate of the time that is left, with what was measured for the plan of the length."""
        return TimeEstimate(LoopSchedule.of(self.job), self.length_plan.durations if self.length_plan else None)

    def report_dry_run(self) -> None:
        """Prints the summary and the memory estimate."""
        lines = [*describe_job(self.job, self.examples, self.state), *self.describe_start()]
        measured_later = self.plan.budget_seconds is not None
        lines += describe_budget(self.job, "as many steps as fit" if measured_later else "")
        lines += describe_choices(self.plan.choices)
        lines += estimate_memory(self.job, self.examples, self.state)
        lines += [*self.examples.warnings, *self.plan.notes, "Dry run: nothing was written."]
        self.console.line("\n".join(lines))

    def train(self, run: RunDirectory, stop: StopRequest) -> int:
        """Trains in the run directory and returns the exit code."""
        job, section = self.job, self.job.train
        with closing(open_training_batches(job, self.examples)) as batches:
            loop = build_compiled_loop(job, self.step, batches, self.state)
            restored = self.restore(run)
            run.prepare(job.config, self.plan.overrides, self.plan.links, self.start.as_dict() if self.start else None)
            self.console.open_log(run.log)
            with record_outcome(run, self.console, restored) as outcome:
                self.report_start(run, restored)
                outcome.writer = writer = self.open_writer(run, restored)
                writer.skipped.report(self.console.line)
                for warning in self.examples.warnings:
                    self.console.warn(warning)
                call_length = CallLength(section.steps_per_call, batches.longest_call)
                callback = EvaluationCallback(self.evaluator, writer, stop) if self.evaluator else None
                if self.start is not None:  # so that a resumed run does not need the other one
                    writer.write_checkpoint(restored.step)
                with self.console.training(restored.step, section.steps):
                    train(loop, writer, LoopSchedule.of(job), call_length, stop, callback)
                averaged, step, condition = self.state.averaged, writer.clock.step, self.state.condition
                save_generator(run.generator, averaged, job.model, self.examples.spec, step, condition)
                self.report_end(outcome, writer, callback, stop)
            return {"finished": 0, "interrupted": stop.exit_code, "failed": 1}[outcome.state]

    def describe_start(self) -> list[str]:
        """The lines of the start block about the run that this one starts from; none without one."""
        return self.start.lines() if self.start is not None else []

    def restore(self, run: RunDirectory) -> RestoredState:
        """Loads the newest checkpoint of a run that is resumed."""
        if not self.plan.resumes:
            return RestoredState()
        labelled = self.examples.spec if self.job.conditioning.needs_labels else None
        return restore(run, self.state, self.job.train.steps, self.console.warn, labelled)

    def report_start(self, run: RunDirectory, restored: RestoredState) -> None:
        """Prints where the run is written to, from which step it starts, and its summary."""
        start = f"Resuming from step {restored.step}: {run.path}" if self.plan.resumes else f"Run directory: {run.path}"
        notes = [*self.plan.notes, *describe_data_change(restored.data, self.examples.spec)]
        notes += describe_rounding_changes(run.environment)
        self.console.line(start)
        lines = [*describe_job(self.job, self.examples, self.state), *self.describe_start()]
        lines += describe_budget(self.job, "" if self.length_plan is None else str(self.length_plan))
        self.console.line("\n".join([*lines, *describe_choices(self.plan.choices), *notes]))

    def open_writer(self, run: RunDirectory, restored: RestoredState) -> RunWriter:
        """Opens the loggers and writes the image of real examples."""
        grid = build_training_grid(self.job, self.examples)
        real = grid.draw_real()
        write_atomically(run.samples / "real.png", lambda file: write_png(real, file))
        job, skipped = self.job, self.examples.skipped
        return RunWriter(
            checkpoints=CheckpointWriter(run, self.state, self.examples.spec, job.config, restored),
            clock=TrainingClock(job.train.batch_size, self.time_estimate(), restored.step, restored.seconds),
            grid=grid,
            loggers=open_loggers(job.loggers, run.path, job.config, restored.step, self.console.warn),
            console=self.console,
            # A resumed run has reported these before; the start block gives their number.
            skipped=SkippedFileReporter(skipped, reported=len(skipped) if restored.checkpoint is not None else 0),
        )

    def report_end(
        self, outcome: RunOutcome, writer: RunWriter, callback: EvaluationCallback | None, stop: StopRequest
    ) -> None:
        """Decides how the run ended, and prints that with its results."""
        is_complete = writer.clock.step == self.job.train.steps
        may_stop_early = callback is not None and not stop.requested and not is_complete
        early_stop = callback.evaluator.early_stop_reason() if callback is not None and may_stop_early else None
        lacks_evaluation = callback is not None and callback.is_missing
        outcome.state = "finished" if early_stop or (is_complete and not lacks_evaluation) else "interrupted"
        writer.run.write_status(Status(outcome.state, writer.clock.step))  # before the lines below: output may block
        lines = []
        if early_stop:
            lines.append(f"Stopped early at step {writer.clock.step}: {early_stop}")
        if outcome.state == "interrupted":
            lines.append(f"Stopped at step {writer.clock.step}. Resume with: gan-train resume={writer.run.path}")
        lines += describe_modes(self.job, self.state)
        lines += callback.describe_best() if callback else []
        lines += [f"Last samples: {writer.last_picture}"] if writer.last_picture else []
        for line in lines:
            self.console.line(line)


def build_training_grid(job: TrainJob, examples: Examples) -> TrainingGrid:
    """Returns the grid of the run's fixed latents, and of real examples for comparison.

    With classes, a grid of images has a row for each, with the same latents in all rows.
    """
    rows, columns = parse_grid("sample.grid", job.sample.grid)
    spec, model = examples.spec, job.model
    condition = job.conditioning.condition(spec)
    if condition is not None and spec.is_image:
        shown = rows_of_classes(condition.classes)
        seeds = list(range(columns)) * len(shown)
        z = latents(seeds, model.latent_size, model.latent_distribution)
        fixed = Latents(z, condition.array(np.repeat(shown, columns)), seeded_noise(seeds, model.noise_size(spec)))
        has_labels = job.conditioning.needs_labels
        real = first_of_classes(examples, shown, columns) if has_labels else first_examples(job, examples, len(z))
        return TrainingGrid(spec, fixed, len(shown), columns, real)
    count = rows * columns if spec.is_image else job.sample.points
    noise = seeded_noise(range(count), model.noise_size(spec))
    fixed = cycled(latents(range(count), model.latent_size, model.latent_distribution), condition, noise)
    return TrainingGrid(spec, fixed, rows, columns, first_examples(job, examples, count))


def first_examples(job: TrainJob, examples: Examples, count: int) -> np.ndarray:
    """Returns the real examples of the first step."""
    indices = step_indices(tf.constant(0, tf.int64), count, examples.spec.examples, job.seed).numpy()
    values: np.ndarray = examples.read(indices).values
    return values
