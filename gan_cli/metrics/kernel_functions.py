"""Kernels of KID and MMD, and the unbiased squared maximum mean discrepancy (MMD) between two samples.

Gretton et al. 2012, "A Kernel Two-Sample Test", JMLR 13:723-773: lemma 6. Where there are several widths, the Gaussians
are summed, not averaged, as in Li et al. 2017, arXiv:1705.08584.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def gaussians_of(squared: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
    """Sum over σ of exp(-d² / 2σ²), from squared distances d² of any shape."""
    total = np.zeros_like(squared)
    for sigma in sigmas:
        total += np.exp(squared / (-2.0 * sigma * sigma))
    return total


def polynomial_kernel(first: np.ndarray, second: np.ndarray, degree: int = 3) -> np.ndarray:
    """(x·y / dimensions + 1)^degree, with the degree 3 the kernel of KID."""
    scaled = np.asarray(first, np.float64) @ np.asarray(second, np.float64).T
    scaled /= first.shape[1]
    scaled += 1.0
    power = scaled.copy()
    for _ in range(degree - 1):
        power *= scaled  # ** takes seven times as long
    return power


def unbiased_mmd_squared(within_first: np.ndarray, within_second: np.ndarray, between: np.ndarray) -> float:
    """MMD² without the pairs of an example with itself; its expectation is the true one, so it may be below 0.

    Args:
        within_first: k of the first sample with itself, `[n, n]`, n at least 2.
        within_second: of the second one, `[m, m]`, m at least 2.
        between: of the first with the second, `[n, m]`.
    """
    return mean_off_diagonal(within_first) + mean_off_diagonal(within_second) - 2.0 * float(between.mean())


def mean_off_diagonal(within: np.ndarray) -> float:
    """Mean of a square matrix without its diagonal."""
    count = len(within)
    return float((within.sum() - np.trace(within)) / (count * (count - 1)))
