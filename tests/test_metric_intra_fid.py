"""The Fréchet distance within classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, MetricValue, intra_fid
from gan_cli.metrics.fid import frechet_distance
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.intra_fid import IntraFrechetDistance, moments_by_label
from gan_cli.metrics.mean_and_covariance import moments_of

RANDOM = np.random.default_rng(0)
DIGITS = (load_digits().data / 8 - 1).astype(np.float32)
LABELS = load_digits().target.astype(np.int32)


def distance(real: np.ndarray, labels: np.ndarray, fake: np.ndarray, asked: np.ndarray) -> dict[str, MetricValue]:
    sides = InMemoryFeatures(rows=real, labels=labels), InMemoryFeatures(rows=fake, labels=asked)
    return dict(IntraFrechetDistance()(Comparison(*sides)).values)


def test_it_is_the_mean_of_the_distances_of_the_classes_however_many_examples_each_has() -> None:
    offsets = {0: 0.0, 1: 3.0, 7: 4.0}
    labels = RANDOM.permutation(np.repeat(list(offsets), [50, 100, 400]))
    real, fake = RANDOM.normal(size=(550, 4)), RANDOM.normal(size=(550, 4))
    fake[:, 0] += np.array([offsets[label] for label in labels])
    each = [frechet_distance(*(moments_of(side[labels == label]) for side in (real, fake))) for label in offsets]
    values = distance(real, labels, fake, labels)
    assert values["intra_fid"].value == pytest.approx(np.mean(each), rel=1e-9)
    assert values["intra_fid_worst"].value == pytest.approx(max(each), rel=1e-9)
    assert values["intra_fid_worst"].method.startswith("class 7;")
    assert values["intra_fid"].value == pytest.approx((0 + 9 + 16) / 3, rel=0.25)  # |m₁ - m₂|² of equal covariances


def test_digits_are_at_no_distance_from_themselves_in_whatever_order() -> None:
    order = RANDOM.permutation(len(DIGITS))
    assert distance(DIGITS, LABELS, DIGITS[order], LABELS[order])["intra_fid"].value == pytest.approx(0, abs=1e-6)


def test_a_generator_that_mixes_classes_up_is_found_out_here_alone() -> None:
    order = RANDOM.permutation(len(DIGITS))
    assert frechet_distance(moments_of(DIGITS), moments_of(DIGITS[order])) == pytest.approx(0, abs=1e-6)
    assert distance(DIGITS, LABELS, DIGITS, LABELS[order])["intra_fid"].value > 5
    one_swapped = np.where(LABELS == 3, 8, np.where(LABELS == 8, 3, LABELS))
    assert distance(DIGITS, LABELS, DIGITS, one_swapped)["intra_fid_worst"].method.startswith(("class 3;", "class 8;"))


def test_more_noise_is_farther() -> None:
    noise = RANDOM.normal(size=DIGITS.shape).astype(np.float32)
    found = [distance(DIGITS, LABELS, DIGITS + s * noise, LABELS)["intra_fid"].value for s in (0, 0.1, 0.3, 1)]
    assert found == sorted(found)


def test_the_error_is_that_of_other_samples() -> None:
    """Between equal covariances the distance is mostly |m₁ - m₂|², 9 here, whose error is 2 · 3 · √2 σ of a mean."""
    labels = np.arange(4000) % 4
    real, fake = RANDOM.normal(size=(4000, 2)), RANDOM.normal(size=(4000, 2)) + np.array([3, 0])
    value = distance(real, labels, fake, labels)["intra_fid"]
    assert value.value == pytest.approx(9, rel=0.1)
    errors = []
    for seed in range(10):
        other = np.random.default_rng(seed).normal(size=(4000, 2)) + np.array([3, 0])
        errors.append(distance(real, labels, other, labels)["intra_fid"].uncertainty)
    assert np.mean(errors) == pytest.approx(2 * 3 * np.sqrt(2 / 4000), rel=0.3)


def test_without_groups_or_with_few_examples_there_is_no_error() -> None:
    side = InMemoryFeatures(rows=DIGITS, labels=LABELS)
    assert IntraFrechetDistance(groups=0)(Comparison(side, side)).values["intra_fid"].uncertainty is None
    few = InMemoryFeatures(rows=DIGITS[:60], labels=LABELS[:60])
    assert IntraFrechetDistance()(Comparison(side, few)).values["intra_fid"].uncertainty is None
    with pytest.raises(ConfigError, match="groups=1"):
        IntraFrechetDistance(groups=1)


def test_rows_are_taken_in_chunks() -> None:
    whole = moments_by_label([DIGITS], LABELS, range(10))
    parts = moments_by_label((DIGITS[start : start + 23] for start in range(0, 1797, 23)), LABELS, range(10))
    for label in range(10):
        assert parts[label].count == whole[label].count == (label == LABELS).sum()
        np.testing.assert_allclose(parts[label].covariance, whole[label].covariance, atol=1e-9)


def test_classes_that_do_not_fit_into_memory_together_are_taken_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = DIGITS + RANDOM.normal(size=DIGITS.shape).astype(np.float32)
    together = distance(DIGITS, LABELS, fake, LABELS)
    monkeypatch.setattr(intra_fid, "MAX_NUMBERS", 3 * 5 * 64**2)
    assert distance(DIGITS, LABELS, fake, LABELS) == together


def test_classes_with_fewer_examples_than_dimensions_are_reported() -> None:
    few, enough = DIGITS[:300], DIGITS
    of_few, of_enough = (InMemoryFeatures(rows=rows, labels=LABELS[: len(rows)]) for rows in (few, enough))
    assert IntraFrechetDistance()(Comparison(of_enough, of_enough)).notes == ()
    assert "too few for a covariance of 64" in IntraFrechetDistance()(Comparison(of_enough, of_few)).notes[0]


def test_what_can_t_be_measured_is_refused_with_the_reason() -> None:
    labelled = InMemoryFeatures(rows=DIGITS, labels=LABELS)
    with pytest.raises(ConfigError, match="the generated examples have no classes"):
        IntraFrechetDistance()(Comparison(labelled, InMemoryFeatures(rows=DIGITS)))
    with pytest.raises(ConfigError, match="the real examples have no classes"):
        IntraFrechetDistance()(Comparison(InMemoryFeatures(rows=DIGITS), labelled))
    with pytest.raises(ConfigError, match=r"^samples=1000: .* class 9 has 0"):
        distance(DIGITS, LABELS, DIGITS[:1000], np.arange(1000) % 9)
    with pytest.raises(ConfigError, match="has no classes"):
        IntraFrechetDistance().check(DataSpec((8, 8, 1), 100), 100, 100)
    with pytest.raises(ConfigError, match=r"^samples=19: intra_fid needs at least 20"):
        IntraFrechetDistance().check(DataSpec((8, 8, 1), 100, 10), None, 19)
