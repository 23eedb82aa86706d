"""Stochastic gradient descent, with momentum or without.

Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", ICML, equations 1 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import keras
from gan_cli.optimizers.optimizer import Optimizer


@dataclass(frozen=True)
class SGD(Optimizer):
    """Steps along the gradient.

    Attributes:
        momentum: how much of the last step is added to the next, in [0, 1).
        nesterov: whether the gradient is taken as if after that addition (Sutskever et al. 2013, equations 3 and 4).

    Raises:
        ConfigError: where a number is outside its range.
    """

    momentum: float = 0.0
    nesterov: bool = False

    decays: ClassVar[tuple[str, ...]] = ("momentum",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("momentum", self.momentum, at_least=0.0, below=1.0)

    def create(self, name: str, learning_rate: float) -> Any:
        return keras.optimizers.SGD(
            learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            global_clipnorm=self.clip_norm,
            name=name,
        )
