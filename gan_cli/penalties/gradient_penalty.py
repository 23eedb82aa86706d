"""The gradient penalty of WGAN-GP: between real and generated examples the critic's slope is to be 1.

Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3 and Algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.checks import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch
from gan_cli.penalties.gradients import safe_sqrt, squared_gradient_norms


@dataclass(frozen=True)
class GradientPenalty:
    """E[(||∇ D(x̂)|| - target)²], x̂ = u x + (1 - u) G(z) with one u ~ U[0, 1] for each example.

    Attributes:
        weight: λ of the paper, at least 0.
        target: the slope that costs nothing, at least 0.
        every: apply it at each `every`-th step, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 10.0
    target: float = 1.0
    every: int = 1

    takes_gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("target", self.target, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """The unweighted term, a float32 scalar of at least 0; `real` and `fake` float32 of one shape."""
        norms = safe_sqrt(squared_gradient_norms(batch.discriminator, interpolate(batch.real, batch.fake, batch.seed)))
        return tf.reduce_mean(tf.square(norms - self.target))


def interpolate(real: Any, fake: Any, seed: Any) -> Any:
    """A float32 point on each line from `fake[i]` to `real[i]`, uniformly.

    `seed`, int32 `[2]`, decides where; XLA draws other numbers from the same seed than TensorFlow without it.
    """
    real, fake = tf.cast(real, tf.float32), tf.cast(fake, tf.float32)
    one_for_each = tf.concat([tf.shape(real)[:1], tf.ones([real.shape.rank - 1], tf.int32)], axis=0)
    share = tf.random.stateless_uniform(one_for_each, seed)
    return share * real + (1.0 - share) * fake
