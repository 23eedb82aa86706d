"""R1: penalises the discriminator's gradient norm at real examples.

Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406, equation 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.penalties import Batch
from gan_cli.penalties.squared_gradient_norm import SquaredGradientNorm


@dataclass(frozen=True)
class R1(SquaredGradientNorm):
    """1/2 E[||∇ D(x)||²], the norm over all values of an example.

    Attributes:
        weight: γ of the paper, at least 0. It scales with the number of pixels; see the YAML.

    The other fields and what they raise: `SquaredGradientNorm`.
    """

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `real` only."""
        return 0.5 * self.mean_squared_norm(batch, batch.real, batch.real_output, batch.seed)
