"""RMSprop. Tieleman & Hinton 2012, "Neural Networks for Machine Learning", lecture 6e.

WGAN prefers it to Adam, whose momentum made its critic unstable (arXiv:1701.07875, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import keras
from gan_cli.optimizers.optimizer import Optimizer


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Steps divided by the root of the mean squared gradient.

    Attributes:
        rho: how much of the mean squared gradient is kept at each update, in [0, 1).
        momentum: how much of the last step is added to the next, in [0, 1).
        epsilon: added under the root, above 0.

    Raises:
        ConfigError: where a number is outside its range.
    """

    rho: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8

    decays: ClassVar[tuple[str, ...]] = ("rho", "momentum")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("rho", self.rho, at_least=0.0, below=1.0)
        check_number("momentum", self.momentum, at_least=0.0, below=1.0)
        check_number("epsilon", self.epsilon, above=0.0)

    def create(self, name: str, learning_rate: float) -> Any:
        return keras.optimizers.RMSprop(
            learning_rate,
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
            global_clipnorm=self.clip_norm,
            name=name,
        )
