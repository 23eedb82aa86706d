"""Adam's settings where a penalty applies at every n-th step only.

Karras et al. 2020, arXiv:1912.04958, appendix B: with steps of the penalty's own there are n + 1 updates in place of n.
With the ratio r = n / (n + 1) the learning rate becomes r times, and both betas the power r of, what they would be, so
that the moments forget as fast as with a penalty at every step. The penalty is multiplied by n.
"""

from __future__ import annotations

from typing import NamedTuple


class AdamSettings(NamedTuple):
    """The settings of an optimizer that also applies a penalty's own steps."""

    learning_rate: float
    beta_1: float
    beta_2: float


def lazy_adam(learning_rate: float, beta_1: float, beta_2: float, interval: int) -> AdamSettings:
    """Adam's settings for a penalty with steps of its own at every `interval`-th step."""
    ratio = interval / (interval + 1)
    return AdamSettings(learning_rate * ratio, beta_1**ratio, beta_2**ratio)
