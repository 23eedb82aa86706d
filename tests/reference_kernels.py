"""Kernels in float64, and the squared maximum mean discrepancy (MMD) under one of them: the reference of tests.

Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13:723-773: lemma 6 (unbiased) and equation 5 (biased). The
kernels are those of MMD GANs: Li et al. 2017, arXiv:1705.08584 (mixtures of Gaussians) and Binkowski et al. 2018,
arXiv:1801.01401 (rational quadratic, distance, polynomial). Where there are several widths, the kernels are summed, not
averaged, as in the code of the latter.

A kernel takes rows `[n, dimensions]` and `[m, dimensions]` and gives float64 `[n, m]`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gan_cli.metrics.kernel_functions import gaussians_of, unbiased_mmd_squared
from gan_cli.metrics.pairwise_distances import squared_distances, squared_norms

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


def gaussian_kernel(first: np.ndarray, second: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
    """Sum over σ of exp(-|x - y|² / 2σ²)."""
    return gaussians_of(squared_distances(first, second), sigmas)


def rational_quadratic_kernel(first: np.ndarray, second: np.ndarray, alphas: Sequence[float]) -> np.ndarray:
    """Sum over α of (1 + |x - y|² / 2α)^-α."""
    squared = squared_distances(first, second)
    total = np.zeros_like(squared)
    for alpha in alphas:
        total += (1.0 + squared / (2.0 * alpha)) ** -alpha
    return total


def distance_kernel(first: np.ndarray, second: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
    """|x| + |y| - |x - y|: the MMD of this kernel is the energy distance, whatever the origin.

    `smoothing` is added below each root, whose slope at 0 is infinite without; the code of MMD GANs has 1e-5.
    """
    lengths = np.sqrt(squared_norms(first) + smoothing)[:, None] + np.sqrt(squared_norms(second) + smoothing)
    return lengths - np.sqrt(squared_distances(first, second) + smoothing)


def linear_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """x·y: sees the means alone."""
    return np.asarray(first, np.float64) @ np.asarray(second, np.float64).T


def biased_mmd_squared(within_first: np.ndarray, within_second: np.ndarray, between: np.ndarray) -> float:
    """MMD² with all pairs: at least 0, 0 for a sample with itself, and too large by what grows with 1/n + 1/m."""
    return float(within_first.mean() + within_second.mean() - 2.0 * between.mean())


def mmd_squared(first: np.ndarray, second: np.ndarray, kernel: Kernel, unbiased: bool = True) -> float:
    """MMD² of two samples `[n, dimensions]` and `[m, dimensions]` under a kernel."""
    estimate = unbiased_mmd_squared if unbiased else biased_mmd_squared
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return estimate(kernel(first, first), kernel(second, second), kernel(first, second))
