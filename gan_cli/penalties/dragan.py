"""DRAGAN: the target of the discriminator's gradient norm near real examples is 1.

Kodali et al. 2017, "On Convergence and Stability of GANs", arXiv:1705.07215. The paper uses normal noise. This
implementation follows the authors' code (kodalinaveen3/DRAGAN): it interpolates uniformly between each example and the
example plus uniform noise. The noise is non-negative, as there and in jfsantos/dragan-pytorch and StudioGAN;
google/compare_gan uses noise centred at 0 without interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.gradient_norms import gradient_norms, slope_cost
from gan_cli.penalties.gradient_penalty import one_for_each
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class Dragan(Penalty):
    """E[(||∇ D(x̂)|| - target)²], x̂ = x + u c σ n with one u ~ U[0, 1] for each example and n ~ U[0, 1] for each value.

    σ is the standard deviation of all values of the batch of real examples.

    Attributes:
        weight: λ of the paper, at least 0.
        target: target gradient norm, k of the paper, at least 0.
        perturbation: c, range of the noise in standard deviations, above 0.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 10.0
    target: float = 1.0
    perturbation: float = 0.5
    every: int = 1

    uses_input_gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("target", self.target, at_least=0.0)
        check_number("perturbation", self.perturbation, above=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `real` only."""
        near = perturb(batch.real, self.perturbation, batch.seed)
        return slope_cost(gradient_norms(batch.discriminator, near), self.target)


def perturb(real: Any, perturbation: float, seed: Any) -> Any:
    """Returns float32 examples `real` plus noise in [0, `perturbation` * standard deviation of the batch] per value.

    `seed`, int32 `[2]`, sets the random numbers.
    """
    real = tf.cast(real, tf.float32)
    for_share, for_noise = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    # At a deviation of 0 the gradient of the root is infinite; no gradient is needed here.
    deviation = tf.stop_gradient(tf.math.reduce_std(real))
    noise = perturbation * deviation * tf.random.stateless_uniform(tf.shape(real), for_noise)
    return real + one_for_each(real, for_share) * noise
