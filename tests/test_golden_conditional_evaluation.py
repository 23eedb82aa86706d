"""Metrics of conditional generators against published values (evaluation.json), and in runs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from conftest import PERCEPTRON
from golden_conditional import load
from runs import measured, train
from test_command_line import error_of

from gan_cli.data import DataSpec
from gan_cli.evaluation.class_frequencies import spread
from gan_cli.metrics import Comparison
from gan_cli.metrics.class_accuracy import ClassAccuracy, is_in_top
from gan_cli.metrics.fid import frechet_distance
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.intra_fid import IntraFrechetDistance
from gan_cli.metrics.mean_and_covariance import moments_of

EVALUATION = load("evaluation")
INTRA, TOPK = EVALUATION["intra_fid"], EVALUATION["topk"]


def side(rows: Any, labels: Any) -> InMemoryFeatures:
    return InMemoryFeatures(rows=np.array(rows), labels=np.array(labels, np.int32))


@pytest.mark.parametrize("key", ["", "labels_ignored"])
def test_the_distance_of_each_class_and_their_mean_are_the_published_ones(key: str) -> None:
    expected = INTRA[key] if key else INTRA
    fake_labels = expected.get("labels_fake", INTRA["labels_fake"])
    real, fake = side(INTRA["real"], INTRA["labels_real"]), side(INTRA["fake"], fake_labels)
    result = IntraFrechetDistance(groups=0)(Comparison(real, fake))
    per_class = np.array(expected["per_class"])
    assert result.values["intra_fid"].value == pytest.approx(per_class.mean(), rel=1e-6)
    assert result.values["intra_fid_worst"].value == pytest.approx(per_class.max(), rel=1e-6)
    assert f"class {per_class.argmax()}" in result.values["intra_fid_worst"].method
    for label, distance in enumerate(per_class):
        rows = [np.array(one)[np.array(labels) == label] for one, labels in (
            (INTRA["real"], INTRA["labels_real"]), (INTRA["fake"], fake_labels))]  # fmt: skip
        assert frechet_distance(*map(moments_of, rows)) == pytest.approx(distance, rel=1e-6)


def test_the_distance_of_all_classes_together_is_the_published_one() -> None:
    found = frechet_distance(moments_of(np.array(INTRA["real"])), moments_of(np.array(INTRA["fake"])))
    assert found == pytest.approx(INTRA["whole"], rel=1e-6)


def test_with_fewer_samples_than_dimensions_the_distance_is_the_published_one() -> None:
    few = EVALUATION["intra_fid"]["fewer_samples_than_dimensions"]
    rows = [np.array(INTRA[name])[: few["rows"]] for name in ("real", "fake")]
    assert frechet_distance(*map(moments_of, rows)) == pytest.approx(few["value"], rel=1e-3)


def test_top_k_accuracy_is_the_published_one() -> None:
    logits, labels = np.array(TOPK["logits"]), np.array(TOPK["labels"])
    for count in (1, 5):
        found = 100 * is_in_top(logits, labels, count).mean()
        assert found == pytest.approx(TOPK[f"top{count}_percent"], rel=1e-6)
    for label, percent in TOPK["per_class_top1"].items():
        own = labels == int(label)
        assert 100 * is_in_top(logits[own], labels[own], 1).mean() == pytest.approx(percent, rel=1e-6)


def test_class_accuracy_is_that_of_the_class_that_was_asked_for() -> None:
    logits, labels = np.array(TOPK["logits"]), np.array(TOPK["labels"], np.int32)
    classes = logits.shape[1]
    real = InMemoryFeatures(scores=logits, labels=np.append(labels[:-1], classes - 1).astype(np.int32))
    fake = InMemoryFeatures(scores=logits, labels=labels)
    values = ClassAccuracy()(Comparison(real, fake, held_out=fake)).values
    for name in ("class_accuracy", "class_accuracy_real"):
        assert 100 * values[name].value == pytest.approx(TOPK["top1_percent"], rel=1e-6)
    assert 100 * values["class_accuracy_top5"].value == pytest.approx(TOPK["top5_percent"], rel=1e-6)


def test_generated_examples_have_the_frequencies_of_the_data() -> None:
    labels = spread(np.array([10, 0, 30, 61]), 100)
    assert np.bincount(labels, minlength=4).tolist() == [10, 0, 30, 60]
    assert np.array_equal(labels, spread(np.array([10, 0, 30, 61]), 100))
    assert len(set(labels[:20])) > 1
    assert np.bincount(spread(np.ones(3), 11)).tolist() == [4, 4, 3]


CLASSIFIER = ("features=classifier", "features.steps=30", "features.width=4")


def test_a_conditional_run_is_evaluated_class_by_class(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["conditioning=projection", "dataset.classes=[0,1,2]", "metric=[intra_fid,class_accuracy]", *CLASSIFIER]
    run = train("run", 6, *PERCEPTRON, *words, "eval.samples=60", "eval.every=3", "eval.held_out=0.2")
    line = json.loads((run / "evaluations.jsonl").read_text().splitlines()[-1])
    for name in ("intra_fid", "intra_fid_worst", "class_accuracy", "class_accuracy_real", "discriminator_gap"):
        assert np.isfinite(line["values"][name]["value"]), name
    assert line["protocol"]["fake"]["labels"] == "class frequencies of the real examples"
    found = measured(capsys, f"run={run}", "metric=[intra_fid,cas]", "metric.cas.steps=20", "samples=120", *CLASSIFIER)
    assert {"intra_fid", "cas", "cas_real", "discriminator_accuracy_fake"} <= set(found["values"])
    assert found["protocol"]["real"]["classes"] == [0, 1, 2]
    assert "classes" not in found["protocol"]["fake"]


def test_metrics_of_classes_need_a_conditional_generator() -> None:
    message = error_of("metric=[class_accuracy]", *CLASSIFIER)
    assert "metric.class_accuracy" in message
    assert "no classes" in message


def test_a_classifier_of_other_classes_is_refused() -> None:
    from gan_cli.errors import ConfigError

    logits = np.zeros((4, 3))
    sides = [InMemoryFeatures(scores=logits, labels=np.array([0, 1, 1, 0], np.int32)) for _ in range(2)]
    with pytest.raises(ConfigError, match="knows 3 classes, and the data has 2"):
        ClassAccuracy()(Comparison(*sides))
    with pytest.raises(ConfigError, match="this data set has no classes"):
        ClassAccuracy().check(DataSpec((8, 8, 1), 10), 10, 10)
