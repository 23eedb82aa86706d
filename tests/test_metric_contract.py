"""Every metric of configs/metric, found by glob, on images and on points: what it promised, or a reason why not."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from gan_cli.config.compose import compose, config_directory
from gan_cli.config.job_builder import build
from gan_cli.data import DataSpec, Examples, InMemory, Source
from gan_cli.data.digits import Digits
from gan_cli.data.ring import Ring
from gan_cli.data.splits import split_held_out
from gan_cli.errors import ConfigError
from gan_cli.evaluation.compute_metrics import describe_value, measure
from gan_cli.evaluation.example_sets import StoredExamples
from gan_cli.evaluation.feature_store import StoredFeatures
from gan_cli.features import ExtractedFeatures, FeatureExtractor, FeatureExtractorConfig
from gan_cli.metrics import EXAMPLES, FEATURES, LOGITS, Comparison, Metric
from gan_cli.metrics.metric_compatibility import PlannedComparison, check_metrics, value_names

METRICS = sorted(path.stem for path in (config_directory() / "metric").glob("[!_]*.yaml"))
SOURCES: dict[str, Source] = {"images": Digits(), "points": Ring(examples=1200)}
REFUSED = {("modes", "images"), ("diversity", "points"), ("cas", "points")}
"""What a metric does not take, and says so."""
CERTAIN = {"modes", "codes_found"}
"""A whole number that is counted by a protocol of fixed size: what other samples would give is not told."""
CHEAP = {"subsets": 5, "permutations": 20, "epochs": 10, "patches": 16, "directions": 16, "steps": 20, "width": 4}
"""Settings by which a metric takes less time and keeps its promises."""


class Told(FeatureExtractor):
    """An extractor for tests: few features, and the class of the nearest of some real examples as logits."""

    identity = {"name": "told"}  # noqa: RUF012
    dimensions = 6
    is_free = True

    def __init__(self, examples: Examples) -> None:
        size = math.prod(examples.spec.shape)
        self.directions = np.random.RandomState(0).randn(size, self.dimensions).astype(np.float32)
        self.classes = examples.spec.classes

    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        rows = examples.reshape(len(examples), -1).astype(np.float32)
        features = rows @ self.directions / np.float32(100)
        logits = np.repeat(features[:, :1], self.classes, axis=1) * np.arange(self.classes, dtype=np.float32)
        return ExtractedFeatures(features, logits)


class TakesAll(FeatureExtractorConfig):
    """The extractor that opens such an embedding."""

    def check(self, data: DataSpec) -> None: ...

    def load(self, data: DataSpec, labelled: object, reporter: object) -> FeatureExtractor:
        return Told(InMemory(data, np.zeros((0, *data.shape)), np.zeros(0), []))


TOLD = TakesAll()


@cache
def sides(kind: str) -> tuple[Examples, Examples, FeatureExtractor]:
    real, fake = split_held_out(SOURCES[kind].open(), 0.4)
    assert fake is not None
    real, fake = first(real, 450), first(fake, 300)
    return real, fake, Told(real)


def first(side: Examples, count: int) -> InMemory:
    """The first examples of a side."""
    values, labels = side.read(np.arange(count))
    return InMemory(replace(side.spec, examples=count), values, labels, [])


@cache
def metric_of(name: str) -> Metric:
    node = compose("eval", [f"metric=[{name}]", "fake=x", "real=x"]).config["metric"][name]
    built: Any = build(f"metric.{name}", node)
    cheap: Metric = replace(built, **{each.name: CHEAP[each.name] for each in fields(built) if each.name in CHEAP})
    return cheap


def comparison_of(kind: str) -> Comparison:
    real, fake, embedding = sides(kind)
    features = [StoredFeatures(StoredExamples(side, {}), embedding, {}) for side in (real, fake)]
    return Comparison(features[0], features[1], held_out=features[1], source=SOURCES[kind])


@pytest.mark.parametrize("name", METRICS)
def test_it_says_what_it_gives_and_what_it_needs(name: str) -> None:
    metric = metric_of(name)
    assert metric.values
    assert set(metric.values.values()) <= {"lower", "higher", ""}
    assert metric.needs
    assert metric.needs <= {FEATURES, LOGITS, EXAMPLES}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("name", METRICS)
def test_it_measures_the_same_each_time_or_refuses_with_a_reason(name: str, kind: str) -> None:
    metric = metric_of(name)
    comparison = comparison_of(kind)
    real, fake = comparison.real, comparison.fake
    if (name, kind) in REFUSED:
        with pytest.raises(ConfigError) as refused:
            check_metrics({name: metric}, TOLD, PlannedComparison(SOURCES[kind], real.data, real.count, fake.count))
        assert refused.value.key == f"metric.{name}"
        return
    has_classes = fake.labels is not None
    planned = PlannedComparison(SOURCES[kind], real.data, real.count, fake.count, has_classes, has_classes)
    check_metrics({name: metric}, TOLD, planned)
    state = np.random.get_state()[1].tolist()  # type: ignore[index]
    found = measure({name: metric}, comparison, protocol={})
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index]
    assert set(found.values) & set(metric.values) == set(metric.values)
    json.dumps(found.as_dict(), allow_nan=False)
    again = measure({name: metric}, comparison_of(kind), protocol={})
    assert again.values == found.values
    directed = {value for value, better in metric.values.items() if better}
    told = {value for value in directed if found.values[value].get("uncertainty") is not None}
    assert told == directed - CERTAIN


@pytest.mark.parametrize("name", METRICS)
def test_too_few_examples_are_refused_by_the_key_that_says_how_many(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        metric_of(name).check(DataSpec((8, 8, 1), 1797, 10), 1797, 1)
    assert refused.value.key == "samples"


def test_no_two_metrics_give_a_number_of_the_same_name() -> None:
    metrics = {name: metric_of(name) for name in METRICS}
    assert len(value_names(metrics)) == sum(len(metric.values) for metric in metrics.values())


def test_a_number_that_is_none_is_never_reported() -> None:
    from gan_cli.metrics import MetricValue

    with pytest.raises(ArithmeticError):
        describe_value("fid", MetricValue(math.nan), "lower")
    assert describe_value("fid", MetricValue(math.inf), "lower")["value"] is None
