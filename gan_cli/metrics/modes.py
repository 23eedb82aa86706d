"""Mode coverage of points whose true distribution is a mixture of equal Gaussians (a ring, a grid).

The protocol of PacGAN (Lin et al., arXiv:1712.04086 section 4.1, after VEEGAN, arXiv:1705.07761): draw 2,500 samples;
one is good within three standard deviations of its nearest centre; a centre is found when a good sample lies at it;
the reverse Kullback-Leibler divergence goes from the good samples' shares of the centres to equal shares.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SAMPLES = 2500  # the protocol's; with fewer, rare modes are missed, so numbers of other sizes do not compare
GOOD_WITHIN = 3.0  # standard deviations


class ModeCoverage(NamedTuple):
    """What `count_modes` finds.

    Attributes:
        modes: how many centres are found, 0 to k; higher is better.
        good_share: share of good samples, 0 to 1. Of a perfect generator in the plane it is 1 - exp(-9/2) = 0.989.
        reverse_kl: in nats, 0 (every centre has an equal share) to ln k (all at one centre); infinite where no sample
            is good.
    """

    modes: int
    good_share: float
    reverse_kl: float


def count_modes(points: np.ndarray, centres: np.ndarray, sigma: float) -> ModeCoverage:
    """Which of the centres the points cover, and how evenly.

    Args:
        points: generated, `[n, 2]`, n > 0; NaN is not good. The protocol's n is `SAMPLES`.
        centres: `[k, 2]`, k > 0.
        sigma: standard deviation of each Gaussian, in the units of the points.

    Raises:
        ValueError: without points or centres, or for a sigma that is not above 0.
    """
    if len(points) == 0 or len(centres) == 0:
        raise ValueError(f"{len(points)} points and {len(centres)} centres: expected at least one of each.")
    if not sigma > 0:
        raise ValueError(f"sigma={sigma}: expected a number above 0.")
    offsets = np.asarray(points, np.float64)[:, None, :] - np.asarray(centres, np.float64)[None, :, :]
    distances = np.nan_to_num(np.linalg.norm(offsets, axis=-1), nan=np.inf, posinf=np.inf)
    is_good = distances.min(axis=1) <= GOOD_WITHIN * sigma
    counts = np.bincount(distances.argmin(axis=1)[is_good], minlength=len(centres))
    return ModeCoverage(int(np.count_nonzero(counts)), float(is_good.mean()), _divergence_from_equal(counts))


def _divergence_from_equal(counts: np.ndarray) -> float:
    """Sum of p ln(p k) over the shares p of k counts, in nats."""
    if counts.sum() == 0:
        return float("inf")
    shares = counts[counts > 0] / counts.sum()  # p ln p tends to 0 with p
    return float(np.sum(shares * np.log(shares * len(counts))))
