"""Adam with weight decay beside the gradient instead of in it.

Loshchilov & Hutter 2017, "Decoupled Weight Decay Regularization", arXiv:1711.05101, Algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.optimizers.adam import check_moments
from gan_cli.optimizers.optimizer import Optimizer
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam that also shrinks every weight by `learning_rate * weight_decay` of itself at each update.

    Attributes:
        beta_1: how much of the mean gradient is kept at each update, in [0, 1).
        beta_2: how much of the mean squared gradient is kept, in [0, 1); a number or a schedule.
        epsilon: added to the root of the mean squared gradient, above 0.
        weight_decay: at least 0.

    Raises:
        ConfigError: where a number is outside its range.
    """

    beta_1: float = 0.5
    beta_2: float | Schedule = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    decays: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_moments(self.beta_1, self.beta_2, self.epsilon)
        check_number("weight_decay", self.weight_decay, at_least=0.0)

    @property
    def beta_2_schedule(self) -> Schedule | None:
        return self.beta_2 if isinstance(self.beta_2, Schedule) else None

    def create(self, name: str, learning_rate: float) -> Any:
        from gan_cli.optimizers.fused_adam import FusedAdam

        return FusedAdam(
            learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            weight_decay=self.weight_decay,
            global_clipnorm=self.clip_norm,
            name=name,
        )
