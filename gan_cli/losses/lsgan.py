"""The least-squares loss (LSGAN), which replaces cross entropy by squared errors.

Mao et al. 2016, "Least Squares Generative Adversarial Networks", arXiv:1611.04076, equation 2 with the 0-1 coding of
equation 9: a = 0, b = 1, c = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss


@dataclass(frozen=True)
class LeastSquaresLoss(Loss):
    """1/2 E[(D(x) - b)²] + 1/2 E[(D(G(z)) - a)²] and 1/2 E[(D(G(z)) - c)²].

    Attributes:
        real_target: b, the target of the discriminator's output for real examples.
        fake_target: a, its target for generated examples.
        generator_target: c, the generator's target for generated examples.

    Raises:
        ConfigError: where a target is not finite.
    """

    real_target: float = 1.0
    fake_target: float = 0.0
    generator_target: float = 1.0

    is_per_sample: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("real_target", self.real_target)
        check_number("fake_target", self.fake_target)
        check_number("generator_target", self.generator_target)

    @property
    def decision_threshold(self) -> float:
        """(a + b) / 2, equation 5 of the paper for equal distributions."""
        return (self.real_target + self.fake_target) / 2

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns a float32 scalar, at least 0."""
        real_error = tf.reduce_mean(tf.square(real.logits - self.real_target))
        fake_error = tf.reduce_mean(tf.square(fake.logits - self.fake_target))
        return 0.5 * real_error + 0.5 * fake_error

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns a float32 scalar, at least 0."""
        return 0.5 * tf.reduce_mean(tf.square(fake.logits - self.generator_target))
