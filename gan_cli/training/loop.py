"""The training loop."""

from __future__ import annotations

from dataclasses import dataclass

from gan_cli.config.build import TrainJob
from gan_cli.runs.stopping import StopRequest
from gan_cli.training.calls import GraphCalls, Pace
from gan_cli.training.record import Record


@dataclass(frozen=True)
class Plan:
    """How far to train, and what to write how often, all in steps."""

    steps: int
    log_every: int
    sample_every: int
    checkpoint_every: int

    @classmethod
    def of(cls, job: TrainJob) -> Plan:
        return cls(job.train.steps, job.run.log_every, job.run.sample_every, job.run.checkpoint_every)

    def until_next_event(self, step: int) -> int:
        """Steps from `step` to the nearest one at which something is written."""
        periods = (self.log_every, self.sample_every, self.checkpoint_every)
        return min(self.steps - step, *(period - step % period for period in periods))


def train(calls: GraphCalls, record: Record, plan: Plan, pace: Pace, stop: StopRequest) -> None:
    """Trains from where `record` stands to `plan.steps`, or until a stop is asked for.

    Raises:
        NotFinite: with the range of steps, the last good checkpoint and the likely causes.
    """
    step = record.step
    if step == 0:
        record.picture(0)
    stopping = stop.requested
    while step < plan.steps and not stopping:
        count = min(pace.count, plan.until_next_event(step))
        result = calls(step, count)
        if result.first_bad_step is not None:
            where = f"step {result.first_bad_step} (graph call of steps {step} to {step + count - 1})"
            raise record.not_finite(f"A loss became NaN or infinite in {where}.")
        step += count
        pace.learn(count, result)
        record.progress(step, count, result)

        last, stopping = step == plan.steps, stop.requested
        if step % plan.log_every == 0 or last:
            record.metrics(step, calls.take_means(reset=step % plan.log_every == 0))
        if step % plan.sample_every == 0 or last:
            record.picture(step)
        if step % plan.checkpoint_every == 0 or last or stopping:
            record.checkpoint(step)
