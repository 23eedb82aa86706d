"""How long the rest of a run takes: its steps, and the evaluations, sample grids and checkpoints that still come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gan_cli.training.loop_schedule import LoopSchedule, RemainingWork

EVALUATION, SAMPLE_GRID, CHECKPOINT = "evaluation", "sample grid", "checkpoint"
MEMORY = 60.0
"""Seconds of steps after which a measurement of their speed counts half: other programs come and go."""
RECENT = 5
"""How many of the last evaluations, sample grids or checkpoints an estimate is the mean of."""


@dataclass(frozen=True)
class Durations:
    """Seconds that one step, evaluation, sample grid and checkpoint take."""

    step: float
    evaluation: float = 0.0
    sample_grid: float = 0.0
    checkpoint: float = 0.0


def seconds_of(work: RemainingWork, durations: Durations) -> float:
    """Returns the seconds that some work takes."""
    return (
        work.steps * durations.step
        + work.evaluations * durations.evaluation
        + work.sample_grids * durations.sample_grid
        + work.checkpoints * durations.checkpoint
    )


class TimeEstimate:
    """Measures how long each kind of work takes while a run trains, and estimates the seconds that are left.

    Args:
        schedule: of the run.
        known: what was measured before the run; counts for a kind of work until the run has done it itself.
    """

    def __init__(self, schedule: LoopSchedule, known: Durations | None = None) -> None:
        self.schedule = schedule
        self.known = {} if known is None else {
            EVALUATION: known.evaluation, SAMPLE_GRID: known.sample_grid, CHECKPOINT: known.checkpoint,
        }  # fmt: skip
        self.timed_steps, self.timed_seconds = 0.0, 0.0
        self.measured: dict[str, list[float]] = {}

    def add_steps(self, count: int, seconds: float) -> None:
        """Takes in that `count` steps took `seconds`; leave out those that compiled."""
        kept = 0.5 ** (seconds / MEMORY)
        self.timed_steps = kept * self.timed_steps + count
        self.timed_seconds = kept * self.timed_seconds + seconds

    @contextmanager
    def timing(self, kind: str) -> Iterator[None]:
        """Measures one evaluation, sample grid or checkpoint."""
        began = time.perf_counter()
        yield
        self.measured.setdefault(kind, []).append(time.perf_counter() - began)

    def expect(self, kind: str, seconds: float) -> None:
        """Sets what one evaluation, sample grid or checkpoint is expected to take, where that was not known before."""
        self.known.setdefault(kind, seconds)

    def duration(self, kind: str) -> float:
        """Returns the seconds of one piece of work: the mean of the last ones without the first, which prepares others.

        One that was never done is as long as was expected, or takes no time.
        """
        measured = self.measured.get(kind, [])
        if not measured:
            return self.known.get(kind, 0.0)
        recent = measured[1:][-RECENT:] or measured
        return sum(recent) / len(recent)

    def seconds_left(self, step: int, evaluates: bool = False) -> float | None:
        """Returns the seconds from `step` to the end of the run; None before any step was timed.

        Args:
            step: steps done, with what is due there.
            evaluates: whether the evaluation at `step` still comes.
        """
        if self.timed_steps == 0:
            return None
        durations = Durations(
            step=self.timed_seconds / self.timed_steps,
            evaluation=self.duration(EVALUATION),
            sample_grid=self.duration(SAMPLE_GRID),
            checkpoint=self.duration(CHECKPOINT),
        )
        left = seconds_of(self.schedule.remaining_after(step), durations)
        return left + (durations.evaluation if evaluates else 0.0)

    def evaluations_left(self, step: int, evaluates: bool = False) -> int:
        """Returns the number of evaluations that come; arguments as of `seconds_left`."""
        return self.schedule.remaining_after(step).evaluations + evaluates
