"""Standing statistics: moments for batch normalisation, collected from generated batches before sampling.

Brock et al. 2019, arXiv:1809.11096, appendix: running averages of training are not those of sampling with truncation.
PyTorch-StudioGAN averages exponentially over batches of random size, BigGAN's code plainly over full batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Statistics(NamedTuple):
    """Mean and variance of each channel, `[channels]`."""

    mean: np.ndarray
    variance: np.ndarray


def batch_statistics(activations: np.ndarray, is_unbiased: bool) -> Statistics:
    """The moments of activations `[n, ..., channels]`."""
    rows = activations.reshape(-1, activations.shape[-1])
    return Statistics(rows.mean(axis=0), rows.var(axis=0, ddof=1 if is_unbiased else 0))


def exponential_statistics(batches: Iterable[np.ndarray], momentum: float = 0.1) -> list[Statistics]:
    """PyTorch-StudioGAN's: exponential averages from 0 and 1, with unbiased variances; after each batch."""
    mean, variance = np.zeros(1), np.ones(1)
    found = []
    for activations in batches:
        now = batch_statistics(activations, is_unbiased=True)
        mean = (1.0 - momentum) * mean + momentum * now.mean
        variance = (1.0 - momentum) * variance + momentum * now.variance
        found.append(Statistics(mean, variance))
    return found


def averaged_statistics(batches: Sequence[np.ndarray]) -> Statistics:
    """BigGAN's: plain averages over batches, whatever their size, with biased variances."""
    each = [batch_statistics(activations, is_unbiased=False) for activations in batches]
    return Statistics(np.mean([one.mean for one in each], axis=0), np.mean([one.variance for one in each], axis=0))


def pooled_statistics(batches: Sequence[np.ndarray]) -> Statistics:
    """The moments of all activations together."""
    return batch_statistics(np.concatenate(list(batches)), is_unbiased=False)


def normalized(activations: np.ndarray, statistics: Statistics, epsilon: float) -> np.ndarray:
    """Activations `[n, ..., channels]` less their mean, over the root of their variance plus epsilon."""
    found: np.ndarray = (activations - statistics.mean) / np.sqrt(statistics.variance + epsilon)
    return found
