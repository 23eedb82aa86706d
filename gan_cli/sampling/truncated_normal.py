"""The normal distribution within a threshold: the truncation trick of BigGAN.

Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", arXiv:1809.11096, section 3.1:
numbers outside [-t, t] are drawn again (`redraw`). The same distribution comes from its quantiles (`resample`), which
keep the order of numbers, so that a latent stays recognisable at each threshold. (Published models of TF-Hub scale
instead: t times a normal within [-2, 2], which is another distribution under the same name.)
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri


def keep_probability(threshold: float) -> float:
    """The probability that a normal number is within [-threshold, threshold]."""
    return float(1.0 - 2.0 * ndtr(-threshold))


def quantiles(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Quantiles of the distribution: at uniform numbers in (0, 1) they are a sample of it.

    Args:
        probabilities: in (0, 1).
        threshold: above 0.
    """
    found: np.ndarray = ndtri(ndtr(-threshold) + probabilities * keep_probability(threshold))
    return found


def within_threshold(stream: np.ndarray, threshold: float) -> np.ndarray:
    """The numbers of a stream of normal ones within [-threshold, threshold], in their order: the others are redrawn."""
    found: np.ndarray = stream[np.abs(stream) <= threshold]
    return found


def truncate_normal(values: np.ndarray, threshold: float) -> np.ndarray:
    """Numbers of the distribution at the probabilities of normal ones, of the same signs and in the same order."""
    magnitudes = quantiles(ndtr(np.abs(values)), threshold)
    found: np.ndarray = np.sign(values) * np.minimum(magnitudes, threshold)
    return found
