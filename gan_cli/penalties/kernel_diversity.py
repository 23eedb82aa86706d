"""Kernel diversity: different samples of a batch are to lie far from each other, by the log of a Gaussian kernel.

The term is the mean over pairs i ≠ j of log k(xᵢ, xⱼ), k(x, y) = exp(-||x - y||² / 2σ²), which pushes samples apart
where it is minimised. It is sometimes printed as log k(xᵢ, xᵢ), of each sample with itself: that is 0 whatever the
samples are, and does nothing.

As ||x - y||² is a mean over pairs, the term is minus the total variance of the batch, over σ². So it

- needs one pass over the batch and no table of pairs;
- knows only weight / σ²: twice the σ is a quarter of the weight;
- has no lower bound where the generator's output has none, as for points: the discriminator alone holds samples back,
  and one that is kept flat can't. `bounded` ends it where samples are as far apart as the real ones;
- asks for spread, not for modes: two heaps far apart satisfy it as well as an even spread of the same variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty


@dataclass(frozen=True)
class KernelDiversity(Penalty):
    """E over i ≠ j of -||G(zᵢ) - G(zⱼ)||² / 2σ²: a term of the generator's loss.

    With `bounded` it is never below that of the real examples, and nothing pushes samples any further.

    Attributes:
        weight: its factor, at least 0.
        sigma: σ in units of the examples, above 0; None for the square root of the number of values of an example, so
            that the term does not grow with it.
        bounded: whether the real examples' own term is its lower bound.
        every: apply it at each `every`-th step, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 0.1
    sigma: float | None = None
    bounded: bool = False
    every: int = 1

    on_generator: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        if self.sigma is not None:
            check_number("sigma", self.sigma, above=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """The unweighted term, a float32 scalar of at most 0, from `fake` and, if bounded, `real`; 0 of one example."""
        samples = tf.cast(batch.fake, tf.float32)
        sigma = math.sqrt(math.prod(samples.shape[1:])) if self.sigma is None else self.sigma
        value = mean_log_kernel(samples, sigma)
        if self.bounded:
            return tf.maximum(value, tf.stop_gradient(mean_log_kernel(tf.cast(batch.real, tf.float32), sigma)))
        return value


def mean_log_kernel(samples: Any, sigma: float) -> Any:
    """The mean of -||xᵢ - xⱼ||² / 2σ² over pairs of different rows: float32 scalar of `[batch, ...]`, shape known."""
    count = samples.shape[0]
    from_mean = samples - tf.reduce_mean(samples, axis=0, keepdims=True)
    # The sum over all ordered pairs of ||xᵢ - xⱼ||² is 2 n times the sum of squared distances from the mean.
    return -tf.reduce_sum(tf.square(from_mean)) / (max(count - 1, 1) * sigma**2)
