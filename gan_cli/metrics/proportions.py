"""Proportions as metric values: with a standard error and a confidence interval."""

from __future__ import annotations

from gan_cli.metrics import MetricValue
from gan_cli.statistics import proportion_error, proportion_interval, wilson


def proportion_with_error(hits: float, trials: int, of: str) -> MetricValue:
    """Returns the proportion of `hits` in independent `trials`; an undecided trial counts as half a hit.

    Args:
        of: the name of the trials ("samples").

    Raises:
        ValueError: for more hits than trials, or no trials.
    """
    low, high = wilson(hits, trials)
    method = f"binomial standard error and Wilson interval of {trials:,} {of}"
    return MetricValue(hits / trials, proportion_error(hits, trials), method, low, high)


def dependent_proportion(share: float, standard_error: float | None, trials: int, method: str) -> MetricValue:
    """Returns a proportion of `trials` that depend on each other, with a confidence interval.

    Args:
        standard_error: of the share; None where it is not known, so that there is no interval either.
        method: how the standard error was computed.
    """
    if standard_error is None:
        return MetricValue(share)
    low, high = proportion_interval(share, standard_error, trials)
    return MetricValue(share, standard_error, f"{method}; Wilson interval of the effective sample size", low, high)
