"""Plans the length of a run for a duration: measures what its parts take, and finds the steps that fit.

The run that follows is the one that `train.steps` with the planned number gives, bit for bit: the state is restored
after the measurement.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from gan_cli.config.job_builder import TrainJob
from gan_cli.data import Examples
from gan_cli.errors import MAX_INTEGER
from gan_cli.evaluation.periodic_evaluation import PeriodicEvaluator
from gan_cli.progress import ProgressReporter, format_duration
from gan_cli.runs.checkpoint import Checkpoint, save_checkpoint
from gan_cli.sampling.training_grid import TrainingGrid
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.build_training import build_compiled_loop, open_training_batches
from gan_cli.training.compiled_loop import CallLength
from gan_cli.training.loop_schedule import LoopSchedule
from gan_cli.training.time_estimate import Durations, seconds_of
from gan_cli.training.training_state import TrainingState

WARM_UP = 3
"""Graph calls before the timed ones: the first one compiles, and the next ones find their length."""
SHARE, SHORTEST, LONGEST = 0.03, 2.0, 20.0
"""Steps are timed for this share of the budget, within these limits in seconds."""


@dataclass(frozen=True)
class LengthPlan:
    """How long a run is to be, and what that was computed from.

    Attributes:
        steps: of the run.
        startup: seconds of the first graph call, which compiles.
        durations: what each kind of work takes.
        seconds: what the run is expected to take.
    """

    steps: int
    startup: float
    durations: Durations
    seconds: float

    def __str__(self) -> str:
        """What was measured: `1,234 steps of 0.021 s, ...; about 0:59`."""
        one = self.durations
        parts = {"evaluation": one.evaluation, "sample grid": one.sample_grid, "checkpoint": one.checkpoint}
        works = ", ".join(f"{name} {seconds:.2g} s" for name, seconds in parts.items() if seconds > 0)
        return (
            f"{self.steps:,} steps of {one.step:.3g} s, compilation {self.startup:.2g} s, {works}; "
            f"about {format_duration(self.seconds)} in all"
        )


@dataclass(frozen=True, eq=False)
class LengthPlanner:
    """Measures what the parts of a run take.

    Attributes:
        job: with a provisional number of steps.
        examples: the training data.
        state: models and optimizers; restored after the measurement.
        step: the adversarial step over `state`.
        evaluator: None where nothing is evaluated.
        grid: of sample images.
        reporter: shows the progress.
    """

    job: TrainJob
    examples: Examples
    state: TrainingState
    step: AdversarialStep
    evaluator: PeriodicEvaluator | None
    grid: TrainingGrid
    reporter: ProgressReporter

    def plan(self, budget: float) -> LengthPlan:
        """Returns the longest run whose steps, evaluations, sample grids and checkpoints take `budget` seconds."""
        before = self.state.arrays()
        try:
            startup, seconds = self.measure_steps(min(max(SHARE * budget, SHORTEST), LONGEST))
            durations = Durations(
                step=seconds,
                evaluation=self.measure_evaluation(),
                sample_grid=time_second_call(lambda: self.grid.draw(self.state.averaged)),
                checkpoint=self.measure_checkpoint(),
            )
        finally:
            self.state.restore(before)
        schedule = LoopSchedule.of(self.job)
        steps = affordable_steps(schedule, budget - startup, durations)
        return LengthPlan(steps, startup, durations, startup + run_seconds(schedule, steps, durations))

    def measure_steps(self, seconds: float) -> tuple[float, float]:
        """Returns the seconds of the first graph call, and those of a step in the calls of `seconds` seconds."""
        schedule = replace(LoopSchedule.of(self.job), steps=MAX_INTEGER)
        with closing(open_training_batches(self.job, self.examples)) as batches:
            loop = build_compiled_loop(self.job, self.step, batches, self.state)
            length = CallLength(self.job.train.steps_per_call, batches.longest_call)
            startup, step, timed_steps, timed_seconds = 0.0, 0, 0, 0.0
            while timed_seconds < seconds:
                self.reporter.progress("measuring the speed", int(timed_seconds * 10), int(seconds * 10) + 1)
                count = min(length.count, schedule.until_next_event(step))
                result = loop(step, count)
                if result.compiled:
                    startup = result.seconds
                if loop.calls > WARM_UP:
                    timed_steps, timed_seconds = timed_steps + count, timed_seconds + result.seconds
                length.update(count, result)
                step += count
        self.reporter.progress("measuring the speed", 1, 1)
        return startup, timed_seconds / timed_steps

    def measure_evaluation(self) -> float:
        """Returns the seconds of an evaluation, without the features of real examples, which stay.

        One that fails takes no time: it is a warning while the run trains.
        """
        evaluator = self.evaluator
        if evaluator is None:
            return 0.0
        try:
            evaluator.prepare(self.state.averaged, self.reporter)
            began = time.perf_counter()
            evaluator.evaluate(self.state.averaged, self.state.discriminator, 0, self.reporter)
        except Exception:  # metrics of the user's own may raise anything
            return 0.0
        return time.perf_counter() - began

    def measure_checkpoint(self) -> float:
        """Returns the seconds of a checkpoint, written into a temporary folder."""
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="gan-cli-") as folder:
            checkpoint = Checkpoint(0, 0.0, self.examples.spec, self.job.config, self.state.arrays())
            save_checkpoint(Path(folder), checkpoint, keep=1)
            return time.perf_counter() - began


def time_second_call(work: Callable[[], object]) -> float:
    """Returns the seconds of a call that comes after a first one, which may compile."""
    work()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run_seconds(schedule: LoopSchedule, steps: int, durations: Durations) -> float:
    """Returns the seconds of a run of that many steps, with the sample grid before its first step."""
    return durations.sample_grid + seconds_of(replace(schedule, steps=steps).remaining_after(0), durations)


def affordable_steps(schedule: LoopSchedule, seconds: float, durations: Durations) -> int:
    """Returns the largest number of steps whose run takes no more than `seconds`; at least 1."""
    low, high = 1, MAX_INTEGER
    while low < high:
        middle = (low + high + 1) // 2
        if run_seconds(schedule, middle, durations) <= seconds:
            low = middle
        else:
            high = middle - 1
    return low
