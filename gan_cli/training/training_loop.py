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


def train(
    loop: CompiledLoop,
    writer: RunWriter,
    schedule: LoopSchedule,
    call_length: CallLength,
    stop: StopRequest,
    callback: EvaluationCallback | None = None,
) -> None:
    """Trains from the writer's step to `schedule.steps`, or until a stop request or early stopping.

    Raises:
        NonFiniteError: with the range of steps, the last good checkpoint and the likely causes.
    """
    step = writer.clock.step
    if step == 0:
        writer.write_samples(0)
    elif callback is not None and schedule.evaluates(step):
        callback.resume_at(step)
    stopping, ending = stop.requested, callback is not None and callback.ends
    while step < schedule.steps and not stopping and not ending:
        count = min(call_length.count, schedule.until_next_event(step))
        result = loop(step, count)
        if result.first_bad_step is not None:
            where = f"step {result.first_bad_step} (graph call of steps {step} to {step + count - 1})"
            raise writer.checkpoints.non_finite_error(f"A loss became NaN or infinite in {where}.")
        step += count
        call_length.update(count, result)
        writer.clock.count_steps(step, count, result)

        last, stopping = step == schedule.steps, stop.requested
        if step % schedule.log_every == 0 or last:
            writer.write_metrics(step, loop.pop_means(reset=step % schedule.log_every == 0))
        if step % schedule.sample_every == 0 or last:
            writer.write_samples(step)
        if step % schedule.checkpoint_every == 0 or last or stopping:
            writer.write_checkpoint(step)
        writer.report_progress(result)  # once everything is saved: output may block or break
        # After the checkpoint: a failed evaluation must not lose training.
        if callback is not None and schedule.evaluates(step):
            callback.evaluate(step)
            ending, stopping = callback.ends, stop.requested
    if (ending or stopping) and step > writer.checkpoints.last_step:
        writer.write_checkpoint(step)
    if ending and writer.last_picture != writer.run.sample(step):
        writer.write_samples(step)
