"""The minimax game of the first GAN paper, in which discriminator and generator share one value.

Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv:1406.2661, equation 1. The generator's gradient
vanishes while the discriminator is sure of itself (section 3); it is here to be compared with.

With D = sigmoid(logits), -log D = softplus(-logits) and -log(1 - D) = softplus(logits), which never overflow.
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
        real_target: what the discriminator is to say of real examples, above 0.5 and at most 1. Below 1 it is one-sided
            label smoothing, see `gan_cli.losses.non_saturating`, and the two sides no longer share one value.

    Raises:
        ConfigError: where the target is outside its range.
    """

    real_target: float = 1.0

    is_per_sample: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_real_target(self.real_target)

    @property
    def decision_threshold(self) -> float:
        """0 without smoothing, where D = 1/2."""
        return cross_entropy_equilibrium(self.real_target)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """float32 scalar, at least 0; 2 log 2 = 1.386 where the discriminator says 1/2 of everything."""
        return cross_entropy(real.logits, fake.logits, self.real_target)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """float32 scalar, at most 0."""
        return -tf.reduce_mean(tf.nn.softplus(fake.logits))
