"""Settings of an optimizer that makes steps for a penalty besides those for the loss, at every n-th step.

Karras et al. 2020, arXiv:1912.04958, appendix B: with steps of the penalty's own there are n + 1 updates in place of n.
With the ratio r = n / (n + 1) the learning rate becomes r times, and both betas the power r of, what they would be, so
that the moments forget as fast as with a penalty at every step. The penalty is multiplied by n.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class AdamSettings(NamedTuple):
    """The settings of an optimizer that also applies a penalty's own steps."""

    learning_rate: float
    beta_1: float
    beta_2: float


def update_ratio(intervals: Iterable[int]) -> float:
    """The updates without steps of penalties over those with them: n / (n + 1) for one penalty at every n-th step."""
    return 1.0 / (1.0 + sum(1.0 / interval for interval in intervals))


def lazy_adam(learning_rate: float, beta_1: float, beta_2: float, interval: int) -> AdamSettings:
    """Adam's settings for a penalty with steps of its own at every `interval`-th step."""
    ratio = update_ratio([interval])
    return AdamSettings(learning_rate * ratio, beta_1**ratio, beta_2**ratio)
