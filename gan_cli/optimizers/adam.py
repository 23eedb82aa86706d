"""Adam. Kingma & Ba 2014, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980, Algorithm 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.optimizers.optimizer import Optimizer
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps divided by the root of the mean squared gradient, with momentum.

    Attributes:
        beta_1: how much of the mean gradient is kept at each update, in [0, 1).
        beta_2: how much of the mean squared gradient is kept, in [0, 1); a number or a schedule.
        epsilon: added to the root, above 0.

    Raises:
        ConfigError: where a number is outside its range.
    """

    beta_1: float = 0.5
    beta_2: float | Schedule = 0.999
    epsilon: float = 1e-8

    decays: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_moments(self.beta_1, self.beta_2, self.epsilon)

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
            global_clipnorm=self.clip_norm,
            name=name,
        )


def check_moments(beta_1: float, beta_2: float | Schedule, epsilon: float) -> None:
    """Raises ConfigError where a number of Adam's moment estimates is outside its range, see `Adam`."""
    check_number("beta_1", beta_1, at_least=0.0, below=1.0)
    check_number("beta_2", beta_2, at_least=0.0, below=1.0)
    check_number("epsilon", epsilon, above=0.0)
