"""Leaky ReLU without aliasing: bias, upsampling, activation, gain, clamp and downsampling as one operation.

Karras et al. 2021, arXiv:2106.12423, section 3.1 and appendix B.3 (`filtered_lrelu` of NVlabs/stylegan3): the
activation function makes frequencies that the sampling rate of its input does not hold, so it is applied at a higher
rate, and what the rate of the output does not hold is filtered out.

Zero insertion, padding, filter and subsampling of one axis are one banded matrix, and features are multiplied by it.
Milliseconds of processor time, forward and forward with backward, of filters with 12 taps and factors of 2
(`n x side x side x channels`; AMD EPYC, 2 cores with other work on them):

| form | 16x36x36x32 | 4x84x84x32 | 1x276x276x16 |
|---|---|---|---|
| product with the dense matrix | 35, 70 | 60, 125 | 260, 760 |
| product with its blocks | 80, 520 | 60, 390 | 60, 590 |
| depthwise convolution of zero-filled features | 85, 180 | 105, 215 | 150, 300 |
| shifted copies, added up | 460, 1695 | | |

The blocks lost their time in the gradient of slicing, which was a copy of all features for each block. So long axes are
multiplied block by block, with the transposed matrix as the gradient's own product, and short axes by the whole matrix.
A filter of the plane that is not separable is a sum of separable ones, its singular vectors; of a radial filter's 144
taps three to six such terms are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gan_cli.lazy import tf
from gan_cli.models.layers.upfirdn import resampling_matrix

SLOPE, GAIN = 0.2, math.sqrt(2)
LONGEST_DENSE = 160
"""Samples of an axis above which products are computed block by block."""
BLOCK = 32
"""Samples of a block on the coarser side of a product."""
SMALLEST_TERM = 1e-7
"""Singular values below this share of the largest one are left out: they are below float32's precision."""
ROWS, COLUMNS = 1, 2
"""Axes of features `[n, height, width, channels]`."""

Padding = tuple[tuple[int, int], tuple[int, int]]
Filters = tuple[np.ndarray, np.ndarray]
"""Of rows and of columns."""


def filtered_leaky_relu(
    features: Any,
    bias: Any = None,
    up_taps: np.ndarray | None = None,
    down_taps: np.ndarray | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = ((0, 0), (0, 0)),
    slope: float = SLOPE,
    gain: float = GAIN,
    clamp: float | None = None,
) -> Any:
    """Returns downsample(clip(gain * leaky_relu(upsample(x + b)), -clamp, clamp)).

    Args:
        features: `[n, height, width, channels]`, all but n known.
        bias: `[channels]`; None for none.
        up_taps: `[taps]` of sum 1, of the filter after the insertion of zeros; None for none.
        down_taps: `[taps]`, or `[taps, taps]` of the plane, of the filter before subsampling; None for none.
        up, down: factors of the sampling rate.
        padding: zeros before and after rows and columns, after the insertion of zeros; negative numbers crop.
        slope: of the activation below 0.
        gain: of the activation.
        clamp: bound of what is filtered down; None for none.
    """
    features = features if bias is None else features + tf.cast(bias, features.dtype)
    one = np.ones(1)
    terms = [(one, one) if up_taps is None else (up_taps * up, up_taps * up)]
    features = resample(features, terms, up, 1, padding)
    if slope != 1:
        features = tf.nn.leaky_relu(features, slope)
    features = features if gain == 1 else features * tf.cast(gain, features.dtype)
    features = features if clamp is None else tf.clip_by_value(features, -clamp, clamp)
    return resample(features, separable_terms(one if down_taps is None else down_taps), 1, down, ((0, 0), (0, 0)))


def separable_terms(taps: np.ndarray) -> list[Filters]:
    """Filters whose products add up to one, which is `[taps]`, for both axes, or `[rows, columns]`.

    >>> len(separable_terms(np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0])))
    1
    """
    if taps.ndim == 1:
        return [(taps, taps)]
    left, sizes, right = np.linalg.svd(taps)
    count = int((sizes > SMALLEST_TERM * sizes[0]).sum())
    return [(left[:, term] * sizes[term], right[term]) for term in range(count)]


def resample(features: Any, terms: Sequence[Filters], up: int, down: int, padding: Padding) -> Any:
    """Inserts zeros, pads, filters and keeps every `down`-th sample, with the sum of separable filters."""
    if up == down == 1 and padding == ((0, 0), (0, 0)) and all(len(taps) == 1 for taps in terms[0]):
        return features
    _, height, width, channels = features.shape
    row_matrices, column_matrices = (
        [resampling_matrix(size, tuple(term[axis].tolist()), up, down, *padding[axis]) for term in terms]
        for axis, size in enumerate((height, width))
    )
    outputs = row_matrices[0].shape[0], column_matrices[0].shape[0]
    if len(terms) == 1 and up > down:  # the product that makes more samples comes last
        return multiply(multiply(features, column_matrices[0], COLUMNS), row_matrices[0], ROWS)
    if len(terms) == 1:
        return multiply(multiply(features, row_matrices[0], ROWS), column_matrices[0], COLUMNS)
    # All terms in one product an axis: first for each row the columns of every term, then the sum over rows and terms.
    filtered = multiply(features, np.concatenate(column_matrices), COLUMNS)
    filtered = tf.reshape(filtered, [-1, height * len(terms), outputs[1], channels])
    return multiply(filtered, np.stack(row_matrices, axis=2).reshape(outputs[0], -1), ROWS)


def multiply(features: Any, matrix: np.ndarray, axis: int) -> Any:
    """The product of each row or column of features with a matrix `[outputs, inputs]`."""
    if max(matrix.shape) <= LONGEST_DENSE:
        return multiply_dense(features, matrix, axis)

    @tf.custom_gradient
    def product(values: Any) -> Any:
        return multiply_blocks(values, matrix, axis), lambda upstream: multiply(upstream, matrix.T, axis)

    return product(features)


def multiply_dense(features: Any, matrix: np.ndarray, axis: int) -> Any:
    """`multiply` with all of the matrix at once."""
    constant = tf.constant(matrix, features.dtype)
    if axis == COLUMNS:
        return tf.matmul(constant, features)
    _, height, width, channels = features.shape
    product = tf.matmul(constant, tf.reshape(features, [-1, height, width * channels]))
    return tf.reshape(product, [-1, len(matrix), width, channels])


def multiply_blocks(features: Any, matrix: np.ndarray, axis: int) -> Any:
    """`multiply` where a few outputs at a time depend on a few neighbouring inputs."""
    outputs, inputs = matrix.shape
    size = BLOCK * max(round(outputs / inputs), 1)
    products = []
    for start in range(0, outputs, size):
        block = matrix[start : start + size]
        used = np.flatnonzero(block.any(axis=0))
        first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
        window = features[:, first : last + 1] if axis == ROWS else features[:, :, first : last + 1]
        products.append(multiply_dense(window, block[:, first : last + 1], axis))
    return tf.concat(products, axis)
