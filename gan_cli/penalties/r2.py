"""R2: penalises the discriminator's gradient norm at generated examples.

Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406, equation 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.squared_gradient_norm import (
    EXACT,
    FINITE_DIFFERENCE,
    check_method,
    mean_squared_gradient_norm,
)
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class R2(Penalty):
    """1/2 E[||∇ D(G(z))||²], the norm over all values of an example.

    Attributes:
        weight: γ of the paper, at least 0. It scales with the number of pixels; see the YAML.
        every: interval in steps, at least 1.
        method: `exact`, or `finite_difference`; see `gan_cli.penalties.squared_gradient_norm`.
        step: standard deviation of the noise of finite differences, above 0.
        share: share of the batch that is used, in (0, 1].

    Raises:
        ConfigError: where a value is outside its range.
    """

    weight: float | Schedule = 1.0
    every: int = 1
    # Stored configurations of earlier releases do not have the next three keys.
    method: str = EXACT
    step: float = 0.01
    share: float = 1.0

    uses_input_gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)
        check_method(self.method, self.step, self.share)

    @property
    def is_mean(self) -> bool:
        return self.share == 1.0

    @property
    def is_finite_difference(self) -> bool:
        return self.method == FINITE_DIFFERENCE

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `fake` only."""
        return 0.5 * mean_squared_gradient_norm(
            batch, batch.fake, batch.fake_output, batch.seed, method=self.method, step=self.step, share=self.share
        )
