"""Kernels k(x, y) as TensorFlow functions, the squared maximum mean discrepancy (MMD) with a kernel, and its loss.

Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13:723-773: lemma 6, the unbiased estimate; its witness function.
The kernels are those of MMD GANs: Li et al. 2017, arXiv:1705.08584 (mixtures of Gaussians) and Binkowski et al. 2018,
arXiv:1801.01401 (rational quadratic, distance), as in the code of the latter (mbinkowski/MMD-GAN, gan/core/mmd.py);
kernels of several widths are summed. `gan_cli.metrics.kernel_functions` has the same kernels for metrics.

A kernel takes float32 rows `[n, dimensions]` and `[m, dimensions]` and returns float32 `[n, m]`. Values and gradients
are finite, also where rows are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss

GAUSSIAN, RATIONAL_QUADRATIC, DISTANCE, LINEAR = "gaussian", "rational_quadratic", "distance", "linear"
KERNELS = (GAUSSIAN, RATIONAL_QUADRATIC, DISTANCE, LINEAR)
MEDIAN = "median"

SMOOTHING = 1e-5
"""Added under the roots of the distance kernel, whose gradient at 0 would be infinite (the code above, `_eps`)."""
FEW_DIMENSIONS = 16
"""Up to this size distances are sums of squared differences: no cancellation, and as fast as a matrix product."""
MEDIAN_OF = 128
"""Maximum number of examples of each batch for the median distance; sorting the pairs of more takes too long."""
LEAST_SQUARED_WIDTH = 1e-10
"""Lower bound for nearly equal examples, so that the squared median width and its inverse stay finite."""


def squared_distances(first: Any, second: Any) -> Any:
    """Returns |x - y|² of each pair of rows, at least 0."""
    if first.shape[1] <= FEW_DIMENSIONS:
        return tf.reduce_sum(tf.square(first[:, None] - second[None]), axis=2)
    # |x|² + |y|² - 2 x·y, centred first: less cancellation for rows far from 0.
    origin = tf.stop_gradient(tf.reduce_mean(second, axis=0))
    first, second = first - origin, second - origin
    lengths = squared_lengths(first)[:, None] + squared_lengths(second)
    return tf.nn.relu(lengths - 2.0 * linear_kernel(first, second))


def squared_lengths(rows: Any) -> Any:
    """Returns |x|² of each row, `[n]`."""
    return tf.reduce_sum(tf.square(rows), axis=1)


def gaussian_kernel(first: Any, second: Any, sigmas: Sequence[Any]) -> Any:
    """Returns the sum over σ of exp(-|x - y|² / 2σ²)."""
    squared = squared_distances(first, second)
    return tf.add_n([tf.exp(squared * (-0.5 / (sigma * sigma))) for sigma in sigmas])


def rational_quadratic_kernel(first: Any, second: Any, alphas: Sequence[float]) -> Any:
    """Returns the sum over α of (1 + |x - y|² / 2α)^-α."""
    squared = squared_distances(first, second)
    return tf.add_n([tf.exp(-alpha * tf.math.log1p(squared / (2.0 * alpha))) for alpha in alphas])


def distance_kernel(first: Any, second: Any) -> Any:
    """Returns |x| + |y| - |x - y|. Its MMD is the energy distance of Cramér GANs."""
    lengths = [tf.sqrt(squared_lengths(rows) + SMOOTHING) for rows in (first, second)]
    return lengths[0][:, None] + lengths[1] - tf.sqrt(squared_distances(first, second) + SMOOTHING)


def linear_kernel(first: Any, second: Any) -> Any:
    """Returns x·y. Its MMD compares only the means."""
    return tf.matmul(first, second, transpose_b=True)


def unbiased_mmd_squared(within_first: Any, within_second: Any, between: Any) -> Any:
    """Returns the unbiased estimate of MMD², without the pairs of an example with itself; it may be below 0.

    Args:
        within_first: kernel values within the first sample, `[n, n]`, n at least 2.
        within_second: within the second sample, `[m, m]`, m at least 2.
        between: between both samples, `[n, m]`.
    """
    within = tf.reduce_mean(mean_to_others(within_first)) + tf.reduce_mean(mean_to_others(within_second))
    return within - 2.0 * tf.reduce_mean(between)


def mean_to_others(within: Any) -> Any:
    """Returns the mean of each row of a square matrix without its diagonal, `[n]`, n at least 2."""
    count = within.shape[0]
    return tf.reduce_sum(tf.linalg.set_diag(within, tf.zeros([count])), axis=1) / (count - 1)


def median_width(first: Any, second: Any) -> Any:
    """Returns the median Euclidean distance between unequal rows of both samples, without gradient; 1 if all are equal.

    Uses the first `MEDIAN_OF` rows of each sample. Gretton et al., section 8: the median heuristic.
    """
    rows = tf.concat([first[:MEDIAN_OF], second[:MEDIAN_OF]], axis=0)
    above_diagonal = np.flatnonzero(np.triu(np.ones((rows.shape[0], rows.shape[0])), 1))
    squared = tf.gather(tf.reshape(squared_distances(rows, rows), [-1]), above_diagonal)
    squared = tf.sort(tf.where(squared > 0.0, squared, float("inf")))  # equal rows come last
    apart = tf.math.count_nonzero(tf.math.is_finite(squared), dtype=tf.int32)
    middle = tf.gather(squared, tf.maximum([(apart - 1) // 2, apart // 2], 0))
    median = tf.where(apart > 0, tf.maximum(tf.reduce_mean(middle), LEAST_SQUARED_WIDTH), 1.0)
    return tf.stop_gradient(tf.sqrt(median))


@dataclass(frozen=True)
class KernelLoss(Loss):
    """MMD² between vectors of real and of generated examples: the generator minimises it.

    Attributes:
        kernel: gaussian, rational_quadratic, distance or linear.
        sigma: standard deviation of the Gaussian kernel, above 0; a list, whose kernels are summed; or `median`, the
            median distance between all examples, real and generated.
        alphas: exponents of the rational quadratic kernel, above 0; their kernels are summed.
        linear: weight of the linear kernel that is added, at least 0.

    Raises:
        ConfigError: where a value is outside its range.
    """

    kernel: str = RATIONAL_QUADRATIC
    sigma: Any = MEDIAN
    alphas: Any = (0.2, 0.5, 1.0, 2.0, 5.0)
    linear: float = 0.0

    generator_needs_real: ClassVar[bool] = True
    decision_threshold: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        check_choice("kernel", self.kernel, KERNELS)
        if self.sigma != MEDIAN:
            check_widths("sigma", self.sigma, "a number, several such as [1,2,4], or median")
        check_widths("alphas", self.alphas, "numbers such as [0.5,1,2]")
        check_number("linear", self.linear, at_least=0.0)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns -MMD², a float32 scalar."""
        return -self.mmd_squared(real.embedding, fake.embedding)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns MMD², a float32 scalar, which may be below 0."""
        if real is None:
            raise ValueError("the loss of the generator compares generated examples with real ones")
        return self.mmd_squared(real.embedding, fake.embedding)

    def mmd_witness(self, embedding: Any, real: Any, fake: Any) -> Any:
        """Returns the mean kernel to real minus that to generated examples, float32 `[n]`; 0 at equal distributions.

        Gradients flow through all three arguments, as in the code above. If `embedding` is the same tensor as `real`
        or `fake`, no example is compared with itself, so the mean over real minus the mean over generated examples is
        the unbiased MMD².

        Args:
            embedding: float32 `[n, dimensions]`.
            real, fake: float32 vectors of real and of generated examples, any number of each.
        """
        sigmas = self.widths(real, fake)
        return self.mean_kernel(embedding, real, sigmas) - self.mean_kernel(embedding, fake, sigmas)

    def mmd_squared(self, real: Any, fake: Any) -> Any:
        sigmas = self.widths(real, fake)
        pairs = (real, real), (fake, fake), (real, fake)
        return unbiased_mmd_squared(*(self.compare(*pair, sigmas) for pair in pairs))

    def mean_kernel(self, embedding: Any, sample: Any, sigmas: Sequence[Any]) -> Any:
        kernel = self.compare(embedding, sample, sigmas)
        if embedding is sample and sample.shape[0] > 1:
            return mean_to_others(kernel)
        return tf.reduce_mean(kernel, axis=1)

    def compare(self, first: Any, second: Any, sigmas: Sequence[Any]) -> Any:
        """Returns the kernel value of each pair of rows, float32 `[n, m]`."""
        if self.kernel == GAUSSIAN:
            values = gaussian_kernel(first, second, sigmas)
        elif self.kernel == RATIONAL_QUADRATIC:
            values = rational_quadratic_kernel(first, second, as_list(self.alphas))
        else:
            values = distance_kernel(first, second) if self.kernel == DISTANCE else linear_kernel(first, second)
        return values + self.linear * linear_kernel(first, second) if self.linear else values

    def widths(self, real: Any, fake: Any) -> list[Any]:
        """Returns all σ of the Gaussian kernel, an empty list for the other kernels."""
        if self.kernel != GAUSSIAN:
            return []
        return [median_width(real, fake)] if self.sigma == MEDIAN else as_list(self.sigma)


def check_widths(key: str, value: Any, expected: str) -> None:
    """Raises ConfigError unless `value` is a number above 0 or a list of them."""
    numbers = as_list(value)
    if not numbers or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
        raise ConfigError(key, f"expected {expected}", value)
    for one in numbers:
        check_number(key, float(one), above=0.0)


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
