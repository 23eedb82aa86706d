"""Watching one number over a run: its best, how long that is ago, and whether it has collapsed."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class Watch:
    """Follows a number from evaluation to evaluation.

    Attributes:
        name: of the number.
        better: "lower" or "higher".
        collapse_ratio: above 1; a value is collapsed where it is that many times worse than the best, which is above
            0: above ratio * best, or below best / ratio.
        best, best_step: the best so far, None before the first.
        since_best: evaluations since the best.
        collapsed: whether the latest value is collapsed.
    """

    name: str
    better: str
    collapse_ratio: float
    best: float | None = None
    best_step: int | None = None
    since_best: int = 0
    collapsed: bool = False

    def see(self, step: int, value: float | None) -> bool:
        """Takes in the value of a step, None where it is infinite; gives whether it is a new best."""
        number = math.inf if value is None else value
        if self.better == "higher" and value is None:
            number = -math.inf
        is_best = self.best is None or (number < self.best if self.better == "lower" else number > self.best)
        if is_best:
            self.best, self.best_step, self.since_best = number, step, 0
        else:
            self.since_best += 1
        self.collapsed = not is_best and self.is_collapsed(number)
        return is_best

    def is_collapsed(self, number: float) -> bool:
        if self.best is None or self.best <= 0:  # a ratio to zero or to a negative best says nothing
            return False
        worst = self.best * self.collapse_ratio if self.better == "lower" else self.best / self.collapse_ratio
        return number > worst if self.better == "lower" else number < worst
