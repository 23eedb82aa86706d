"""Boundary equilibrium loss (BEGAN): the discriminator is an auto-encoder, and its reconstruction errors are compared.

Berthelot et al. 2017, "BEGAN: Boundary Equilibrium Generative Adversarial Networks", arXiv:1703.10717, section 3. The
auto-encoder minimises the reconstruction error of real examples and maximises that of generated ones, weighted by k.
Each update changes k so that the error on generated examples approaches gamma times the error on real ones.

L(v), the mean absolute reconstruction error of v, is minus its logit; see RECONSTRUCTION in `gan_cli.losses`. At the
equilibrium with gamma below 1 generated examples have the smaller error, so their logits are higher.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.losses import RECONSTRUCTION, DiscriminatorOutput, Loss


@dataclass(frozen=True)
class BoundaryEquilibriumLoss(Loss):
    """E[L(x)] - k E[L(G(z))] and E[L(G(z))]; k <- k + rate (gamma E[L(x)] - E[L(G(z))]), within [0, 1].

    Attributes:
        diversity_ratio: gamma, the target ratio E[L(G(z))] / E[L(x)], in (0, 1]. Lower values give better but less
            diverse samples.
        balance_rate: lambda_k, the step size of k, above 0.

    Raises:
        ConfigError: where a number is outside its range.
    """

    diversity_ratio: float = 0.7
    balance_rate: float = 0.001

    output: ClassVar[str] = RECONSTRUCTION
    is_per_sample: ClassVar[bool] = True
    initial_state: ClassVar[Mapping[str, float]] = MappingProxyType({"balance": 0.0})
    measures: ClassVar[tuple[str, ...]] = ("convergence", "balance")

    def __post_init__(self) -> None:
        check_number("diversity_ratio", self.diversity_ratio, above=0.0, at_most=1.0)
        check_number("balance_rate", self.balance_rate, above=0.0)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, *, balance: Any) -> Any:
        """Returns a float32 scalar; `balance` is k, a float32 scalar in [0, 1]."""
        return error_of(real) - balance * error_of(fake)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None, *, balance: Any) -> Any:
        """Returns a float32 scalar, at least 0."""
        return error_of(fake)

    def next_state(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, *, balance: Any) -> dict[str, Any]:
        """Returns k after an update."""
        return {"balance": tf.clip_by_value(balance + self.balance_rate * self.surplus(real, fake), 0.0, 1.0)}

    def measure(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, *, balance: Any) -> dict[str, Any]:
        """Returns `convergence`, the paper's M_global, which decreases as training converges, and `balance`, k."""
        return {"convergence": error_of(real) + tf.abs(self.surplus(real, fake)), "balance": balance}

    def surplus(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns gamma E[L(x)] - E[L(G(z))]: 0 at the equilibrium, positive where the generator is ahead."""
        return self.diversity_ratio * error_of(real) - error_of(fake)


def error_of(output: DiscriminatorOutput) -> Any:
    """Returns E[L(v)], the mean reconstruction error of a batch, a float32 scalar."""
    return -tf.reduce_mean(output.logits)
