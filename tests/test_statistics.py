"""Intervals of shares, errors of means and shares of pairs, against closed forms and many draws."""

from __future__ import annotations

import numpy as np
import pytest

from gan_cli.statistics import (
    Z95,
    jackknife_error,
    placements,
    proportion_error,
    standard_error_of_mean,
    variance_of_mean,
    wilson,
)

NORMAL = np.random.RandomState(0).normal


@pytest.mark.parametrize(("hits", "trials"), [(1, 2), (3, 10), (2.5, 4), (37, 100), (999, 1000), (58.5, 60)])
def test_wilsons_bounds_lie_z_of_their_own_errors_from_the_share(hits: float, trials: int) -> None:
    low, high = wilson(hits, trials)
    for bound in (low, high):
        distance = abs(hits / trials - bound)
        assert distance == pytest.approx(1.959964 * np.sqrt(bound * (1 - bound) / trials), rel=1e-6)
    assert 0 < low < hits / trials < high < 1


@pytest.mark.parametrize("trials", [1, 3, 7, 10, 20, 49, 1000, 123_457])
def test_none_and_all_have_exact_bounds_at_their_ends_and_closed_forms_at_the_others(trials: int) -> None:
    low, high = wilson(0, trials)
    assert (low, high) == (0.0, pytest.approx(Z95**2 / (trials + Z95**2), rel=1e-12))
    low, high = wilson(trials, trials)
    assert (low, high) == (pytest.approx(trials / (trials + Z95**2), rel=1e-12), 1.0)


def test_wilsons_interval_holds_the_share_and_mirrors() -> None:
    for trials in (1, 7, 30):
        for hits in range(trials + 1):
            low, high = wilson(hits, trials)
            assert low <= hits / trials <= high
            assert wilson(trials - hits, trials) == pytest.approx((1 - high, 1 - low), abs=1e-15)


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (-1, 5), (6, 5), (np.nan, 5)])
def test_a_share_of_nothing_or_more_than_all_is_refused(hits: float, trials: int) -> None:
    with pytest.raises(ValueError, match="in at least one trial"):
        wilson(hits, trials)


def test_errors_of_shares_and_means_are_those_of_textbooks() -> None:
    assert proportion_error(50, 100) == 0.05
    assert proportion_error(0, 7) == proportion_error(7, 7) == 0
    assert variance_of_mean(np.array([1.0, 2.0, 3.0, 6.0])) == pytest.approx(14 / 3 / 4)
    values = NORMAL(size=400).astype(np.float32)
    assert standard_error_of_mean(values) == pytest.approx(values.astype(np.float64).std(ddof=1) / 20, rel=1e-12)
    assert variance_of_mean(values[:1]) == standard_error_of_mean(values[:1]) == 0


def test_the_jackknife_gives_a_mean_its_textbook_error() -> None:
    values = NORMAL(size=400)
    without_each = (values.sum() - values) / (len(values) - 1)
    assert jackknife_error(without_each) == pytest.approx(standard_error_of_mean(values), rel=1e-9)


def test_placements_count_pairs_and_halve_ties() -> None:
    found = placements(np.array([3.0, 1.0]), np.array([0.0, 1.0, 2.0, 5.0]))
    np.testing.assert_allclose(found.above, [3 / 4, 1.5 / 4])
    np.testing.assert_allclose(found.below, [1, 0.75, 0.5, 0])
    assert found.share == pytest.approx((3 + 1.5) / 8)


def test_the_share_of_pairs_is_that_of_all_comparisons_and_ignores_the_scale() -> None:
    first, second = NORMAL(0.3, size=150).round(1), NORMAL(size=100).round(1)
    above = (first[:, None] > second).mean() + (first[:, None] == second).mean() / 2
    assert placements(first, second).share == pytest.approx(above)
    assert placements(np.exp(first), np.exp(second)).share == pytest.approx(above)
    assert placements(second, first).share == pytest.approx(1 - above)


def test_the_standard_error_of_pairs_is_the_deviation_over_many_draws() -> None:
    draws = [placements(NORMAL(0.8, 2, 60), NORMAL(0, 1, 90)) for _ in range(2000)]
    shares, errors = np.array([(one.share, one.standard_error) for one in draws]).T
    assert errors.mean() == pytest.approx(shares.std(), rel=0.05)  # the deviation itself is known to 1.6 %


def test_numbers_that_are_missing_or_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="0 and 2 numbers"):
        placements(np.zeros(0), np.zeros(2))
    with pytest.raises(ValueError, match="NaN"):
        placements(np.array([np.nan]), np.zeros(2))
