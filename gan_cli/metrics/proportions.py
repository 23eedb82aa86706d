"""A share of independent trials as a metric tells it: with its standard error and Wilson's interval."""

from __future__ import annotations

from gan_cli.metrics import MetricValue
from gan_cli.statistics import error_of_share, wilson


def proportion_with_error(hits: float, trials: int, of: str) -> MetricValue:
    """`hits / trials` with both uncertainties; `of` names the trials ("samples"), an undecided one is half a hit.

    Raises:
        ValueError: for more hits than trials, or none of the latter.
    """
    low, high = wilson(hits, trials)
    by = f"standard error and Wilson's interval of {trials:,} {of}"
    return MetricValue(hits / trials, error_of_share(hits, trials), by, low, high)
