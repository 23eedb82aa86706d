"""The inception score against published values and distributions whose score is known."""

from __future__ import annotations

import golden
import numpy as np
import pytest

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Result
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.inception_score import InceptionScore, log_softmax, score_of_chunks, split_bounds

LOGITS = golden.inputs()["logits"]
PUBLISHED = golden.values()["inception_score_10_splits"]


def score(logits: np.ndarray, splits: int = 10) -> Result:
    nothing = InMemoryFeatures(scores=np.zeros((0, logits.shape[1]), np.float32))
    return InceptionScore(splits)(Comparison(nothing, InMemoryFeatures(scores=logits)))


@pytest.mark.parametrize(
    ("order", "name"),
    [
        (np.arange(1000), "in_order"),
        (np.random.RandomState(2020).permutation(1000), "shuffled_with_RandomState(2020).permutation"),
    ],
    ids=["in order", "shuffled"],
)
def test_ten_splits_give_the_published_mean_and_deviation(order: np.ndarray, name: str) -> None:
    values = score(LOGITS[order]).values
    measured = values["inception_score"]
    assert measured.value == pytest.approx(PUBLISHED[name]["inception_score_mean"], rel=1e-6)
    assert values["inception_score_std"].value == pytest.approx(PUBLISHED[name]["inception_score_std"], rel=1e-6)
    assert measured.uncertainty == pytest.approx(PUBLISHED[name]["inception_score_std"] / 3, rel=1e-6)
    assert measured.method == "standard error of the mean of 10 splits of 100"


def test_each_split_has_its_published_score() -> None:
    found = [score_of_chunks([LOGITS[start:stop]]) for start, stop in split_bounds(1000, 10)]
    np.testing.assert_allclose(found, PUBLISHED["per_split_in_order"], rtol=1e-6)


def sure_of(classes: np.ndarray, of: int) -> np.ndarray:
    return 1e4 * np.eye(of, dtype=np.float32)[classes]


def test_the_score_is_the_number_of_classes_that_are_found_evenly_and_surely() -> None:
    assert score_of_chunks([sure_of(np.arange(600) % 6, of=10)]) == pytest.approx(6, rel=1e-12)
    assert score_of_chunks([sure_of(np.zeros(600, int), of=10)]) == pytest.approx(1, rel=1e-12)
    assert score_of_chunks([np.zeros((600, 10), np.float32)]) == pytest.approx(1, rel=1e-12)


def test_a_mixture_has_the_score_of_its_mutual_information() -> None:
    # Half says (0.9, 0.1), half (0.1, 0.9): the classes are even, so it is exp(ln 2 - H(0.9, 0.1)).
    logits = np.log(np.array([[0.9, 0.1], [0.1, 0.9]])).repeat(50, axis=0)
    assert score_of_chunks([logits]) == pytest.approx(2 * 0.9**0.9 * 0.1**0.1, rel=1e-12)


def test_chunks_do_not_matter_and_neither_do_shifts_of_logits() -> None:
    whole = score_of_chunks([LOGITS])
    assert score_of_chunks([LOGITS[:1], LOGITS[1:400], LOGITS[400:]]) == pytest.approx(whole, rel=1e-12)
    assert score_of_chunks([LOGITS.astype(np.float64) + 500.0]) == pytest.approx(whole, rel=1e-9)


def test_extreme_logits_stay_finite() -> None:
    logs = log_softmax(np.array([[3e38, -3e38, 0.0]], np.float32))
    assert np.isfinite(logs).all()
    assert np.exp(logs).sum() == pytest.approx(1)


@pytest.mark.parametrize(("count", "splits"), [(1000, 10), (17, 5), (7, 7)])
def test_splits_hold_every_example_once_and_are_about_equal(count: int, splits: int) -> None:
    bounds = split_bounds(count, splits)
    assert [row for start, stop in bounds for row in range(start, stop)] == list(range(count))
    sizes = [stop - start for start, stop in bounds]
    assert max(sizes) - min(sizes) <= 1


def test_small_splits_are_noted_and_one_has_no_deviation() -> None:
    assert score(LOGITS[:100]).notes == ()
    (note,) = score(LOGITS[:90]).notes
    assert note.startswith("Splits of 9 examples are small for 10 classes")
    assert score(LOGITS, splits=1).values["inception_score"].uncertainty is None


def test_mistakes_are_reported_by_their_keys() -> None:
    with pytest.raises(ConfigError, match="splits=0"):
        InceptionScore(splits=0)
    with pytest.raises(ConfigError, match=r"^samples=19: .*at least 20 generated"):
        InceptionScore().check(DataSpec((2,), 10), None, 19)
    InceptionScore().check(DataSpec((2,), 10), 1, 20)  # it never looks at real examples
    with pytest.raises(ConfigError, match="logits of 1 of the generated"):
        score(np.where(np.arange(1000)[:, None] == 5, np.nan, LOGITS))
