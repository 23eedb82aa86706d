"""A loss that a discriminator computes for each example by itself, as one of its layers.

FastGAN's reconstruction error (Liu et al. 2021, arXiv:2101.04775, section 3.2, equation 2) is one. It belongs to a
model (`ModelPair.auxiliary_losses`), so it is no choice of `penalty=...`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty


@dataclass(frozen=True)
class AuxiliaryLoss(Penalty):
    """The mean over real examples of what a layer of the discriminator gives, float32 `[n]`.

    Attributes:
        layer: its name.
        weight: factor of the term, at least 0.

    Raises:
        ConfigError: where the weight is outside its range.
    """

    layer: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)

    @property
    def is_mean(self) -> bool:
        return True

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar, from `real_output`."""
        if batch.real_output is None:
            raise ValueError("an auxiliary loss needs the discriminator's output for real examples")
        return tf.reduce_mean(batch.real_output.features[self.layer])
