"""Standard errors by subsampling both sides: the sizes of subsamples, and errors that are known."""

from __future__ import annotations

import numpy as np
import pytest

from gan_cli.metrics.subsampling import SUBSAMPLES, subsample_sizes, subsampling_errors


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [((100, 100), (50, 50)), ((300, 200), (150, 100)), ((200, 300), (100, 150)), ((500, 500), (250, 250)),
     ((1000, 1000), (250, 250)), ((1000, 4000), (250, 1000)), ((4000, 8000), (500, 1000))],
)  # fmt: skip
def test_a_subsample_has_half_of_a_small_side_and_an_eighth_of_a_large_one(
    counts: tuple[int, int], sizes: tuple[int, int]
) -> None:
    assert subsample_sizes(*counts) == sizes


def test_a_subsample_has_no_more_than_half_or_an_eighth() -> None:
    assert all(subsample_sizes(count, count)[0] == count // 2 for count in range(2, 500))
    assert all(subsample_sizes(count, count)[0] == count // 8 for count in range(2000, 2100))


def test_the_error_of_a_mean_is_that_of_its_formula() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(100, 1)), 3 * random.normal(size=(80, 1))

    def means(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        assert (len(np.unique(first)), len(np.unique(second))) == (50, 40)  # without replacement
        return np.array([first.mean(), second.mean()])

    errors = subsampling_errors(means, first, second, 2, seed=0)
    assert errors is not None
    deviations = first.std(ddof=1) / 10, second.std(ddof=1) / np.sqrt(80)
    assert errors == pytest.approx(deviations, rel=4 / np.sqrt(2 * SUBSAMPLES))


def test_there_is_no_error_where_a_subsample_has_too_few_rows_for_the_statistics() -> None:
    rows = np.arange(24.0)[:, None]

    def counts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.array([len(first), len(second)])

    assert subsampling_errors(counts, rows[:12], rows, 6, seed=0) == pytest.approx([0, 0])
    assert subsampling_errors(counts, rows[:12], rows, 7, seed=0) is None
    assert subsampling_errors(counts, rows, rows[:12], 7, seed=0) is None


def test_the_error_is_that_of_the_deviation_over_subsamples_with_one_degree_of_freedom_less() -> None:
    """A subsample of half of the rows deviates as much as its complement, and their mean as much as the whole."""
    rows, numbers = np.zeros((100, 1)), iter(np.arange(float(SUBSAMPLES)))
    error = subsampling_errors(lambda first, second: np.array([next(numbers)]), rows, rows, 2, seed=0)
    assert error == pytest.approx([np.std(np.arange(SUBSAMPLES), ddof=1)], rel=1e-12)
