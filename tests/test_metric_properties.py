"""What holds for every metric of features or logits, each found by its YAML."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import pytest
import yaml

from gan_cli.config.compose import config_directory
from gan_cli.config.target_allowlist import load_class
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import FEATURES, LOGITS, Comparison, Metric, feature_chunks, pairwise_distances
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.progress import SilentReporter

EXAMPLES, CLASSES = 400, 4

VARIES = frozenset({"kid", "inception_score", "c2st", "mmd_p_value"})
"""Numbers that depend on which examples fall into random parts: in another order they are equal within their errors."""
DEVIATIONS = frozenset({"kid_std", "inception_score_std"})
"""Deviations over random parts, which have no error of their own."""


@cache
def settings_of(name: str) -> dict[str, Any]:
    content = yaml.safe_load((config_directory() / "metric" / f"{name}.yaml").read_text())
    return dict(content[name])


def class_of(name: str) -> Any:
    return load_class("metric", settings_of(name)["_target_"])


FILES = sorted(path.stem for path in (config_directory() / "metric").glob("[!_]*.yaml"))
NAMES = [name for name in FILES if class_of(name).needs <= {FEATURES, LOGITS}]
every_metric = pytest.mark.parametrize("name", NAMES)


CHEAP = {"c2st": {"epochs": 20}}
"""Settings that cost less time where the number of steps does not matter."""


def metric_of(name: str) -> Metric:
    built: Metric = class_of(name)(**CHEAP.get(name, {}))
    return built


def random_features(seed: int, noise: float = 0.0) -> InMemoryFeatures:
    """Four clusters in six dimensions, each a class that a classifier is rather sure of.

    Noise spreads features, and takes away what the classifier is sure of.
    """
    random = np.random.default_rng(seed)
    labels = random.integers(CLASSES, size=EXAMPLES).astype(np.int32)
    centres = 3 * np.eye(CLASSES, 6)
    rows = centres[labels] + random.normal(size=(EXAMPLES, 6))
    scores = 6 * np.eye(CLASSES)[labels] + (1 + noise) * random.normal(size=(EXAMPLES, CLASSES))
    rows += noise * random.normal(size=rows.shape)
    return InMemoryFeatures(
        rows=rows.astype(np.float32), scores=(scores / (1 + noise)).astype(np.float32), labels=labels
    )


def taken(side: InMemoryFeatures, order: np.ndarray) -> InMemoryFeatures:
    assert side.rows is not None
    assert side.scores is not None
    assert side.labels is not None
    return InMemoryFeatures(rows=side.rows[order], scores=side.scores[order], labels=side.labels[order])


def numbers(name: str, real: InMemoryFeatures, fake: InMemoryFeatures, seed: int = 0) -> dict[str, Any]:
    held_out = real if class_of(name).uses_held_out else None
    return dict(metric_of(name)(Comparison(real, fake, held_out, seed=seed)).values)


def assert_same(found: dict[str, Any], expected: dict[str, Any], rounding: float = 1e-9) -> None:
    """Equal up to rounding, or within four errors where random parts of the examples are looked at."""
    assert found.keys() == expected.keys()
    for name, measured in found.items():
        other = expected[name]
        if name in DEVIATIONS:
            continue
        slack = 4 * np.hypot(measured.uncertainty or 0, other.uncertainty or 0) if name in VARIES else 0
        assert measured.value == pytest.approx(other.value, rel=rounding, abs=rounding + slack), name


@every_metric
def test_every_number_is_reported_with_its_error_and_bounds(name: str) -> None:
    found = numbers(name, random_features(0), random_features(1, noise=0.3))
    assert set(metric_of(name).values) <= found.keys()
    for measured in found.values():
        assert not np.isnan(measured.value)
        assert isinstance(measured.value, float)
        assert measured.uncertainty is None or 0 <= measured.uncertainty < np.inf
        assert measured.method or measured.uncertainty is None
        if measured.low is not None:
            assert measured.low <= measured.value <= measured.high


@every_metric
def test_defaults_of_the_class_are_those_of_the_yaml(name: str) -> None:
    given = {key: value for key, value in settings_of(name).items() if key != "_target_"}
    assert dataclasses.asdict(class_of(name)()) == given


@every_metric
def test_the_order_of_examples_does_not_matter(name: str) -> None:
    real, fake = random_features(0), random_features(1, noise=0.3)
    random = np.random.default_rng(2)
    other_real, other_fake = (taken(side, random.permutation(EXAMPLES)) for side in (real, fake))
    assert_same(numbers(name, other_real, other_fake), numbers(name, real, fake))


@every_metric
def test_a_set_is_as_far_from_itself_as_from_its_shuffled_copy(name: str) -> None:
    real = random_features(0)
    shuffled = taken(real, np.random.default_rng(2).permutation(EXAMPLES))
    assert_same(numbers(name, real, shuffled), numbers(name, real, taken(real, np.arange(EXAMPLES))))


@every_metric
def test_how_many_rows_are_read_at_once_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = numbers(name, random_features(0), random_features(1, noise=0.3))
    monkeypatch.setattr(feature_chunks, "CHUNK_ROWS", 67)
    monkeypatch.setattr(pairwise_distances, "BLOCK", 83)
    found = numbers(name, random_features(0), random_features(1, noise=0.3))
    for value_name, measured in found.items():
        assert measured.value == pytest.approx(expected[value_name].value, rel=1e-9, abs=1e-9), value_name


@every_metric
def test_the_number_that_checkpoints_are_compared_by_gets_worse_with_noise(name: str) -> None:
    value_name, better = next((key, word) for key, word in metric_of(name).values.items() if word)
    series = [
        numbers(name, random_features(0), random_features(1, noise))[value_name].value
        for noise in (0.0, 0.5, 1.0, 2.0, 4.0)
    ]
    steps = np.diff(series if better == "lower" else series[::-1])
    assert (steps >= 0).all(), series
    assert abs(series[-1] - series[0]) > 0.1 * abs(series[-1])


@every_metric
def test_a_number_comes_again_from_the_same_seed(name: str) -> None:
    first, again = (numbers(name, random_features(0), random_features(1), seed=5) for _ in range(2))
    assert first == again
    assert_same(numbers(name, random_features(0), random_features(1), seed=6), first)


@every_metric
@pytest.mark.parametrize("side", [0, 1], ids=["real", "fake"])
def test_what_is_not_finite_is_refused(name: str, side: int) -> None:
    needs = class_of(name).needs
    if side == 0 and needs == {LOGITS}:
        pytest.skip("looks at generated examples alone")
    sides = [random_features(0), random_features(1)]
    for array in (sides[side].rows, sides[side].scores):
        assert array is not None
        array[17, 1] = np.nan
    with pytest.raises(ConfigError, match="not finite"):
        metric_of(name)(Comparison(*sides))


@every_metric
def test_one_example_is_too_few(name: str) -> None:
    data = DataSpec((8, 8, 1), 1000, CLASSES)
    metric_of(name).check(data, None, 1000)
    with pytest.raises(ConfigError) as told:
        metric_of(name).check(data, None, 1)
    assert told.value.key == "samples"
    if FEATURES in class_of(name).needs:
        with pytest.raises(ConfigError) as told:
            metric_of(name).check(data, 1, 1000)
        assert told.value.key == "real_samples"


class ProgressSteps(SilentReporter):
    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def progress(self, what: str, done: int, total: int) -> None:
        self.steps.append((done, total))


@every_metric
def test_progress_counts_the_finished_parts_of_all(name: str) -> None:
    reporter, few = ProgressSteps(), np.arange(100)
    metric_of(name)(Comparison(taken(random_features(0), few), taken(random_features(1), few), reporter=reporter))
    assert reporter.steps == [(done, len(reporter.steps)) for done in range(len(reporter.steps))]
