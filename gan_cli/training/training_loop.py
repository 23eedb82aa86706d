"""The training loop."""

from __future__ import annotations

import time

from gan_cli.runs.signals import StopRequest
from gan_cli.training.compiled_loop import CallLength, CompiledLoop
from gan_cli.training.evaluation_callback import EvaluationCallback
from gan_cli.training.loop_schedule import LoopSchedule
from gan_cli.training.run_writer import RunWriter
from gan_cli.training.time_estimate import CHECKPOINT, EVALUATION, SAMPLE_GRID


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
    step, estimate = writer.clock.step, writer.clock.estimate
    writer.grid.draw(writer.checkpoints.state.averaged)  # traces its graph, so that the time of the next one counts
    if step == 0:
        with estimate.timing(SAMPLE_GRID):
            writer.write_samples(0)
    elif callback is not None and schedule.evaluates(step):
        callback.resume_at(step)
    if callback is not None and schedule.remaining_after(step).evaluations:
        callback.prepare(estimate)
    stopping, ending = stop.requested, callback is not None and callback.ends
    while step < schedule.steps and not stopping and not ending:
        count = min(call_length.count, schedule.until_next_event(step))
        began = time.perf_counter()
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
        if not result.compiled:
            estimate.add_steps(count, time.perf_counter() - began)
        if step % schedule.sample_every == 0 or last:
            with estimate.timing(SAMPLE_GRID):
                writer.write_samples(step)
        if step % schedule.checkpoint_every == 0 or last or stopping:
            with estimate.timing(CHECKPOINT):
                writer.write_checkpoint(step)
        evaluates = callback is not None and schedule.evaluates(step)
        writer.report_progress(result, evaluates)  # once everything is saved: output may block or break
        # After the checkpoint: a failed evaluation must not lose training.
        if callback is not None and evaluates:
            with estimate.timing(EVALUATION):
                callback.evaluate(step)
            ending, stopping = callback.ends, stop.requested
    if (ending or stopping) and step > writer.checkpoints.last_step:
        writer.write_checkpoint(step)
    if ending and writer.last_picture != writer.run.sample(step):
        writer.write_samples(step)
