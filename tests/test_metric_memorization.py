"""Distances to the nearest training examples: by brute force, with copies put in, and on real digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from gan_cli.data import DataSpec
from gan_cli.data.tfds import TFDS
from gan_cli.errors import ConfigError
from gan_cli.features.pixels import Flattened
from gan_cli.metrics import Comparison, MetricValue, Result
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.memorization import NearestTraining, copied_share, pairs_picture
from gan_cli.metrics.nearest_neighbours import nearest
from gan_cli.statistics import wilson

RANDOM = np.random.default_rng(0)
DIGITS = RANDOM.permutation(np.round(load_digits().images[..., None] * (255 / 16)).astype(np.uint8))
TRAINING, HELD_OUT, OTHER = DIGITS[:1000], DIGITS[1000:1400], DIGITS[1400:]


def side(images: np.ndarray) -> InMemoryFeatures:
    rows = Flattened(int(np.prod(images.shape[1:])))(images).features
    return InMemoryFeatures(rows=rows, values=images)


def compare(fake: np.ndarray, held_out: np.ndarray | None = HELD_OUT, training: np.ndarray = TRAINING) -> Result:
    aside = None if held_out is None else side(held_out)
    return NearestTraining()(Comparison(side(training), side(fake), held_out=aside))


def noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    drawn = np.random.default_rng(1).normal(scale=deviation, size=images.shape)
    return np.clip(np.round(images + drawn), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("portion", [1, 7, 5000])
def test_neighbours_are_those_of_brute_force_however_the_rows_are_read(portion: int) -> None:
    queries, rows = RANDOM.normal(size=(20, 5)) + 3, RANDOM.normal(size=(100, 5)) + 3
    chunks = (rows[start : start + portion] for start in range(0, 100, portion))
    found = nearest(queries, chunks, 4)
    distances = np.linalg.norm(queries[:, None] - rows, axis=-1)
    np.testing.assert_array_equal(found.places, np.argsort(distances, axis=1)[:, :4])
    np.testing.assert_allclose(found.distances, np.sort(distances, axis=1)[:, :4], rtol=1e-9)


def test_many_queries_and_rows_are_taken_in_blocks_and_a_copy_has_the_distance_zero() -> None:
    rows = RANDOM.normal(size=(4500, 40)).astype(np.float32) + 1000
    queries = rows[::-1][:2100]
    found = nearest(queries, [rows[:4100], rows[4100:]])
    np.testing.assert_array_equal(found.places[:, 0], np.arange(4500)[::-1][:2100])
    assert (found.distances == 0).all()


def test_a_row_is_not_its_own_neighbour_where_that_is_said() -> None:
    rows = np.array([[0.0], [1.0], [1.5], [10.0]])
    found = nearest(rows[1:], [rows], 2, own=np.array([1, 2, 3]))
    assert found.places.tolist() == [[2, 0], [1, 0], [2, 1]]
    with pytest.raises(ValueError, match="4 rows: expected at least 4"):
        nearest(rows, [rows], 4, own=np.arange(4))


def test_the_copied_share_counts_up_to_the_real_distance_at_the_quantile() -> None:
    real = np.arange(1, 1001.0)
    assert copied_share(np.array([9.0, 10.0, 11.0, 0.0]), real, 0.01) == 0.75
    assert copied_share(np.array([1.0, 2.0]), real[:10], 0.01) == 0.5  # the nearest one at least
    assert copied_share(np.zeros(5), np.zeros(5), 0.01) == 1


def test_a_generator_that_copies_is_found_out_whole_or_in_part() -> None:
    everything = compare(TRAINING[RANDOM.integers(0, 1000, 500)]).values
    assert everything["memorization"].value == 1
    assert everything["data_copying"].value > 0.99
    assert everything["nearest_distance"].value == 0 < everything["nearest_distance_real"].value
    half = compare(np.concatenate([TRAINING[:190], OTHER[:190]])).values
    assert half["memorization"].value == pytest.approx(0.5 + 0.5 * 0.01, abs=0.02)
    assert half["data_copying"].value == pytest.approx(0.5 + 0.5 * 0.5, abs=0.03)


@pytest.mark.parametrize("held_out", [HELD_OUT, None], ids=["held out", "training itself"])
def test_real_digits_that_were_not_trained_on_are_no_copies(held_out: np.ndarray | None) -> None:
    values = compare(OTHER, held_out).values
    memorized, copying = values["memorization"], values["data_copying"]
    assert memorized.value < 0.04 and memorized.low is not None and memorized.low <= 0.01
    assert abs(copying.value - 0.5) < 3 * (copying.uncertainty or 0)
    near, real = values["nearest_distance"], values["nearest_distance_real"]
    assert near.value == pytest.approx(real.value, rel=0.05)


def test_the_more_noise_on_copies_the_less_they_are_ones() -> None:
    found = [compare(noisy(TRAINING[:300], deviation)).values for deviation in (0, 10, 30, 50)]
    for name in ("memorization", "data_copying"):
        numbers = [values[name].value for values in found]
        assert numbers == sorted(numbers, reverse=True)
    assert found[-1]["memorization"].value == 0
    distances = [values["nearest_distance"].value for values in found]
    assert distances == sorted(distances)


def test_the_order_of_examples_does_not_matter() -> None:
    found, other = compare(OTHER).values, compare(RANDOM.permutation(OTHER)).values
    assert {name: value.value for name, value in found.items()} == {name: value.value for name, value in other.items()}


def test_without_held_out_examples_it_is_said_how_to_get_some() -> None:
    assert any("eval.held_out=0.1" in note for note in compare(OTHER, None).notes)
    assert compare(OTHER).notes == ()


def test_where_nothing_is_copied_the_interval_says_how_much_could_have_been_missed() -> None:
    found = compare(RANDOM.integers(0, 256, (300, 8, 8, 1)).astype(np.uint8)).values["memorization"]
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(wilson(0, 300)[1])


def of_points(seed: int) -> dict[str, MetricValue]:
    random = np.random.default_rng(seed)
    points = [random.normal(size=(count, 2)).astype(np.float32) for count in (2000, 400, 400)]
    training, fake, aside = (InMemoryFeatures(rows=rows, values=rows) for rows in points)
    return dict(NearestTraining()(Comparison(training, fake, held_out=aside)).values)


def test_errors_are_those_of_other_samples() -> None:
    samples = [of_points(seed) for seed in range(16)]
    near = [sample["nearest_distance"].value for sample in samples]
    assert samples[0]["nearest_distance"].uncertainty == pytest.approx(np.std(near, ddof=1), rel=0.5)
    # The Mann-Whitney U of m and n samples of one distribution has the variance m n (m + n + 1) / 12.
    of_pairs = np.sqrt((400 + 400 + 1) / (12 * 400 * 400))
    assert samples[0]["data_copying"].uncertainty == pytest.approx(of_pairs, rel=0.15)


def test_the_picture_begins_with_the_copies_and_shows_each_beside_its_neighbours() -> None:
    near = noisy(TRAINING[[55]], 10)
    fake = np.concatenate([OTHER[:200], near, TRAINING[[17]], OTHER[200:]])
    rows = side(fake).rows
    assert rows is not None
    picture = compare(fake).pictures["nearest_pairs"]
    found = nearest(rows[[201, 200]], [side(TRAINING).features()], 3)
    first_two = pairs_picture(np.concatenate([TRAINING[[17]], near]), TRAINING[found.places.ravel()], scale=11)
    # Ten rows and three columns of neighbours: 8 pixels each, eleven times enlarged, with gaps as wide as a pixel.
    assert picture.size == (8 * 11 + 22 + 3 * 9 * 11 - 11, 10 * 9 * 11 - 11)
    shown = picture.crop((0, 0, *first_two.size))
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(first_two))
    assert found.places[0, 0] == 17 and found.places[1, 0] == 55


def test_only_images_that_can_be_drawn_give_a_picture() -> None:
    points = RANDOM.normal(size=(200, 2)).astype(np.float32)
    features = InMemoryFeatures(rows=points, values=points)
    assert NearestTraining()(Comparison(features, features)).pictures == {}
    two_channels = DIGITS.repeat(2, axis=-1)
    assert compare(two_channels[:200], None, two_channels[200:500]).pictures == {}


def test_training_digits_of_mnist_are_distinguished_from_test_digits(test_data: Path) -> None:
    if not (test_data / "tfds" / "mnist").is_dir():
        pytest.skip("no MNIST")
    source = {"name": "mnist", "data_dir": str(test_data / "tfds")}
    training = TFDS(**source, split="train[:3000]").open().read(np.arange(3000))[0]
    test = TFDS(**source, split="test[:1000]").open().read(np.arange(1000))[0]
    fake = np.concatenate([test[500:], noisy(training[:100], 20)])
    result = compare(fake, test[:500], training)
    assert result.values["memorization"].value == pytest.approx(100 / 600 + 0.01 * 500 / 600, abs=0.02)
    assert result.pictures["nearest_pairs"].mode == "L"


def test_more_than_the_bound_and_training_examples_that_are_not_seen_are_reported() -> None:
    metric = NearestTraining(max_samples=100)
    notes = metric(Comparison(side(TRAINING), side(OTHER), held_out=side(HELD_OUT))).notes
    assert any("100 of the 397 generated" in note for note in notes)


def test_what_can_t_be_measured_is_refused_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"^samples=50: memorization needs at least 100"):
        NearestTraining().check(DataSpec((8, 8, 1), 1000), 1000, 50)
    with pytest.raises(ConfigError, match=r"^real_samples=50: memorization needs"):
        NearestTraining().check(DataSpec((8, 8, 1), 50), 50, 1000)
    with pytest.raises(ConfigError, match=r"^quantile=0: expected"):
        NearestTraining(quantile=0)


def test_the_interval_of_no_copies_is_that_of_a_share_of_0_where_data_copying_is_even() -> None:
    fake, real = np.tile([[1.0, 1.0]], (200, 1)), np.tile([[1.0, 3.0]], (300, 1))  # relative distances 1 and 0.5
    found = NearestTraining().measured(fake, real, seed=0)
    assert (found["memorization"].value, found["data_copying"].value) == (0.0, 0.5)
    assert (found["memorization"].low, found["memorization"].high) == pytest.approx(wilson(0, 200))


def test_a_picture_shows_the_generated_image_in_its_corner_and_the_training_image_beside_it() -> None:
    picture = np.asarray(pairs_picture(DIGITS[:1], DIGITS[1:2], scale=1))
    np.testing.assert_array_equal(picture[:8, :8], DIGITS[0, :, :, 0])
    np.testing.assert_array_equal(picture[:8, -8:], DIGITS[1, :, :, 0])
