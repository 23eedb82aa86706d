"""Watching one number over a run: its best, how long that is ago, and whether it has collapsed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class BestTracker:
    """Follows a number from evaluation to evaluation.

    Attributes:
        name: of the number.
        better: "lower" or "higher".
        collapse_ratio: above 1; a value is collapsed where it is that many times worse than the best, which is above
            0: above ratio * best, or below best / ratio.
        best, best_step: the best so far, None before the first, or where it is infinite.
        rank: of the best; see `ranks`.
        since_best: evaluations since the best.
        collapsed: whether the latest value is collapsed.
    """

    name: str
    better: str
    collapse_ratio: float
    best: float | None = None
    best_step: int | None = None
    rank: tuple[float, ...] | None = None
    since_best: int = 0
    collapsed: bool = False

    def see(self, step: int, values: Mapping[str, Mapping[str, Any]]) -> bool:
        """Takes in what was measured at `step`; gives whether it is a new best.

        Of two equal values the other numbers of the same metric decide: among generators that find all modes, the one
        with more good samples.

        Args:
            values: every metric value by its name, the watched one included.
        """
        rank = ranks(values, self.name)
        value = values[self.name]["value"]
        is_best = self.rank is None or rank < self.rank
        if is_best:
            self.best, self.best_step, self.rank, self.since_best = value, step, rank, 0
        else:
            self.since_best += 1
        self.collapsed = not is_best and self.is_collapsed(value)
        return is_best

    def is_collapsed(self, value: float | None) -> bool:
        if self.best is None or self.best <= 0:  # a ratio to zero or to a negative best says nothing
            return False
        if value is None:
            return True
        worst = self.best * self.collapse_ratio if self.better == "lower" else self.best / self.collapse_ratio
        return value > worst if self.better == "lower" else value < worst


def ranks(values: Mapping[str, Mapping[str, Any]], name: str) -> tuple[float, ...]:
    """How good a generator is by the number `name`, then by the others of its metric; less is better.

    An infinite number (None) is the worst.
    """
    others = [other for other in values if other != name and values[other]["metric"] == values[name]["metric"]]
    found = []
    for each in (name, *(other for other in others if values[other]["better"])):
        value, sign = values[each]["value"], 1 if values[each]["better"] == "lower" else -1
        found.append(math.inf if value is None else sign * value)
    return tuple(found)
