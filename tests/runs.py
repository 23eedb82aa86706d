"""Runs in tests: how they are trained, measured and read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TINY, build_once

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.train import gan_train
from gan_cli.runs.checkpoint import list_checkpoints, load_checkpoint

CLOCK = ("seconds", "images_per_second")
"""What differs between two runs of the same configuration."""


def metric_lines(run: Path) -> list[dict[str, Any]]:
    """The metric log without its times."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in CLOCK} for line in lines]


def status(run: Path) -> dict[str, Any]:
    found = json.loads((run / "status.json").read_text())
    assert isinstance(found, dict)
    return found


def pictures(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run / "samples").glob("*.png"))}


def assert_same_run(first: Path, second: Path) -> None:
    """Weights, optimizer state, averages, metric lines and pictures are equal bit for bit."""
    newest = [load_checkpoint(list_checkpoints(run / "checkpoints")[0]) for run in (first, second)]
    assert newest[0].step == newest[1].step
    assert newest[0].arrays.keys() == newest[1].arrays.keys()
    for name, array in newest[0].arrays.items():
        np.testing.assert_array_equal(array, newest[1].arrays[name], err_msg=name)
    assert metric_lines(first) == metric_lines(second)
    assert len(metric_lines(first)) > 1
    assert pictures(first) == pictures(second)


def killed_copy(whole: Path) -> Path:
    """A copy of a finished run as a kill after its first checkpoint, at step 5, leaves it."""
    killed = Path(shutil.copytree(whole, f"{whole}_killed"))
    for path in list_checkpoints(killed / "checkpoints")[:-1]:
        path.unlink()
    return killed


def assert_resumes_exactly(whole: Path) -> None:
    """A run that was killed and resumed is the run that was not."""
    killed = killed_copy(whole)
    assert gan_train([f"resume={killed}"]) == 0
    assert_same_run(whole, killed)


SMALL_OF_ANY_LOSS = (
    "model=mlp",
    "model.width=16",
    "model.depth=1",
    "model.discriminator_dropout=0.3",
    "train.batch_size=16",
)
SMALL = (*SMALL_OF_ANY_LOSS, "loss=non_saturating")


def train(directory: str, steps: int, *words: str) -> Path:
    assert gan_train([*TINY, f"hydra.run.dir={directory}", f"train.steps={steps}", *words]) == 0
    return Path(directory)


def trained(directory: str, steps: int, *words: str) -> Path:
    """A copy of a run of `train` that no test has changed, trained once for all tests and processes that want one.

    It is compiled, also for a test without compiling.
    """
    asked = json.dumps([*TINY, steps, *words])
    runs = Path(os.environ["GAN_CLI_CACHE"]).parent / "runs"
    runs.mkdir(exist_ok=True)
    name = hashlib.sha256(asked.encode()).hexdigest()[:16]

    def build(folder: Path) -> None:
        import tensorflow as tf

        was_eager = tf.config.functions_run_eagerly()
        tf.config.run_functions_eagerly(False)
        train(str(folder), steps, *words)
        tf.config.run_functions_eagerly(was_eager)

    run = build_once(runs / name, build)
    return Path(shutil.copytree(run, directory))


def newest_arrays(run: Path) -> dict[str, np.ndarray]:
    return load_checkpoint(list_checkpoints(run / "checkpoints")[0]).arrays


def measured(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """What `gan-eval ... json=true` prints, which must be one JSON object and nothing else."""
    capsys.readouterr()
    assert gan_eval([*words, "json=true"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found
