"""Drift penalty: keeps the critic's logits of real examples near 0, because the Wasserstein loss has no fixed offset.

Karras et al. 2017, "Progressive Growing of GANs", arXiv:1710.10196, appendix A.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class Drift(Penalty):
    """E[D(x)²], from logits that the update has already computed.

    Attributes:
        weight: ε_drift of the paper, at least 0.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 0.001
    every: int = 1

    is_mean: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `real_output` only."""
        assert batch.real_output is not None  # it is a term of the discriminator's loss
        return tf.reduce_mean(tf.square(batch.real_output.logits))
