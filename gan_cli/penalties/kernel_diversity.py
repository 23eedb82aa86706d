"""Kernel diversity: increases the distance between samples of a batch, by the log of a Gaussian kernel.

The term is the mean over pairs i ≠ j of log k(xᵢ, xⱼ), k(x, y) = exp(-||x - y||² / 2σ²), which increases
distances when it is minimised. It is sometimes printed as log k(xᵢ, xᵢ), of each sample with itself: that is 0 for all
samples and has no effect.

The mean of ||x - y||² over pairs is twice the total variance of the batch, so the term is minus that variance over σ².
Therefore it

- needs one pass over the batch and no matrix of pairs;
- depends only on weight / σ²: doubling σ divides the effective weight by four;
- has no lower bound if the generator's output has none, as for points. Then only the discriminator limits the spread of
  samples, and a discriminator with small gradients does not. `bounded` limits it to the spread of the real examples;
- rewards variance, not modes: two distant clusters have the same value as a uniform distribution of equal variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class KernelDiversity(Penalty):
    """E over i ≠ j of -||G(zᵢ) - G(zⱼ)||² / 2σ²: a term of the generator's loss.

    With `bounded` its minimum is the term of the real examples; below it the gradient is 0.

    Attributes:
        weight: factor of the term, at least 0.
        sigma: σ in units of the examples, above 0; None for the square root of the number of values of an example, so
            that the term does not grow with that number.
        bounded: whether the term of the real examples is the lower bound.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 0.1
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
        """Returns the unweighted term, a float32 scalar of at most 0; 0 for a batch of one example.

        Uses `fake` and, if bounded, `real`.
        """
        samples = tf.cast(batch.fake, tf.float32)
        sigma = math.sqrt(math.prod(samples.shape[1:])) if self.sigma is None else self.sigma
        value = mean_log_kernel(samples, sigma)
        if self.bounded:
            return tf.maximum(value, tf.stop_gradient(mean_log_kernel(tf.cast(batch.real, tf.float32), sigma)))
        return value


def mean_log_kernel(samples: Any, sigma: float) -> Any:
    """Returns the mean of -||xᵢ - xⱼ||² / 2σ² over i ≠ j, a float32 scalar, for `[batch, ...]` of known shape."""
    count = samples.shape[0]
    from_mean = samples - tf.reduce_mean(samples, axis=0)
    # The sum over all ordered pairs of ||xᵢ - xⱼ||² is 2 n times the sum of squared distances from the mean.
    return -tf.reduce_sum(tf.square(from_mean)) / (max(count - 1, 1) * sigma**2)
