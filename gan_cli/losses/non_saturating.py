"""The non-saturating loss of the original GAN paper.

Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv:1406.2661: the discriminator's loss of equation 1, and
for the generator the last paragraph of section 3: maximise log D(G(z)) instead of minimising log(1 - D(G(z))).

A target t below 1 for real examples is one-sided label smoothing, Salimans et al. 2016, "Improved Techniques for
Training GANs", arXiv:1606.03498, section 3.4: the discriminator's loss is the cross entropy with t, which penalises
a higher confidence than t.

With D = sigmoid(logits), -log D = softplus(-logits) and -log(1 - D) = softplus(logits), which do not overflow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss


@dataclass(frozen=True)
class NonSaturatingLoss(Loss):
    """-t E[log D(x)] - (1 - t) E[log(1 - D(x))] - E[log(1 - D(G(z)))] and -E[log D(G(z))].

    Attributes:
        real_target: t, the target probability of real examples, above 0.5 and at most 1.

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
        """Returns a float32 scalar, at least 0."""
        return tf.reduce_mean(tf.nn.softplus(-fake.logits))


def cross_entropy(real: Any, fake: Any, real_target: float) -> Any:
    """Returns the discriminator's cross entropy with the target t for real and 0 for generated examples.

    Since log D - log(1 - D) is the logit, -t log D - (1 - t) log(1 - D) = -log D + (1 - t) logit.

    Args:
        real, fake: float32 logits `[n]` and `[m]`.
        real_target: t.

    Returns:
        float32 scalar, at least 0.
    """
    on_real = tf.reduce_mean(tf.nn.softplus(-real))
    if real_target != 1.0:
        on_real += (1.0 - real_target) * tf.reduce_mean(real)
    return on_real + tf.reduce_mean(tf.nn.softplus(fake))


def cross_entropy_equilibrium(real_target: float) -> float:
    """Returns the optimal logit if generated and real examples have the same distribution, log(t / (2 - t)).

    The sum of both terms for an example is then -t log D - (2 - t) log(1 - D), whose minimum is at D = t / 2.
    """
    return math.log(real_target / (2.0 - real_target))


def check_real_target(real_target: float) -> None:
    """Raises ConfigError unless a target is above 0.5 and at most 1."""
    check_number("real_target", real_target, above=0.5, at_most=1.0)
