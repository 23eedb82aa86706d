"""DRAGAN: around real examples the discriminator's slope is to be 1.

Kodali et al. 2017, "On Convergence and Stability of GANs", arXiv:1705.07215. The paper has normal noise; here it is
that of the authors' code (kodalinaveen3/DRAGAN): each example moves a uniform share of the way to itself plus uniform
noise. The noise is of one sign, as there, and as in jfsantos/dragan-pytorch and StudioGAN; google/compare_gan has noise
around 0 and no share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.gradient_norms import gradient_norms, slope_cost
from gan_cli.penalties.gradient_penalty import one_for_each


@dataclass(frozen=True)
class Dragan(Penalty):
    """E[(||∇ D(x̂)|| - target)²], x̂ = x + u c σ n with one u ~ U[0, 1] for each example and n ~ U[0, 1] for each value.

    σ is the standard deviation of all values of the batch of real examples.

    Attributes:
        weight: λ of the paper, at least 0.
        target: the slope that costs nothing, k of the paper, at least 0.
        perturbation: c, how far the noise reaches in standard deviations, above 0.
        every: apply it at each `every`-th step, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 10.0
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
        """The unweighted term, a float32 scalar of at least 0, from `real` alone."""
        near = perturb(batch.real, self.perturbation, batch.seed)
        return slope_cost(gradient_norms(batch.discriminator, near), self.target)


def perturb(real: Any, perturbation: float, seed: Any) -> Any:
    """float32 examples near `real`, above it by at most `perturbation` standard deviations of the batch in each value.

    `seed`, int32 `[2]`, decides where.
    """
    real = tf.cast(real, tf.float32)
    for_share, for_noise = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    # The root of a deviation of 0 has no finite slope, and nothing is to be learnt from it.
    deviation = tf.stop_gradient(tf.math.reduce_std(real))
    noise = perturbation * deviation * tf.random.stateless_uniform(tf.shape(real), for_noise)
    return real + one_for_each(real, for_share) * noise
