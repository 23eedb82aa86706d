"""A share of independent trials with its 95 % interval: Wilson's, which holds near 0 and 1 and for few trials too.

Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22.
"""

from __future__ import annotations

import math

from gan_cli.metrics import Measured

NORMAL_QUANTILE = 1.959963984540054  # of 0.975


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Lowest and highest share that lie within 1.96 of their own standard errors of `hits / trials`, trials > 0."""
    share, z_squared = hits / trials, NORMAL_QUANTILE**2
    middle = (share + z_squared / (2 * trials)) / (1 + z_squared / trials)
    half = math.sqrt(share * (1 - share) / trials + z_squared / (4 * trials**2)) / (1 + z_squared / trials)
    half *= NORMAL_QUANTILE
    return max(middle - half, 0.0), min(middle + half, 1.0)


def measured_share(hits: int, trials: int, of: str) -> Measured:
    """`hits / trials` with its standard error and Wilson's interval; `of` names the trials ("samples")."""
    share = hits / trials
    low, high = wilson_interval(hits, trials)
    error = math.sqrt(share * (1 - share) / trials)
    return Measured(share, error, f"standard error and Wilson interval of {trials:,} {of}", low, high)
