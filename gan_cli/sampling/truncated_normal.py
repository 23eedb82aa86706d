"""The normal distribution cut at a threshold: the truncation trick of BigGAN.

Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", arXiv:1809.11096, section 3.1:
numbers outside [-t, t] are drawn again. Published models of TF-Hub scale instead, t times a normal cut at 2, which is
another distribution under the same name.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import truncnorm

HUB_THRESHOLD = 2.0
"""At which TF-Hub's numbers are cut before they are scaled."""


def keep_probability(threshold: float) -> float:
    """The probability that a normal number is within [-threshold, threshold]."""
    return 1.0 / expected_draws(threshold)


def expected_draws(threshold: float) -> float:
    """How many normal numbers are drawn for one that is kept, on average."""
    from scipy.special import erf

    return float(1.0 / erf(threshold / np.sqrt(2.0)))


def resample(stream: np.ndarray, threshold: float) -> np.ndarray:
    """The numbers of a stream of normal ones that are kept, in their order: those within [-threshold, threshold]."""
    kept: np.ndarray = stream[np.abs(stream) <= threshold]
    return kept


def quantiles(probabilities: np.ndarray, threshold: float, scaled: bool = False) -> np.ndarray:
    """Quantiles of the distribution: at uniform numbers in (0, 1) they are a sample of it.

    Args:
        probabilities: in (0, 1).
        threshold: above 0.
        scaled: whether the distribution is that of TF-Hub's models.
    """
    bound = HUB_THRESHOLD if scaled else threshold
    found: np.ndarray = truncnorm.ppf(probabilities, -bound, bound)
    return found * threshold if scaled else found
