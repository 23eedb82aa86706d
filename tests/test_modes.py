"""Mode coverage on points made by hand, and of data whose modes are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gan_cli.data import DataSpec
from gan_cli.data.digits import Digits
from gan_cli.data.grid import Grid
from gan_cli.data.ring import Ring
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Result
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.modes import (
    LABELLED_SAMPLES,
    SAMPLES,
    KnownModes,
    count_modes,
    divergence_from_equal,
    label_counts,
    mode_values,
)

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


def compare(fake: np.ndarray, source: Any, seed: int = 0) -> Result:
    side = InMemoryFeatures(values=fake)
    return KnownModes()(Comparison(side, side, source=source, seed=seed))


@pytest.mark.parametrize("source", [Ring(), Grid()], ids=["ring", "grid"])
def test_a_mixture_s_own_points_have_all_modes_evenly_and_collapsed_ones_have_one(source: Ring | Grid) -> None:
    points = source.open().values
    values, notes = compare(points, source).values, compare(points, source).notes
    assert values["modes"].value == len(source.centres())
    share = values["good_share"]
    assert share.low is not None and share.high is not None
    assert share.low < 1 - np.exp(-4.5) < share.high
    assert values["reverse_kl"].value < 0.03
    assert notes == ()
    crowd = compare(points[:1].repeat(2500, 0), source).values
    assert crowd["modes"].value == 1
    assert crowd["reverse_kl"].value == pytest.approx(np.log(len(source.centres())))


def test_the_numbers_are_those_of_the_protocol_s_first_samples_however_many_there_are() -> None:
    source = Grid()
    points = source.open().values[:4000] + np.float32(0.08)
    found = count_modes(points[:SAMPLES], source.centres(), source.sigma)
    values = compare(points, source).values
    assert (values["modes"].value, values["good_share"].value, values["reverse_kl"].value) == pytest.approx(found)
    assert "600 samples" in compare(points[:600], source).notes[0]


def test_the_error_of_the_divergence_is_that_of_other_samples() -> None:
    source, random = Ring(), np.random.default_rng(0)
    shares = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0])
    found = [
        compare(source.centres()[random.choice(8, SAMPLES, p=shares)], source, seed).values["reverse_kl"]
        for seed in range(40)
    ]
    spread = np.std([value.value for value in found], ddof=1)
    assert found[0].uncertainty == pytest.approx(spread, rel=0.4)


def test_points_that_are_nowhere_near_have_an_infinite_divergence_and_say_so() -> None:
    values = compare(np.full((100, 2), np.nan, np.float32), Ring()).values
    assert (values["modes"].value, values["good_share"].value, values["reverse_kl"].value) == (0, 0, float("inf"))
    assert "no sample is good" in values["reverse_kl"].method


def test_labels_are_counted_and_held_against_equal_shares() -> None:
    assert label_counts(np.array([0, 0, 0, 2]), 4).tolist() == [3, 0, 1, 0]
    assert divergence_from_equal(np.full(1000, 3)) == pytest.approx(0, abs=1e-12)
    assert divergence_from_equal(np.eye(1000, dtype=int)[0]) == pytest.approx(np.log(1000))
    assert divergence_from_equal(np.array([3, 0, 1, 0])) == pytest.approx(0.75 * np.log(3) + 0.25 * np.log(1))
    with pytest.raises(ValueError, match="each from 0 to 3"):
        label_counts(np.array([4]), 4)
    with pytest.raises(ValueError, match="0 labels"):
        label_counts(np.zeros(0, int), 4)


def test_a_perfect_generator_of_1000_modes_has_the_documented_divergence() -> None:
    drawn = np.random.default_rng(0).integers(0, 1000, LABELLED_SAMPLES)
    counts = label_counts(drawn, 1000)
    assert counts.all()
    assert divergence_from_equal(counts) == pytest.approx(999 / (2 * LABELLED_SAMPLES), rel=0.15)


def test_modes_that_are_read_are_counted_and_have_no_share_of_good_samples() -> None:
    labels = np.random.default_rng(0).permutation(np.arange(200).repeat(5))
    values = mode_values(label_counts(labels, 256), seed=0)
    assert values["modes"].value == 200
    assert values["reverse_kl"].value == pytest.approx(np.log(256 / 200))
    assert "good_share" not in values


def test_data_whose_modes_are_not_known_and_too_few_samples_are_refused() -> None:
    metric = KnownModes()
    metric.check_source(Ring())
    metric.check(Ring().describe(), None, 8)
    with pytest.raises(ConfigError, match="dataset=ring, grid and stacked_mnist"):
        metric.check_source(Digits())
    with pytest.raises(ConfigError, match="dataset=ring, grid and stacked_mnist"):
        compare(np.zeros((20, 2)), None)
    with pytest.raises(ConfigError, match="dataset=ring, grid and stacked_mnist"):
        metric.check(DataSpec((2,), 100), 100, 100)
    with pytest.raises(ConfigError, match=r"^samples=24: modes needs at least 25"):
        metric.check(Grid().describe(), 100, 24)
