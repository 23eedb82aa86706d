"""The training loop."""

from __future__ import annotations

from dataclasses import dataclass

from gan_cli.config.job_builder import TrainJob
from gan_cli.runs.signals import StopRequest
from gan_cli.training.compiled_loop import CallLength, CompiledLoop
from gan_cli.training.evaluation_callback import EvaluationCallback
from gan_cli.training.run_writer import RunWriter


@dataclass(frozen=True)
class LoopSchedule:
    """How far to train, and what to write how often, all in steps."""

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


def train(
    calls: CompiledLoop,
    record: RunWriter,
    plan: LoopSchedule,
    pace: CallLength,
    stop: StopRequest,
    measuring: EvaluationCallback | None = None,
) -> None:
    """Trains from where `record` stands to `plan.steps`, or until a stop is asked for or what is measured says so.

    Raises:
        NonFiniteError: with the range of steps, the last good checkpoint and the likely causes.
    """
    step = record.step
    if step == 0:
        record.picture(0)
    elif measuring is not None and plan.evaluates(step):
        measuring.catch_up(step)
    stopping, ending = stop.requested, measuring is not None and measuring.ends
    while step < plan.steps and not stopping and not ending:
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
            record.metrics(step, calls.pop_means(reset=step % plan.log_every == 0))
        if step % plan.sample_every == 0 or last:
            record.picture(step)
        if step % plan.checkpoint_every == 0 or last or stopping:
            record.checkpoint(step)
        # After the checkpoint: whatever happens to an evaluation, it can't cost what was trained.
        if measuring is not None and plan.evaluates(step):
            measuring.evaluate(step)
            ending, stopping = measuring.ends, stop.requested
    if (ending or stopping) and step > record.saved_step:
        record.checkpoint(step)
    if ending and record.last_picture != record.run.sample(step):
        record.picture(step)
