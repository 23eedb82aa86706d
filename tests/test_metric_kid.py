"""The kernel inception distance against published values and a closed form."""

from __future__ import annotations

import golden
import numpy as np
import pytest
from reference_kernels import mmd_squared

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Result
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.kernel_functions import polynomial_kernel
from gan_cli.metrics.kid import KernelDistance, SubsetDistances, draw_subsets, standard_error, subset_distances

INPUTS = golden.inputs()
PUBLISHED = golden.values()["kernel_distance_polynomial_degree3_unbiased"]


def kid(real: np.ndarray, fake: np.ndarray, seed: int = 0, **settings: int) -> Result:
    comparison = Comparison(InMemoryFeatures(rows=real), InMemoryFeatures(rows=fake), seed=seed)
    return KernelDistance(**settings)(comparison)


def test_all_samples_give_the_published_value() -> None:
    found = mmd_squared(INPUTS["real"], INPUTS["fake"], polynomial_kernel)
    assert found == pytest.approx(PUBLISHED["all_samples_float64"], rel=1e-6)


def test_the_published_subsets_give_the_published_mean_and_deviation() -> None:
    random = np.random.RandomState(2020)
    subsets = []
    for _ in range(20):
        of_fake = random.choice(400, 100, replace=False)
        subsets.append((random.choice(400, 100, replace=False), of_fake))
    found = subset_distances(INPUTS["real"], INPUTS["fake"], subsets)
    expected = next(value for name, value in PUBLISHED.items() if name.startswith("20 subsets"))
    # they were computed in float32
    assert found.distances.mean() == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-5)
    assert found.distances.std() == pytest.approx(expected["kernel_inception_distance_std"], rel=1e-5)


def test_gaussians_on_a_line_follow_the_closed_form() -> None:
    """E (xy + 1)³ is the sum of binomial(3, i) m_i m'_i over both sides' moments, so MMD² is that of (m_i - m'_i)²."""
    random = np.random.default_rng(0)
    real, fake = random.normal(0.0, 1.0, (3000, 1)), random.normal(0.4, 1.0, (3000, 1))
    first, second, third = 0.4, 1.16 - 1.0, 0.4**3 + 3 * 0.4
    measured = kid(real, fake, subset_size=500).values["kid"]
    assert measured.uncertainty is not None
    assert measured.value == pytest.approx(3 * first**2 + 3 * second**2 + third**2, abs=3 * measured.uncertainty)
    assert measured.uncertainty < 0.25 * measured.value


def test_equal_distributions_have_no_distance_on_average() -> None:
    random = np.random.default_rng(1)
    found = [kid(random.normal(size=(40, 3)), random.normal(size=(40, 3)), subsets=5).values["kid"].value
             for _ in range(200)]  # fmt: skip
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)
    assert min(found) < 0


def test_subsets_hold_different_rows_and_come_from_the_seed_alone() -> None:
    drawn = list(draw_subsets(50, 30, 8, 20, seed=4))
    assert len(drawn) == 8
    for of_real, of_fake in drawn:
        assert len(set(of_real)) == len(set(of_fake)) == 20
        assert set(of_real) <= set(range(50))
        assert set(of_fake) <= set(range(30))
    again, other = (list(draw_subsets(50, 30, 8, 20, seed=seed)) for seed in (4, 5))
    np.testing.assert_array_equal(drawn[3], again[3])
    assert (np.array(drawn[3]) != np.array(other[3])).any()


def test_the_metric_is_mean_and_deviation_over_drawn_subsets() -> None:
    values = kid(INPUTS["real"], INPUTS["fake"], seed=3, subsets=7, subset_size=150).values
    found = subset_distances(INPUTS["real"], INPUTS["fake"], draw_subsets(400, 400, 7, 150, seed=3))
    assert values["kid"].value == found.distances.mean()
    assert values["kid_std"].value == found.distances.std()


def test_few_examples_give_smaller_subsets_and_a_note() -> None:
    result = kid(INPUTS["real"], INPUTS["fake"][:300], subsets=3)
    assert result.values["kid"].method.startswith("standard error over 400 real and 300 generated examples")
    assert result.notes[0].startswith("Subsets of 150 instead of 1,000")
    assert kid(INPUTS["real"], INPUTS["fake"], subsets=3, subset_size=200).notes == ()


def test_no_more_than_the_first_examples_are_looked_at() -> None:
    beyond = np.concatenate([INPUTS["fake"], 100 + INPUTS["fake"]])
    result = kid(INPUTS["real"], beyond, max_samples=400, subsets=5, subset_size=200)
    assert result.values == kid(INPUTS["real"], INPUTS["fake"], subsets=5, subset_size=200).values
    assert result.notes == ("Used 400 of the 800 generated examples (max_samples=400).",)


def test_mistakes_are_reported_by_their_keys() -> None:
    for settings in ({"subsets": 1}, {"subset_size": 1}, {"max_samples": 3}):
        with pytest.raises(ConfigError, match=next(iter(settings))):
            KernelDistance(**settings)
    with pytest.raises(ConfigError, match=r"^samples=3: kid needs at least 4 generated examples"):
        KernelDistance().check(DataSpec((2,), 10), None, 3)


def test_the_standard_error_adds_the_variances_of_both_sides_and_of_the_subsets() -> None:
    real, fake, distances = np.array([0.0, 2.0, 4.0]), np.array([1.0, 4.0]), np.array([0.1, 0.2, 0.3])
    # variances 4, 4.5 and 0.01, the last of which over three subsets
    expected = 4 * 4 / 7 + 4 * 4.5 / 9 + 0.01 / 3
    assert standard_error(SubsetDistances(distances, real, fake), 7, 9) == pytest.approx(np.sqrt(expected))


def test_the_contribution_of_an_example_is_its_kernel_with_the_others_less_that_with_the_other_side() -> None:
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(6, 2)), 1 + random.normal(size=(5, 2))
    found = subset_distances(real, fake, [(np.arange(6), np.arange(5))])
    between = polynomial_kernel(real, fake)
    for rows, to_other_side, contributions in ((real, between, found.real), (fake, between.T, found.fake)):
        within = polynomial_kernel(rows, rows)
        for index, contribution in enumerate(contributions):
            others = np.delete(within[index], index).mean()
            assert contribution == pytest.approx(others - to_other_side[index].mean())
    assert found.distances == pytest.approx(found.real.mean() + found.fake.mean())


def test_sides_of_two_sizes_have_their_own_part_in_the_error_and_all_limits_are_noted() -> None:
    real, fake = INPUTS["real"][:300], INPUTS["fake"][:60]
    result = kid(real, fake, subsets=20, max_samples=200)
    subsets = draw_subsets(200, 60, 20, 30, seed=0)
    found = subset_distances(real[:200], fake, subsets)
    assert result.values["kid"].uncertainty == pytest.approx(standard_error(found, 200, 60))
    assert [any(part in note for note in result.notes) for part in ("max_samples=200", "Subsets of 30")] == [True, True]
