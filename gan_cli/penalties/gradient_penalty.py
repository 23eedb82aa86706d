"""Gradient penalty of WGAN-GP: the target of the critic's gradient norm between real and generated examples is 1.

Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3 and Algorithm 1. With
`sides=one` only norms above the target are penalised: WGAN-LP, Petzka et al. 2018, "On the Regularization of
Wasserstein GANs", arXiv:1709.08894. With `over=max` only the largest norm of a batch counts: MaxGP, Zhou et al. 2019,
"Lipschitz Generative Adversarial Nets", arXiv:1902.05687, whose authors' code (ZhimingZhou/LGANs-for-reproduce) has
the target 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.gradient_norms import OVER, SIDES, gradient_norms, slope_cost
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class GradientPenalty(Penalty):
    """E[(||∇ D(x̂)|| - target)²], x̂ = u x + (1 - u) G(z) with one u ~ U[0, 1] for each example.

    Attributes:
        weight: λ of the paper, at least 0.
        target: target gradient norm, at least 0.
        every: interval in steps, at least 1.
        sides: `two`, or `one` for max(0, ||∇ D(x̂)|| - target)².
        over: `mean` over the batch, or `max`.

    Raises:
        ConfigError: where a number is outside its range or a value is not one of these.
    """

    weight: float | Schedule = 10.0
    target: float = 1.0
    every: int = 1
    # Stored configurations of earlier releases do not have the next two keys.
    sides: str = "two"
    over: str = "mean"

    uses_input_gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("target", self.target, at_least=0.0)
        check_number("every", self.every, at_least=1)
        check_choice("sides", self.sides, SIDES)
        check_choice("over", self.over, OVER)

    @property
    def is_mean(self) -> bool:
        return self.over == "mean"

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0; `real` and `fake` float32 of one shape."""
        norms = gradient_norms(batch.discriminator, interpolate(batch.real, batch.fake, batch.seed))
        return slope_cost(norms, self.target, self.sides, self.over)


def interpolate(real: Any, fake: Any, seed: Any) -> Any:
    """Returns a uniformly distributed float32 point on each line from `fake[i]` to `real[i]`.

    `seed`, int32 `[2]`, sets the random numbers. With XLA the same seed produces different numbers than without.
    """
    real, fake = tf.cast(real, tf.float32), tf.cast(fake, tf.float32)
    share = one_for_each(real, seed)
    return share * real + (1.0 - share) * fake


def one_for_each(examples: Any, seed: Any) -> Any:
    """Returns uniform numbers in [0, 1), one for each example: float32 `[batch, 1, ...]` of the examples' rank."""
    shape = tf.concat([tf.shape(examples)[:1], tf.ones([examples.shape.rank - 1], tf.int32)], axis=0)
    return tf.random.stateless_uniform(shape, seed)
