"""Classifier two-sample tests: on Gaussians whose best accuracy is known, and on real digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Result
from gan_cli.metrics.c2st import MIN_SAMPLES, ClassifierTest, held_out_hits, nearest_neighbour_hits
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.proportions import proportion_with_error
from gan_cli.statistics import wilson

RANDOM = np.random.default_rng(0)
DIGITS = (load_digits().data / 8 - 1).astype(np.float32)


def compare(real: np.ndarray, fake: np.ndarray, seed: int = 0) -> Result:
    return ClassifierTest()(Comparison(InMemoryFeatures(rows=real), InMemoryFeatures(rows=fake), seed=seed))


def gaussian(count: int, dimensions: int, offset: float = 0.0) -> np.ndarray:
    rows = RANDOM.normal(size=(count, dimensions))
    rows[:, 0] += offset
    return rows.astype(np.float32)


def test_a_network_reaches_the_best_accuracy_that_there_is_between_two_gaussians() -> None:
    """The halfway line tells them apart with the accuracy Φ(distance / 2), and nothing does better."""
    for distance in (1.0, 3.0):
        hits, trials = held_out_hits(gaussian(2000, 3), gaussian(2000, 3, distance), hidden=20, epochs=100, seed=0)
        value = proportion_with_error(hits, trials, "held-out examples")
        best = 0.5 * (1 + math.erf(distance / 2 / math.sqrt(2)))
        assert value.low is not None and value.high is not None
        assert value.low - 0.01 < best < value.high + 0.01


def test_sets_that_lie_apart_are_always_told_and_sets_of_one_distribution_half_the_time() -> None:
    apart = compare(gaussian(200, 5), gaussian(200, 5, 50.0)).values
    assert [value.value for value in apart.values()] == [1, 1, 1, 1]
    same_protocol = compare(gaussian(1000, 5), gaussian(1000, 5)).values
    for name in ("c2st", "c2st_nearest"):
        assert abs(same_protocol[name].value - 0.5) < 3 * (same_protocol[name].uncertainty or 0)


def test_the_nearest_neighbour_is_that_of_a_library() -> None:
    real, fake = gaussian(300, 4), gaussian(300, 4, 1.0)
    rows, is_real = np.concatenate([real, fake]), np.repeat([1, 0], 300)
    neighbours = NearestNeighbors(n_neighbors=1).fit(rows).kneighbors(return_distance=False)  # none is its own
    hits = is_real[neighbours[:, 0]] == is_real
    assert nearest_neighbour_hits(real, fake, 0) == (hits[:300].sum(), hits[300:].sum())


def test_copies_are_nearer_than_anything_else_in_whatever_order() -> None:
    values = compare(DIGITS, RANDOM.permutation(DIGITS))
    assert values.values["c2st_nearest"].value < 0.01  # some digits are there twice
    assert values.values["c2st"].value < 0.55
    assert any("copies" in note for note in values.notes)


def test_collapse_onto_one_example_shows_among_generated_ones_alone() -> None:
    crowd = DIGITS[:1] + RANDOM.normal(scale=0.01, size=(900, 64)).astype(np.float32)
    values = compare(DIGITS[900:], crowd).values
    assert values["c2st_nearest_fake"].value == 1
    assert values["c2st_nearest_real"].value > 0.95
    # A pair of generated points close to each other and closest to each of three real ones.
    real = np.array([[0.0], [10.0], [20.0]])
    assert nearest_neighbour_hits(real, np.array([[1.0], [1.5], [13.0]]), 0) == (0, 2)


def test_between_neighbours_at_the_same_distance_chance_decides() -> None:
    """Two real, two generated, two real, ... in a row at equal distances: each has a neighbour of either side."""
    row = np.arange(400.0)[:, None]
    is_real = np.arange(400) // 2 % 2 == 0
    found = [nearest_neighbour_hits(row[is_real], row[~is_real], seed) for seed in range(5)]
    assert all(60 < of_real < 140 and 60 < of_fake < 140 for of_real, of_fake in found)
    assert len(set(found)) > 1


def test_real_digits_are_not_distinguished_from_real_ones_and_noise_the_better_the_more_of_it_there_is() -> None:
    order = RANDOM.permutation(len(DIGITS))
    first, second = DIGITS[order[:890]], DIGITS[order[890:1780]]
    noise = RANDOM.uniform(-1, 1, second.shape).astype(np.float32)
    found = [compare(first, np.concatenate([second[shown:], noise[:shown]])).values for shown in (0, 300, 600, 890)]
    for name in ("c2st", "c2st_nearest"):
        accuracies = [values[name].value for values in found]
        assert abs(accuracies[0] - 0.5) < 3 * (found[0][name].uncertainty or 0)
        assert accuracies == sorted(accuracies)
        assert accuracies[-1] > 0.98


def test_both_sides_have_equally_many_and_a_seed_gives_the_same_number() -> None:
    real, fake = gaussian(500, 3), gaussian(300, 3, 1.0)
    assert compare(real, fake, 5).values == compare(real[:300], fake, 5).values
    assert compare(real, fake, 5) == compare(real, fake, 5)
    assert held_out_hits(real[:101], fake[:101], hidden=5, epochs=5, seed=0)[1] == 2 * 51


def test_more_than_the_bound_is_left_out_and_reported() -> None:
    real, fake = gaussian(500, 3), gaussian(300, 3, 1.0)
    result = ClassifierTest(max_samples=100)(Comparison(InMemoryFeatures(rows=real), InMemoryFeatures(rows=fake)))
    assert result.values == compare(real[:100], fake[:100]).values
    assert any("max_samples=100" in note for note in result.notes)


def test_a_feature_that_never_changes_does_no_harm() -> None:
    real, fake = gaussian(100, 3), gaussian(100, 3, 50.0)
    for rows in (real, fake):
        rows[:, 2] = 7
    assert compare(real, fake).values["c2st"].value == 1


def test_an_accuracy_is_reported_with_its_error_and_wilson_s_interval() -> None:
    told = proportion_with_error(50, 100, "coins")
    assert told == (0.5, 0.05, "binomial standard error and Wilson interval of 100 coins", *wilson(50, 100))
    assert wilson(MIN_SAMPLES / 2, MIN_SAMPLES) == pytest.approx(
        (0.30, 0.70), abs=0.005
    )  # as the module says of so few


def test_what_can_t_be_measured_is_refused_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"^samples=19: c2st needs at least 20"):
        ClassifierTest().check(DataSpec((2,), 100), 100, 19)
    with pytest.raises(ConfigError, match=r"^real_samples=10: c2st needs"):
        ClassifierTest().check(DataSpec((2,), 10), 10, 100)
    with pytest.raises(ConfigError, match=r"^max_samples=10: expected"):
        ClassifierTest(max_samples=10)


def test_the_accuracy_of_a_network_does_not_depend_on_the_origin_of_the_features() -> None:
    steps = np.random.default_rng(0).integers(-8, 9, (400, 3)) / 8  # exact in float32 beside the offset
    real, fake = steps[:200].astype(np.float32), (steps[200:] + np.eye(3)[0] / 2).astype(np.float32)
    offset = np.float32(2**20)
    hits = held_out_hits(real, fake, hidden=5, epochs=5, seed=0)
    assert held_out_hits(real + offset, fake + offset, hidden=5, epochs=5, seed=0) == hits
