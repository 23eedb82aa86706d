"""Mode coverage on points made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gan_cli.metrics.modes import SAMPLES, count_modes

CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_points_at_every_centre_cover_all_of_them_evenly() -> None:
    found = count_modes(CENTRES.repeat(3, 0), CENTRES, sigma=0.1)
    assert found.modes == 4
    assert found.good_share == 1
    assert found.reverse_kl == pytest.approx(0)


def test_a_sample_is_good_within_three_sigma_and_not_beyond() -> None:
    points = np.array([[0.0, 0.29], [0.0, 0.31], [10.0, 0.5], [-0.2, 0.2]])
    found = count_modes(points, CENTRES, sigma=0.1)
    assert found.modes == 1
    assert found.good_share == 0.5


def test_reverse_kl_is_that_of_the_good_samples_alone() -> None:
    points = np.concatenate([CENTRES[:1].repeat(3, 0), CENTRES[1:2], [[5.0, 5.0]] * 4])
    found = count_modes(points, CENTRES, sigma=0.1)
    assert found.modes == 2
    assert found.good_share == 0.5
    assert found.reverse_kl == pytest.approx(0.75 * np.log(3) + 0.25 * np.log(1))


def test_one_mode_alone_has_the_largest_divergence() -> None:
    assert count_modes(CENTRES[:1].repeat(5, 0), CENTRES, 0.1).reverse_kl == pytest.approx(np.log(4))


def test_no_good_sample_is_no_mode() -> None:
    found = count_modes(np.array([[np.nan, 0], [np.inf, 0], [5, 5]], np.float32), CENTRES, 0.1)
    assert found == (0, 0.0, float("inf"))


def test_a_perfect_generator_gets_the_documented_share() -> None:
    random = np.random.default_rng(0)
    points = CENTRES[random.integers(0, 4, SAMPLES)] + 0.1 * random.normal(size=(SAMPLES, 2))
    found = count_modes(points, CENTRES, 0.1)
    assert found.modes == 4
    assert found.good_share == pytest.approx(1 - np.exp(-4.5), abs=0.008)
    assert found.reverse_kl < 0.005


def test_nothing_to_count_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 points"):
        count_modes(np.zeros((0, 2)), CENTRES, 0.1)
    with pytest.raises(ValueError, match="sigma"):
        count_modes(CENTRES, CENTRES, 0.0)
