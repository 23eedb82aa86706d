"""Rules for defaults that follow the data: what a rule knows, what it answers, and how its numbers are rounded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from gan_cli.data import DataSpec

AUTO = "auto"
"""The value that asks for a rule."""


@dataclass(frozen=True)
class Facts:
    """What the rules know of a run.

    Attributes:
        steps: length of the run.
        batch_size: examples in a batch.
        critic_steps: updates of the discriminator in a step.
        ema_ramp: largest share of the images seen so far that the half-life may be, `train.ema_ramp`; 0 for no limit.
        decay_steps: the step at which the learning rates have decayed.
        final_fraction: share of the learning rates that is left then.
        beta_2: share of the mean squared gradient that the optimizer keeps at its first updates; None without one.
        trains_discriminator: whether the loss trains one that discriminates.
        is_mirror_symmetric: whether mirrored examples are as likely as the examples; None where that is not known.
        depth: convolutions at each size of the features, where the model has that dial; else 1.
        r1_weight_per_pixel, ema_batches: numbers of the model's published recipe, see `gan_cli.models.ModelPair`; None
            where it has none or, of the first, another loss.
        data: the training examples; None for rules that do without.
    """

    steps: int
    batch_size: int
    critic_steps: int = 1
    ema_ramp: float = 0.05
    decay_steps: int = 0
    final_fraction: float = 0.0
    beta_2: float | None = None
    trains_discriminator: bool = True
    is_mirror_symmetric: bool | None = None
    depth: int = 1
    r1_weight_per_pixel: float | None = None
    ema_batches: float | None = None
    data: DataSpec | None = None

    @property
    def examples(self) -> DataSpec:
        assert self.data is not None
        return self.data

    @property
    def side(self) -> float:
        """Height and width of the images in one number: the side of the square of the same area, in pixels."""
        height, width, _ = self.examples.shape
        return math.sqrt(height * width)


class Choice(NamedTuple):
    """A value that a rule chose, and the reason in one line."""

    value: Any
    reason: str


@dataclass(frozen=True)
class Rule:
    """A default that follows the data and the batch.

    Attributes:
        key: the dotted key.
        formula: its value in words and numbers, as the documentation has it.
        source: where the formula comes from.
        choose: gives the value.
        placeholder: a value that its key accepts while the data is not known.
        needs_data: whether the rule looks at the examples.
        needs_length: whether the value or its reason follows the number of steps.
        sibling: a key that has to stand beside it, for rules that hold for some choices of a group only.
    """

    key: str
    formula: str
    source: str
    choose: Callable[[Facts], Choice]
    placeholder: Any
    needs_data: bool = True
    needs_length: bool = False
    sibling: str | None = None


def rounded(value: float) -> float:
    """Two significant digits."""
    return float(f"{value:.2g}")


def rounded_up(value: float) -> int:
    """The next whole number with at most two significant digits, at least 1."""
    unit = 10 ** max(math.floor(math.log10(max(value, 1))) - 1, 0)
    return max(math.ceil(round(value / unit, 6)) * unit, 1)
