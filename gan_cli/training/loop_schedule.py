"""When the training loop writes and evaluates, and how much of that still comes."""

from __future__ import annotations

from dataclasses import dataclass

from gan_cli.config.job_builder import TrainJob


@dataclass(frozen=True)
class RemainingWork:
    """What a run still does: how many steps, evaluations, sample grids and checkpoints."""

    steps: int
    evaluations: int
    sample_grids: int
    checkpoints: int


@dataclass(frozen=True)
class LoopSchedule:
    """The number of steps, and the intervals in steps at which something is written."""

    steps: int
    log_every: int
    sample_every: int
    checkpoint_every: int
    evaluate_every: int | None = None
    """None where nothing is measured."""

    @classmethod
    def of(cls, job: TrainJob) -> LoopSchedule:
        evaluate_every = job.evaluation.every if job.metrics else None
        return cls(job.train.steps, job.run.log_every, job.run.sample_every, job.run.checkpoint_every, evaluate_every)

    def until_next_event(self, step: int) -> int:
        """Steps from `step` to the nearest one at which something is written."""
        periods = [self.log_every, self.sample_every, self.checkpoint_every]
        periods += [self.evaluate_every] if self.evaluate_every else []
        return min(self.steps - step, *(period - step % period for period in periods))

    def evaluates(self, step: int) -> bool:
        """Whether an evaluation is due at `step`: every so often, and at the end."""
        return self.evaluate_every is not None and step > 0 and (step % self.evaluate_every == 0 or step == self.steps)

    def remaining_after(self, step: int) -> RemainingWork:
        """Returns the work that comes when `step` steps are done, with all that is due at `step`."""
        evaluations = self.events_after(step, self.evaluate_every) if self.evaluate_every else 0
        return RemainingWork(
            steps=self.steps - step,
            evaluations=evaluations,
            sample_grids=self.events_after(step, self.sample_every),
            checkpoints=self.events_after(step, self.checkpoint_every),
        )

    def events_after(self, step: int, every: int) -> int:
        """Returns how many of the steps after `step` are multiples of `every` or the last step."""
        if step >= self.steps:
            return 0
        return self.steps // every - step // every + (self.steps % every > 0)
