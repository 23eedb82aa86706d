"""Codes that were found without labels, against classes: counted by hand, and by the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import PERCEPTRON, TINY
from test_command_line import error_of

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.train import gan_train
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison
from gan_cli.metrics.code_accuracy import CodeAccuracy, best_assignment, count_matches
from gan_cli.metrics.in_memory_features import InMemoryFeatures

CLASSIFIER = ("features=classifier", "features.steps=30", "features.width=4")


def examples(codes: list[int], classes: list[int], known: int = 3) -> InMemoryFeatures:
    """Examples with these codes whose logits are largest for these classes."""
    return InMemoryFeatures(scores=np.eye(known, dtype=np.float32)[classes], labels=np.array(codes, np.int32))


def test_matches_are_counted_by_code_and_class() -> None:
    counts = count_matches(np.array([0, 1, 1, 2, 1]), np.array([2, 0, 0, 1, 2]), 3, 4)
    assert counts.tolist() == [[0, 0, 1, 0], [2, 0, 1, 0], [0, 1, 0, 0]]


def test_the_assignment_is_one_to_one_and_the_best_of_all() -> None:
    # Each code by itself would take class 0; together 5 + 4 is more than 6 + 1.
    rows, columns = best_assignment(np.array([[6, 5], [4, 1]]))
    assert columns[np.argsort(rows)].tolist() == [1, 0]


def test_a_code_that_is_split_between_classes_is_not_found() -> None:
    fake = examples([0, 0, 0, 1, 1, 1, 2, 2, 2, 2], [1, 1, 1, 2, 2, 0, 0, 0, 1, 1])
    values = CodeAccuracy()(Comparison(fake, fake)).values
    assert values["code_accuracy"].value == pytest.approx(7 / 10)  # 3 of code 0, 2 of code 1, 2 of code 2
    assert values["codes_found"].value == 2
    assert "of 3" in values["codes_found"].method


def test_codes_of_a_run_are_matched_with_the_classes_of_its_data() -> None:
    assert gan_train([*TINY, *PERCEPTRON, "conditioning=infogan", "train.steps=4", "hydra.run.dir=run"]) == 0
    assert gan_eval(["run=run", "metric=[code_accuracy]", "samples=200", "real_samples=200", *CLASSIFIER]) == 0
    (line,) = (json.loads(line) for line in Path("run/evaluations.jsonl").read_text().splitlines())
    assert 0 <= line["values"]["code_accuracy"]["value"] <= 1
    assert line["values"]["codes_found"]["value"] <= 10


def test_a_generator_without_codes_and_data_without_classes_are_refused(
    perceptron_run: Path, labelled_run: Path
) -> None:
    for run in (perceptron_run, labelled_run):
        with pytest.raises(ConfigError, match=r"metric\.code_accuracy: .*conditioning=infogan"):
            gan_eval([f"run={run}", "metric=[code_accuracy]", "samples=200", *CLASSIFIER])
    assert "conditioning=infogan" in error_of("metric=[code_accuracy]", *CLASSIFIER)
    data = Path("../data")
    data.mkdir()
    np.save(data / "a.npy", np.zeros((80, 8, 8, 1), np.uint8))
    assert "no classes" in error_of(
        "dataset=npz", f"dataset.path={data}/a.npy", "metric=[code_accuracy]", "features=random"
    )
