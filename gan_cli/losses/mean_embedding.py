"""The mean kernel of each row to a large sample, in memory that does not grow with the sample; and Nyström's landmarks.

With a sample Y of N vectors the attraction to the data is μ(x) = 1/N Σ_j k(x, y_j). Nyström's approximation replaces it
by Σ_l w_l k(x, z_l) over m landmarks z, whose weights w = (K_zz + λ I)⁻¹ μ(z) make the two functions agree as closely
as the kernel's Hilbert space allows (Chatalic et al. 2022, "Nyström Kernel Mean Embeddings", arXiv:2201.13055). μ(z) is
computed once, from all the data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gan_cli.data.example_vectors import ExampleVectors
from gan_cli.lazy import tf

Kernel = Callable[[Any, Any], Any]
"""From float rows `[n, dimensions]` and `[m, dimensions]` to kernel values `[n, m]`."""

BLOCK = 1024
"""Columns of the kernel matrix that exist at the same time."""
RIDGE = 1e-5
"""λ as a share of the mean of K_zz's diagonal; the sums of μ(z) are float32, with an error of some 1e-7 of it."""
PAIRS_OF = 2000
"""Real examples for the mean kernel between real ones, a constant of the loss."""


def weighted_kernel_sums(
    kernel: Kernel, rows: Any, columns: Any, weights: Any = None, *, is_own: bool = False, block: int = BLOCK
) -> Any:
    """Returns Σ_j w_j k(x_i, y_j), float32 `[n]`, differentiable with respect to the rows x alone.

    Value and gradient are computed together, block by block, so that no more than `[n, block]` kernel values exist at
    the same time. The gradient has no gradient of its own.

    Args:
        kernel: the kernel.
        rows: float32 `[n, dimensions]`.
        columns: `[m, dimensions]`, float32, or uint8 values of images, which stand for [-1, 1].
        weights: float32 `[m]`; None for 1.
        is_own: whether the columns are the rows; an example is not compared with itself then.
    """
    constant, count = tf.stop_gradient(rows), columns.shape[0]

    def add_block(start: Any, size: int, sums: Any, gradients: Any) -> tuple[Any, Any]:
        part = to_range(tf.stop_gradient(tf.slice(columns, [start, 0], [size, columns.shape[1]])))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(constant)
            values = kernel(constant, part)
            if is_own:
                values = tf.where(tf.range(rows.shape[0])[:, None] == start + tf.range(size), 0.0, values)
            if weights is not None:
                values *= tf.slice(weights, [start], [size])
            total = tf.reduce_sum(values, axis=1)
        return sums + total, gradients + tape.gradient(total, constant)

    whole = count // block
    state = (tf.constant(0), tf.zeros([rows.shape[0]]), tf.zeros_like(constant))
    _, sums, gradients = tf.while_loop(
        lambda number, *_: number < whole,
        lambda number, *sums: (number + 1, *add_block(number * block, block, *sums)),
        state,
        parallel_iterations=1,
    )
    if count > whole * block:
        sums, gradients = add_block(tf.constant(whole * block), count - whole * block, sums, gradients)
    sums, gradients = tf.stop_gradient(sums), tf.stop_gradient(gradients)
    return sums + tf.reduce_sum((rows - constant) * gradients, axis=1)  # adds 0, with the gradient


def to_range(stored: Any) -> Any:
    """Returns float32 rows of stored ones: uint8 in [0, 255] becomes [-1, 1], floats stay."""
    return tf.cast(stored, tf.float32) / 127.5 - 1.0 if stored.dtype == tf.uint8 else stored


def nystroem_landmarks(kernel: Kernel, data: ExampleVectors, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns `count` random vectors of the data, float32 `[count, dimensions]`, and their weights, `[count]`."""
    landmarks = data.read(data.random_indices(count))
    mean = np.zeros(len(landmarks))
    for chunk in data.chunks():
        mean += tf.reduce_sum(kernel(tf.constant(landmarks), tf.constant(chunk)), axis=1).numpy()
    mean /= data.count
    precise = tf.constant(landmarks, tf.float64)
    within = kernel(precise, precise).numpy()
    within[np.diag_indices_from(within)] += RIDGE * np.diag(within).mean()
    return landmarks, np.linalg.solve(within, mean).astype(np.float32)


def mean_kernel_of_pairs(kernel: Kernel, data: ExampleVectors) -> float:
    """Returns the mean kernel of pairs of different vectors of the data, from `PAIRS_OF` random ones."""
    rows = tf.constant(data.read(data.random_indices(PAIRS_OF)))
    count = rows.shape[0]
    sums = weighted_kernel_sums(kernel, rows, rows, is_own=True)
    return float(tf.reduce_mean(sums)) / max(count - 1, 1)
