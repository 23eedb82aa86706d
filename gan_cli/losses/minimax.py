"""The minimax loss of the original GAN paper: both networks optimise the same value function.

Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv:1406.2661, equation 1. The generator's gradient
vanishes if the discriminator is confident (section 3). It serves as a baseline.

With D = sigmoid(logits), -log D = softplus(-logits) and -log(1 - D) = softplus(logits), which do not overflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss
from gan_cli.losses.non_saturating import check_real_target, cross_entropy, cross_entropy_equilibrium


@dataclass(frozen=True)
class MinimaxLoss(Loss):
    """-E[log D(x)] - E[log(1 - D(G(z)))] and E[log(1 - D(G(z)))].

    Attributes:
        real_target: target probability of real examples, above 0.5 and at most 1. Below 1 it is one-sided label
            smoothing, see `gan_cli.losses.non_saturating`, and both losses no longer share one value function.

    Raises:
        ConfigError: where the target is outside its range.
    """

    real_target: float = 1.0

    is_per_sample: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_real_target(self.real_target)

    @property
    def decision_threshold(self) -> float:
        """The logit log(t / (2 - t)) of D = t / 2; 0 (D = 1/2) without label smoothing."""
        return cross_entropy_equilibrium(self.real_target)

    @property
    def estimates_density_ratio(self) -> bool:
        """Yes, without label smoothing: D = p / (p + q)."""
        return self.real_target == 1.0

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns a float32 scalar, at least 0; 2 log 2 = 1.386 if the discriminator's probability is always 1/2."""
        return cross_entropy(real.logits, fake.logits, self.real_target)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns a float32 scalar, at most 0."""
        return -tf.reduce_mean(tf.nn.softplus(fake.logits))
