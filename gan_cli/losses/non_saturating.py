"""The non-saturating objective of the first GAN paper.

Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv:1406.2661: the discriminator's side of equation 1, and
for the generator the last paragraph of section 3: maximise log D(G(z)) instead of minimising log(1 - D(G(z))).

With a target t below 1 for real examples it has one-sided label smoothing, Salimans et al. 2016, "Improved Techniques
for Training GANs", arXiv:1606.03498, section 3.4: the discriminator's side is the cross entropy with t, so that it is
not drawn to be surer than that.

With D = sigmoid(logits), -log D = softplus(-logits) and -log(1 - D) = softplus(logits), which never overflow.
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
        real_target: t, the probability that the discriminator is to give real examples, above 0.5 and at most 1.

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
        """float32 scalar, at least 0."""
        return tf.reduce_mean(tf.nn.softplus(-fake.logits))


def cross_entropy(real: Any, fake: Any, real_target: float) -> Any:
    """The discriminator's side, which several objectives share: its cross entropy with t for real, 0 for generated.

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
    """The best logit where generated and real examples are alike, log(t / (2 - t)).

    There, an example costs -t log D - (2 - t) log(1 - D) in the mean, which is least for D = t / 2.
    """
    return math.log(real_target / (2.0 - real_target))


def check_real_target(real_target: float) -> None:
    """Raises ConfigError unless a target is above 0.5 and at most 1."""
    check_number("real_target", real_target, above=0.5, at_most=1.0)
