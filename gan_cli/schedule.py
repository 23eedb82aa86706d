"""Numbers that change during training: a weight, a decay or a probability that goes from one value to another.

In a configuration the mapping `{start: 0.05, end: 0.005, shape: cosine}` stands in the place of a number. A value is a
function of the step alone, so that a resumed run continues exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.lazy import tf

SHAPES = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class Schedule:
    """A number that goes from `start` to `end` between the steps `delay` and `steps`, and stays at `end`.

    Attributes:
        start: the value up to step `delay`.
        end: the value from step `steps` on; None only for `constant`, which does not use it.
        shape: `constant` stays at `start`; `linear` is a line; `cosine` is half a cosine (Loshchilov & Hutter 2016,
            SGDR, arXiv:1608.03983, equation 5, without restarts).
        steps: the step at which `end` is reached, delay included, in generator updates. None stands for the end of the
            run, which replaces it when the job is built.
        delay: steps during which `start` holds (burn-in).

    Raises:
        ConfigError: where a number is missing or outside its range, or the delay is not shorter than the schedule.
    """

    start: float
    end: float | None = None
    shape: str = "linear"
    steps: int | None = None
    delay: int = 0

    def __post_init__(self) -> None:
        check_number("start", self.start)
        check_choice("shape", self.shape, SHAPES)
        if self.end is not None:
            check_number("end", self.end)
        elif self.shape != "constant":
            raise ConfigError("end", f"is needed for shape={self.shape}", advice="It is the value at the end.")
        check_number("delay", self.delay, at_least=0)
        if self.steps is not None:
            check_number("steps", self.steps, at_least=1)
            if self.delay >= self.steps:
                problem = f"the schedule ends at step {self.steps}, before its delay does"
                raise ConfigError("delay", problem, self.delay, f"Set a delay below {self.steps}, or more steps.")

    def numbers(self) -> dict[str, float]:
        """Returns the values that it goes between, by the name of their key."""
        return {"start": self.start} if self.end is None else {"start": self.start, "end": self.end}

    def __call__(self, step: Any) -> Any:
        """Returns the value at `step`, a whole number or an integer tensor, as a float32 tensor of that shape."""
        step = tf.cast(step, tf.float32)
        if self.shape == "constant" or self.end is None:
            return tf.fill(tf.shape(step), tf.constant(self.start, tf.float32))
        if self.steps is None:
            raise ValueError("the end of the run is not known here; see gan_cli.config.run_length")
        progress = tf.clip_by_value((step - self.delay) / (self.steps - self.delay), 0.0, 1.0)
        return self.end + (self.start - self.end) * remaining(progress, self.shape)

    def __str__(self) -> str:
        """As it is read in a message: `0.05 to 0.005 (cosine)`."""
        if self.shape == "constant" or self.end is None:
            return f"{self.start:g}"
        until = "" if self.steps is None else f" until step {self.steps}"
        return f"{self.start:g} to {self.end:g} ({self.shape}{until})"


Number = float | Schedule
"""The type of a configuration value that may change during training."""


def value_at(number: Number, step: Any) -> Any:
    """Returns the value at a step: a number as it is, a schedule as a float32 scalar tensor."""
    return number(step) if isinstance(number, Schedule) else number


def remaining(progress: Any, shape: str) -> Any:
    """Returns how much is left of a change, from 1 to 0, for a progress from 0 to 1, of shape `linear` or `cosine`."""
    return 1.0 - progress if shape == "linear" else 0.5 * (1.0 + tf.cos(math.pi * progress))
