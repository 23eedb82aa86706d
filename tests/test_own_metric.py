"""A metric and an extractor of the user's own: one Python file and one YAML each, in gan-train and in gan-eval."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import PERCEPTRON, TINY
from runs import trained

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.train import gan_train
from gan_cli.runs.checkpoint import load_checkpoint
from gan_cli.runs.run_directory import RunDirectory

METRIC = '''
from dataclasses import dataclass
from typing import ClassVar

from gan_cli.metrics import FEATURES, Metric, MetricValue, Result


@dataclass(frozen=True)
class MeanDistance(Metric):
    """Distance of the means of the features."""

    scale: float = 1.0
    values: ClassVar[dict] = {"mean_distance": "lower"}
    needs: ClassVar[frozenset] = frozenset({FEATURES})

    def check(self, data, real, fake):
        pass

    def __call__(self, comparison):
        means = [side.features().mean(axis=0) for side in (comparison.real, comparison.fake)]
        return Result({"mean_distance": MetricValue(self.scale * float(abs(means[0] - means[1]).sum()))})
'''
EXTRACTOR = '''
from dataclasses import dataclass

from gan_cli.features import ExtractedFeatures, FeatureExtractor, FeatureExtractorConfig


@dataclass(frozen=True)
class Brightness(FeatureExtractorConfig, FeatureExtractor):
    """One feature: the mean of all pixels."""

    def check(self, data):
        pass

    def load(self, data, labelled, reporter):
        return self

    dimensions = 1
    classes = 0
    identity = {"name": "brightness"}

    def __call__(self, examples):
        return ExtractedFeatures(examples.reshape(len(examples), -1).mean(axis=1, keepdims=True).astype("float32"))
'''


@pytest.fixture
def own_folder(working_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    (working_folder / "my_metric.py").write_text(METRIC)
    (working_folder / "my_features.py").write_text(EXTRACTOR)
    for group, name, text in [
        ("metric", "mean_distance", "mean_distance:\n  _target_: my_metric.MeanDistance\n  scale: 1.0\n"),
        ("features", "brightness", "_target_: my_features.Brightness\n"),
    ]:
        (working_folder / "conf" / group).mkdir(parents=True)
        (working_folder / "conf" / group / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield working_folder
    for name in ("my_metric", "my_features"):
        sys.modules.pop(name, None)


def test_both_measure_while_training_and_afterwards(
    own_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--config-dir", "conf", "metric=[mean_distance,fid]", "features=brightness"]
    train = [*own, *TINY, *PERCEPTRON, "train.steps=6", "eval.every=3", "eval.samples=60", "hydra.run.dir=run"]
    assert gan_train([*train, "metric.mean_distance.scale=2"]) == 0
    assert "mean_distance" in capsys.readouterr().out
    assert gan_eval([*own, "run=run", "samples=60", "json=true"]) == 0
    afterwards = json.loads(capsys.readouterr().out)
    lines = [json.loads(line) for line in (own_folder / "run" / "evaluations.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 6]
    twice = 2 * afterwards["values"]["mean_distance"]["value"]
    assert lines[1]["values"]["mean_distance"]["value"] == pytest.approx(twice, rel=1e-12)
    assert afterwards["protocol"]["features"] == {"name": "brightness", "resizer": "none"}
    assert not (tmp_path / "cache" / "features").exists()  # whose code may be another one next time


BREAKING = """
import os, signal
from dataclasses import dataclass
from typing import ClassVar

from gan_cli.metrics import EXAMPLES, Metric, MetricValue, Result

calls = []


@dataclass(frozen=True)
class Breaking(Metric):
    how: str = "raise"
    values: ClassVar[dict] = {"breaking": "lower"}
    needs: ClassVar[frozenset] = frozenset({EXAMPLES})

    def check(self, data, real, fake):
        pass

    def __call__(self, comparison):
        calls.append(1)
        if len(calls) == 2 and self.how == "raise":
            raise MemoryError("too large")
        if len(calls) == {"stop": 2, "stop at the end": 3}.get(self.how):
            os.kill(os.getpid(), signal.SIGINT)
            comparison.reporter.progress("breaking", 0, 1)
        return Result({"breaking": MetricValue(float(comparison.fake.examples(0, 9).mean()))})
"""


@pytest.mark.parametrize("how", ["raise", "stop", "stop at the end"])
def test_an_evaluation_that_fails_or_is_stopped_costs_no_training(
    how: str, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_folder / "my_breaking.py").write_text(BREAKING)
    (own_folder / "conf" / "metric" / "breaking.yaml").write_text(
        f"breaking:\n  _target_: my_breaking.Breaking\n  how: '{how}'\n"
    )
    words = ["--config-dir", "conf", "metric=[breaking]", *TINY, *PERCEPTRON]
    words += ["eval.every=2", "eval.samples=20", "train.steps=6"]
    assert gan_train([*words, "hydra.run.dir=run"]) == (0 if how == "raise" else 130)
    told = capsys.readouterr().out
    if how == "raise":
        assert "evaluation at step 4 failed: MemoryError: too large" in told
        assert measured_steps("run") == [2, 6]
    else:
        stopped = 4 if how == "stop" else 6
        assert measured_steps("run") == list(range(2, stopped, 2))
        assert (own_folder / "run" / "checkpoints" / f"step_{stopped:08d}.npz").exists()
        assert gan_train(["--config-dir", "conf", "resume=run", "trust=true"]) == 0
        assert measured_steps("run") == [2, 4, 6]
    sys.modules.pop("my_breaking")
    trained("whole", 6, *PERCEPTRON)  # without any evaluation
    for run in ("run", "whole"):
        assert RunDirectory(Path(run)).sample(6).exists()
    arrays = [load_checkpoint(Path(run) / "checkpoints" / "step_00000006.npz").arrays for run in ("run", "whole")]
    for name, array in arrays[0].items():
        np.testing.assert_array_equal(array, arrays[1][name], err_msg=name)


def measured_steps(run: str) -> list[int]:
    return [line["step"] for line in RunDirectory(Path(run)).evaluations.read()]
