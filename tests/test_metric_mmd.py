"""Kernels and the maximum mean discrepancy against published values and closed forms; the level of its test."""

from __future__ import annotations

from functools import partial
from typing import Any

import golden
import numpy as np
import pytest
from reference_kernels import (
    distance_kernel,
    gaussian_kernel,
    linear_kernel,
    mmd_squared,
    rational_quadratic_kernel,
)

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Result
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.kernel_functions import polynomial_kernel
from gan_cli.metrics.mmd import (
    MaximumMeanDiscrepancy,
    PooledKernel,
    median_distance,
    permutation_p_value,
    pooled_gaussian_kernel,
)
from gan_cli.metrics.pairwise_distances import squared_distances

INPUTS = golden.inputs()
REAL, FAKE = INPUTS["mmd_real"], INPUTS["mmd_fake"]


def pooled_kernel(first: np.ndarray, second: np.ndarray, sigmas: list[float]) -> PooledKernel:
    both = np.concatenate([first, second])
    return pooled_gaussian_kernel(squared_distances(both, both, both.mean(axis=0)), len(first), sigmas)


def mmd(real: np.ndarray, fake: np.ndarray, seed: int = 0, **settings: Any) -> Result:
    comparison = Comparison(InMemoryFeatures(rows=real), InMemoryFeatures(rows=fake), seed=seed)
    return MaximumMeanDiscrepancy(**settings)(comparison)


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("gaussian mixture, sigmas 2 5 10 20 40 80, summed", partial(gaussian_kernel, sigmas=[2, 5, 10, 20, 40, 80])),
        ("rational quadratic, alphas 0.1 1 10, summed", partial(rational_quadratic_kernel, alphas=[0.1, 1, 10])),
        (
            "rational quadratic, alphas 0.2 0.5 1 2 5, summed",
            partial(rational_quadratic_kernel, alphas=[0.2, 0.5, 1, 2, 5]),
        ),
        ("distance |x|+|y|-|x-y| (energy)", partial(distance_kernel, smoothing=1e-5)),
        ("linear <x,y>", linear_kernel),
    ],
)
def test_each_kernel_gives_its_published_values(name: str, kernel: Any) -> None:
    published = golden.values()["mmd_squared(mmd_fake, mmd_real)"][name]
    for kind, expected in published.items():  # computed in float32
        assert mmd_squared(FAKE, REAL, kernel, unbiased=kind == "unbiased") == pytest.approx(expected, rel=1e-4)


def test_one_width_gives_the_published_value() -> None:
    expected = golden.values()["kernel_distance_rbf_sigma10_unbiased_float64"]
    found = mmd_squared(INPUTS["real"], INPUTS["fake"], partial(gaussian_kernel, sigmas=[10]))
    assert found == pytest.approx(expected, rel=1e-6)
    assert mmd(INPUTS["real"], INPUTS["fake"], sigma=10).values["mmd"].value == pytest.approx(expected, rel=1e-6)


def test_kernels_are_what_their_names_say_on_two_points() -> None:
    x, y = np.array([[3.0, 0.0]]), np.array([[0.0, 4.0]])
    assert gaussian_kernel(x, y, [5.0])[0, 0] == pytest.approx(np.exp(-0.5))
    assert gaussian_kernel(x, y, [5.0, 2.5])[0, 0] == pytest.approx(np.exp(-0.5) + np.exp(-2))  # summed
    assert rational_quadratic_kernel(x, y, [0.5])[0, 0] == pytest.approx(26**-0.5)
    assert distance_kernel(x, y)[0, 0] == pytest.approx(3 + 4 - 5)
    assert distance_kernel(x, y, 0.5)[0, 0] == pytest.approx(9.5**0.5 + 16.5**0.5 - 25.5**0.5)
    assert linear_kernel(x, y + 1)[0, 0] == pytest.approx(3)


@pytest.mark.parametrize(
    "kernel",
    [
        partial(gaussian_kernel, sigmas=[1.5]),
        partial(rational_quadratic_kernel, alphas=[0.5]),
        distance_kernel,
        linear_kernel,
        polynomial_kernel,
    ],
)
def test_a_kernel_has_a_row_for_each_first_and_a_column_for_each_second_example(kernel: Any) -> None:
    first, second = np.array([[0.0, 1.0], [3.0, 0.0], [1.0, -2.0]]), np.array([[2.0, 2.0], [0.0, -4.0]])
    found = kernel(first, second)
    assert found.shape == (3, 2)
    for row, column in np.ndindex(3, 2):
        alone = kernel(first[[row]], second[[column]])[0, 0]
        assert found[row, column] == pytest.approx(alone, rel=1e-12)


def test_the_distance_kernel_gives_the_energy_distance_from_any_origin() -> None:
    first, second = np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])
    for origin in (0.0, 7.0):  # 2 E|x - y| - E|x - x'| - E|y - y'|
        found = mmd_squared(first + origin, second + origin, distance_kernel, unbiased=False)
        assert found == pytest.approx(2 * 1 - 1 - 0, abs=1e-12)


def test_gaussians_follow_the_closed_form() -> None:
    """E k(x, y) of two Gaussians is that of a Gaussian as wide as all three together, times its lost height."""
    dimensions, sigma, first, second, offset = 3, 1.5, 1.0, 0.8, 0.4

    def expected(variances: float, distance: float) -> float:
        total = sigma**2 + variances
        return float((sigma**2 / total) ** (dimensions / 2) * np.exp(-(distance**2) / (2 * total)))

    random = np.random.default_rng(0)
    real = first * random.normal(size=(2000, dimensions))
    fake = second * random.normal(size=(2000, dimensions)) + offset / np.sqrt(dimensions)
    closed = expected(2 * first**2, 0) + expected(2 * second**2, 0) - 2 * expected(first**2 + second**2, offset)
    measured = mmd(real, fake, sigma=sigma, permutations=1).values["mmd"]
    assert measured.uncertainty is not None
    assert measured.value == pytest.approx(closed, abs=3 * measured.uncertainty)
    assert measured.uncertainty < 0.2 * closed


def test_the_standard_error_is_what_a_hundred_repetitions_show() -> None:
    random = np.random.default_rng(0)
    results = [mmd(random.normal(size=(60, 2)), 0.5 + random.normal(size=(80, 2)), sigma=1.0, permutations=1)
               .values["mmd"] for _ in range(100)]  # fmt: skip
    deviation = np.std([measured.value for measured in results], ddof=1)
    assert np.mean([measured.uncertainty for measured in results]) == pytest.approx(deviation, rel=0.2)


def test_what_the_pooled_kernel_gives_is_what_the_definition_gives() -> None:
    pooled = pooled_kernel(REAL[:20], FAKE[:30], [2.0, 5.0])
    kernel = partial(gaussian_kernel, sigmas=[2.0, 5.0])
    assert pooled.mmd_squared() == pytest.approx(mmd_squared(REAL[:20], FAKE[:30], kernel), rel=1e-9)
    without_real, without_fake = pooled.without_each()
    assert (len(without_real), len(without_fake)) == (20, 30)
    expected = mmd_squared(np.delete(REAL[:20], 4, axis=0), FAKE[:30], kernel)
    assert without_real[4] == pytest.approx(expected, rel=1e-9)
    expected = mmd_squared(REAL[:20], np.delete(FAKE[:30], 29, axis=0), kernel)
    assert without_fake[29] == pytest.approx(expected, rel=1e-9)
    both = np.concatenate([REAL[:20], FAKE[:30]])
    members = np.random.default_rng(0).permutation(50) < 20
    expected = mmd_squared(both[members], both[~members], kernel)
    assert pooled.of_divisions(members[:, None])[0] == pytest.approx(expected, rel=1e-9)


def test_the_p_value_of_equal_distributions_is_uniform() -> None:
    random = np.random.default_rng(0)
    found = []
    for trial in range(300):
        pooled = pooled_kernel(random.normal(size=(15, 2)), random.normal(size=(20, 2)), [1.0])
        found.append(permutation_p_value(pooled, 99, seed=trial))
    for level in (0.1, 0.5):  # three standard errors of a share
        assert np.mean(np.array(found) <= level) == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / 300))


def test_the_p_value_is_small_for_different_distributions_and_large_for_copies() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2))
    assert mmd(rows, rows + 5, permutations=150).values["mmd_p_value"].value == 1 / 151
    assert mmd(rows, rows.copy()).values["mmd_p_value"].value == 1
    assert mmd(np.ones((9, 2)), np.ones((9, 2))).values["mmd_p_value"].value == 1  # every division is alike


def test_the_median_is_that_of_distances_between_different_real_examples() -> None:
    line = np.array([[0.0], [0.0], [1.0], [3.0]])  # 1, 1, 3, 3, 2 apart, and one pair of equal ones
    assert median_distance(squared_distances(line, line)) == pytest.approx(2)
    assert median_distance(squared_distances(line + 1e6, line + 1e6, np.array([1e6]))) == pytest.approx(2)
    assert median_distance(np.zeros((3, 3))) == 1
    for fake in (line, 10 * line):
        by_hand = mmd(line, fake, sigma=2.0).values["mmd"].value
        assert mmd(line, fake).values["mmd"].value == pytest.approx(by_hand, abs=1e-12)


def test_several_widths_are_summed() -> None:
    one, other, both = (mmd(REAL, FAKE, sigma=sigma).values["mmd"].value for sigma in (2, 5.0, [2, 5.0]))
    assert both == pytest.approx(one + other, rel=1e-9)


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), "mean", [], [1, "two"], [1, 0], True, None])
def test_a_width_that_is_none_is_refused(sigma: Any) -> None:
    with pytest.raises(ConfigError, match="sigma"):
        MaximumMeanDiscrepancy(sigma=sigma)


def test_no_more_than_the_first_examples_are_looked_at() -> None:
    result = mmd(REAL, FAKE, max_samples=30)
    assert result.values == mmd(REAL[:30], FAKE[:30]).values
    assert len(result.notes) == 2
    with pytest.raises(ConfigError, match=r"^real_samples=2: mmd needs at least 3 real examples"):
        MaximumMeanDiscrepancy().check(DataSpec((2,), 10), 2, 10)
