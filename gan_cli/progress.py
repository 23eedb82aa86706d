"""The contract by which long work reports lines, warnings and progress, wherever they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training run has come.

    Attributes:
        step: steps done.
        metrics: of the last step, by name.
        images_per_second: None before it is known.
        best: the best value so far of the metric that selects the best checkpoint, as text; "" without.
        seconds_left: of training, evaluations, sample grids and checkpoints; None before it is known.
        evaluations_left: evaluations that still come.
    """

    step: int
    metrics: Mapping[str, float]
    images_per_second: float | None = None
    best: str = ""
    seconds_left: float | None = None
    evaluations_left: int = 0

    @property
    def time_left(self) -> str:
        """The time that is left and the evaluations in it: `0:35 left, 3 evaluations to come`."""
        parts = [] if self.seconds_left is None else [f"{format_duration(self.seconds_left)} left"]
        if self.evaluations_left:
            plural = "s" if self.evaluations_left > 1 else ""
            parts.append(f"{self.evaluations_left} evaluation{plural} to come")
        return ", ".join(parts)


def format_duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class ProgressReporter:
    """Long work gets one of these and reports through it alone, never by `print`. This one shows nothing."""

    def line(self, text: str) -> None:
        """Shows a line that stays. Does nothing by default."""

    def warn(self, text: str) -> None:
        """Shows a warning that stays: something runs and is probably not as the user meant. Does nothing by default."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Reports that `done` of `total` items of the work `what` ("extracting real features") are done.

        It may be called often and may be shown or not. Does nothing by default.
        """


class SilentReporter(ProgressReporter):
    """Shows nothing."""
