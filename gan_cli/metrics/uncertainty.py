"""Standard errors that cost little: the jackknife, and of a mean."""

from __future__ import annotations

import numpy as np


def jackknife_error(left_out: np.ndarray) -> float:
    """Standard error of a number, from what it is `[n]` when each of n examples, or groups of them, is left out.

    Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans", chapter 3. A bias that depends on the
    number of examples alone is in each of them alike and does not count.
    """
    count = len(left_out)
    return float(np.sqrt((count - 1) / count * np.square(left_out - left_out.mean()).sum()))


def error_of_mean(values: np.ndarray) -> float:
    """Standard error of the mean of independent values `[n]`, n at least 2."""
    return float(np.asarray(values, np.float64).std(ddof=1) / np.sqrt(len(values)))
