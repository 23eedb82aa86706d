"""Training time and images per second, without samples, checkpoints and compilation."""

from __future__ import annotations

from typing import Any

from gan_cli.training.compiled_loop import LoopResult
from gan_cli.training.time_estimate import TimeEstimate


class TrainingClock:
    """Counts steps and the seconds that they take. It continues when a run is restored.

    Samples, checkpoints and compilation are left out, so that images per second can be compared between runs.

    Args:
        batch_size: images a step.
        estimate: of the time that is left.
        step, seconds: of a run that is resumed.

    Attributes:
        rate: images per second since the last `restart_rate`; None before the first timed graph call.
    """

    def __init__(self, batch_size: int, estimate: TimeEstimate, step: int = 0, seconds: float = 0.0) -> None:
        self.batch_size, self.estimate, self.step, self.seconds = batch_size, estimate, step, seconds
        self.timed_images, self.timed_seconds = 0, 0.0
        self.rate: float | None = None

    def count_steps(self, step: int, count: int, result: LoopResult) -> None:
        """Adds a graph call of `count` steps up to `step`."""
        self.step = step
        if not result.compiled:
            self.seconds += result.seconds
            self.timed_images += count * self.batch_size
            self.timed_seconds += result.seconds
        self.rate = self.timed_images / self.timed_seconds if self.timed_seconds > 0 else None

    def restart_rate(self) -> None:
        """Counts images per second from here on; `rate` keeps its value until the next graph call."""
        self.timed_images, self.timed_seconds = 0, 0.0

    def position(self, step: int) -> dict[str, Any]:
        """Returns the first columns of a line of metrics.jsonl."""
        return {"step": step, "images": step * self.batch_size, "seconds": round(self.seconds, 3)}
