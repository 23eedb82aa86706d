"""R1: penalises the discriminator's gradient norm at real examples.

Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406, equation 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.gradient_norms import squared_gradient_norms


@dataclass(frozen=True)
class R1(Penalty):
    """1/2 E[||∇ D(x)||²], the norm over all values of an example.

    Attributes:
        weight: γ of the paper, at least 0. It scales with the number of pixels; see the YAML.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 1.0
    every: int = 1

    uses_input_gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `real` only."""
        return 0.5 * tf.reduce_mean(squared_gradient_norms(batch.discriminator, batch.real))
