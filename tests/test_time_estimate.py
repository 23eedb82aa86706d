"""The time that is left, by hand: steps, evaluations, sample grids and checkpoints that still come."""

from __future__ import annotations

import pytest

from gan_cli.console import format_progress
from gan_cli.progress import TrainingProgress
from gan_cli.training.loop_schedule import LoopSchedule, RemainingWork
from gan_cli.training.time_estimate import (
    CHECKPOINT,
    EVALUATION,
    MEMORY,
    SAMPLE_GRID,
    Durations,
    TimeEstimate,
    seconds_of,
)

SCHEDULE = LoopSchedule(steps=100, log_every=10, sample_every=30, checkpoint_every=50, evaluate_every=40)
"""Sample grids at 30, 60, 90 and 100, checkpoints at 50 and 100, evaluations at 40, 80 and 100."""


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, RemainingWork(100, evaluations=3, sample_grids=4, checkpoints=2)),
        (29, RemainingWork(71, evaluations=3, sample_grids=4, checkpoints=2)),
        (30, RemainingWork(70, evaluations=3, sample_grids=3, checkpoints=2)),
        (50, RemainingWork(50, evaluations=2, sample_grids=3, checkpoints=1)),
        (99, RemainingWork(1, evaluations=1, sample_grids=1, checkpoints=1)),
        (100, RemainingWork(0, evaluations=0, sample_grids=0, checkpoints=0)),
    ],
)
def test_the_work_that_comes_after_a_step(step: int, expected: RemainingWork) -> None:
    assert SCHEDULE.remaining_after(step) == expected


def test_what_is_due_at_the_last_step_anyway_is_counted_once_and_nothing_is_evaluated_without_a_metric() -> None:
    assert LoopSchedule(100, 10, 50, 50).remaining_after(0) == RemainingWork(100, 0, sample_grids=2, checkpoints=2)


def test_the_seconds_of_some_work_are_those_of_its_parts() -> None:
    work = RemainingWork(steps=10, evaluations=2, sample_grids=3, checkpoints=4)
    assert seconds_of(work, Durations(0.5, evaluation=7.0, sample_grid=0.1, checkpoint=0.2)) == pytest.approx(
        10 * 0.5 + 2 * 7.0 + 3 * 0.1 + 4 * 0.2
    )


def test_nothing_is_said_before_a_step_was_timed() -> None:
    estimate = TimeEstimate(SCHEDULE)
    assert estimate.seconds_left(0) is None
    assert TrainingProgress(0, {}, evaluations_left=estimate.evaluations_left(0)).time_left == "3 evaluations to come"


def test_expected_durations_count_until_they_were_measured() -> None:
    estimate = TimeEstimate(SCHEDULE, Durations(step=99.0, evaluation=5.0, sample_grid=1.0, checkpoint=2.0))
    estimate.add_steps(10, 1.0)
    assert estimate.seconds_left(10) == pytest.approx(90 * 0.1 + 3 * 5.0 + 4 * 1.0 + 2 * 2.0)
    estimate.expect(SAMPLE_GRID, 0.5)  # less than what was measured before the run
    estimate.measured[EVALUATION] = [8.0]
    assert estimate.seconds_left(10) == pytest.approx(90 * 0.1 + 3 * 8.0 + 4 * 1.0 + 2 * 2.0)


def test_the_first_of_several_measurements_prepares_the_others_and_does_not_count() -> None:
    estimate = TimeEstimate(SCHEDULE)
    estimate.add_steps(10, 1.0)
    estimate.measured = {EVALUATION: [30.0, 2.0, 4.0], CHECKPOINT: [9.0]}
    assert estimate.duration(EVALUATION) == pytest.approx(3.0)
    assert estimate.duration(CHECKPOINT) == pytest.approx(9.0)
    assert estimate.duration(SAMPLE_GRID) == 0.0


def test_the_evaluation_at_the_step_itself_still_comes() -> None:
    estimate = TimeEstimate(SCHEDULE)
    estimate.add_steps(100, 1.0)
    estimate.expect(EVALUATION, 4.0)
    assert estimate.seconds_left(100, evaluates=True) == pytest.approx(4.0)
    assert estimate.seconds_left(100) == 0.0
    assert (estimate.evaluations_left(80, evaluates=True), estimate.evaluations_left(80)) == (2, 1)


def test_an_old_speed_counts_half_after_a_minute_of_steps() -> None:
    estimate = TimeEstimate(LoopSchedule(1000, 1000, 1000, 1000))
    estimate.add_steps(60, MEMORY)  # 1 s each
    estimate.add_steps(600, MEMORY)  # 0.1 s each
    assert estimate.seconds_left(990) == pytest.approx(10 * (0.5 * 60 + 60) / (0.5 * 60 + 600))


@pytest.mark.parametrize(
    ("seconds", "evaluations", "expected"),
    [
        (35.2, 3, "0:35 left, 3 evaluations to come"),
        (3700.0, 1, "1:01:40 left, 1 evaluation to come"),
        (0.0, 0, "0:00 left"),
        (None, 0, ""),
    ],
)
def test_the_time_left_in_words(seconds: float | None, evaluations: int, expected: str) -> None:
    assert TrainingProgress(1, {}, seconds_left=seconds, evaluations_left=evaluations).time_left == expected


def test_in_a_narrow_line_the_time_left_stays() -> None:
    losses = {"generator_loss": 0.81, "discriminator_loss": 1.23}
    progress = TrainingProgress(5, losses, 2304.0, "best fid 0.42", seconds_left=24.0, evaluations_left=2)
    whole = "2,304 images/s  G 0.810  D 1.23  best fid 0.42  0:24 left, 2 evaluations to come"
    assert format_progress(progress, ("G", "D")) == whole
    assert format_progress(progress, ("G", "D"), width=len(whole)) == whole
    without_losses = "2,304 images/s  best fid 0.42  0:24 left, 2 evaluations to come"
    assert format_progress(progress, ("G", "D"), width=len(whole) - 1) == without_losses
    assert format_progress(progress, ("G", "D"), width=54) == "2,304 images/s  0:24 left, 2 evaluations to come"
    assert format_progress(progress, ("G", "D"), width=10) == "0:24 left, 2 evaluations to come"
