"""The compiled training loop: many steps in one call of one graph, and how many steps a call has.

The number of steps is a tensor, so one graph serves every number, and the results do not depend on how steps are
grouped into calls.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_cli.data import ExampleBatch
from gan_cli.data.pipeline import Batches
from gan_cli.lazy import tf
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.call_state import average_positions
from gan_cli.training.ema import AverageDecay, update_average
from gan_cli.training.training_state import TrainingState

NEVER = np.iinfo(np.int64).max
TARGET_SECONDS = 0.25  # of a call: long enough to hide its overhead, short enough to answer Ctrl-C at once


@dataclass(frozen=True)
class LoopResult:
    """The result of one graph call.

    Attributes:
        metrics: of its last step, by name.
        first_bad_step: the first step with a loss that is not finite, None where there is none.
        seconds: how long it took, reading data included.
        compiled: whether it was the first call, whose time is mostly that of compiling.
    """

    metrics: dict[str, float]
    first_bad_step: int | None
    seconds: float
    compiled: bool


class CompiledLoop:
    """The step and the EMA update, compiled into one function that runs any number of steps.

    Args:
        step: the adversarial step.
        batches: the batches of real examples.
        state: the step's models and optimizers, with the EMA weights and the running sums to update.
        decay: of the EMA.
        xla: whether XLA compiles the step; looking up the data stays outside, XLA has no kernel for its order.
    """

    def __init__(
        self,
        step: AdversarialStep,
        batches: Batches,
        state: TrainingState,
        decay: AverageDecay,
        xla: bool,
    ) -> None:
        self.step, self.batches, self.state, self.decay = step, batches, state, decay
        self.compiled_step = tf.function(step, jit_compile=True, autograph=False) if xla else step
        self.names = list(step.intervals)
        self.copied = average_positions(state.generator)
        number = tf.TensorSpec([], tf.int64)
        signature = (number, number, *batches.signature())
        # Without AutoGraph: converting the Python code to graph code would double the time until the first step.
        self.function = tf.function(self.run_steps, input_signature=signature, autograph=False)
        self.calls = 0

    def __call__(self, first_step: int, count: int) -> LoopResult:
        """Runs steps `first_step` .. `first_step + count - 1`."""
        began = time.perf_counter()
        feed = self.batches.feed(first_step, count)
        row, bad = self.function(tf.constant(first_step, tf.int64), tf.constant(count, tf.int64), *feed)
        metrics = dict(zip(self.names, row.numpy().tolist(), strict=True))  # waits for the device
        first_bad = int(bad.numpy())
        self.calls += 1
        return LoopResult(
            metrics=metrics,
            first_bad_step=None if first_bad == NEVER else first_bad,
            seconds=time.perf_counter() - began,
            compiled=self.calls == 1,
        )

    def run_steps(self, first_step: Any, count: Any, values: Any, labels: Any) -> tuple[Any, Any]:
        """Returns the metrics of the last step, float32 ordered as `names`, and the first step that is not finite."""

        def run_one(step: Any, _: Any, bad: Any) -> tuple[Any, Any, Any]:
            batch = self.batches.batch((values, labels), first_step, step)
            row, finite = self.run_step(batch, step)
            return step + 1, row, tf.minimum(bad, tf.where(finite, tf.constant(NEVER, tf.int64), step))

        start = (first_step, tf.zeros([len(self.names)]), tf.constant(NEVER, tf.int64))
        _, row, bad = tf.while_loop(lambda step, *_: step < first_step + count, run_one, start)
        return row, bad

    def run_step(self, real: ExampleBatch, step: Any) -> tuple[Any, Any]:
        """Performs one step and updates the averages; returns its metrics and whether its losses are finite."""
        labels = (real.labels,) if self.step.uses_labels else ()
        metrics = self.compiled_step(real.values, step, *labels)
        update_average(self.state.averaged.weights, self.state.generator.weights, self.decay(step), self.copied)
        row = tf.stack([metrics[name] for name in self.names])
        due = tf.stack([tf.cast(step % every == 0, tf.float32) for every in self.step.intervals.values()])
        self.state.sums.assign_add(tf.stack([row, due]))
        return row, self.are_losses_finite(metrics)

    def are_losses_finite(self, metrics: dict[str, Any]) -> Any:
        """Whether all losses are finite. A gradient may overflow for a step where float16 seeks its scale."""
        losses = [value for name, value in metrics.items() if not name.endswith("gradient_norm")]
        return tf.reduce_all(tf.math.is_finite(tf.stack(losses)))

    def pop_means(self, reset: bool) -> dict[str, float]:
        """The mean of each metric since the sums were last reset."""
        sums, counts = self.state.sums.numpy().astype(np.float64)
        if reset:
            self.state.sums.assign(tf.zeros_like(self.state.sums))
        means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        return {name: float(np.float32(mean)) for name, mean in zip(self.names, means, strict=True)}


class CallLength:
    """The number of steps of the next call: a fixed number, or as many as take about `TARGET_SECONDS`.

    Args:
        steps_per_call: a number or `auto`.
        longest: no more than this many in either case.
    """

    def __init__(self, steps_per_call: int | str, longest: int) -> None:
        self.adapts, self.longest = steps_per_call == "auto", longest
        self.count = 1 if self.adapts else min(int(steps_per_call), longest)

    def update(self, count: int, result: LoopResult) -> None:
        if self.adapts and not result.compiled:
            affordable = TARGET_SECONDS * count / max(result.seconds, 1e-6)
            self.count = int(min(max(affordable, 1), 2 * self.count, self.longest))
