"""Schedules in a configuration: their form, the end of the run, resume, and R3GAN's recipe."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import yaml
from by_hand import do, make_step, weights
from runs import assert_same_run, metric_lines, newest_arrays

from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_job, build_section
from gan_cli.config.launch_plan import prepare
from gan_cli.config.resume_plan import plan_resume
from gan_cli.errors import ConfigError
from gan_cli.losses.hinge import HingeLoss
from gan_cli.penalties import Batch, Penalty
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class OwnPenalty(Penalty):
    """A penalty of a user, who knows nothing of schedules."""

    weight: float = 2.0
    limit: float = 1.0

    def __call__(self, batch: Batch) -> Any:
        return tf.reduce_mean(batch.discriminator(batch.real).logits)


def test_a_penalty_of_ones_own_takes_a_schedule_as_its_weight_and_nowhere_else() -> None:
    values = {"weight": {"start": 0.0, "end": 1.0, "steps": 2}}
    own = build_section("penalty.own", values, OwnPenalty)
    assert own == OwnPenalty(weight=Schedule(0.0, 1.0, "linear", 2))  # type: ignore[arg-type]
    first, second = (make_step(HingeLoss(), {"own": one}) for one in (own, OwnPenalty(weight=0.5)))
    for step in (first, second):
        do(step, 1)
    np.testing.assert_allclose(weights(first)[1], weights(second)[1], rtol=1e-6)
    with pytest.raises(ConfigError, match=r"penalty.own.limit=\{start:0,end:1\}: expected a number\."):
        build_section("penalty.own", {"limit": {"start": 0, "end": 1}}, OwnPenalty)


R1_WEIGHT = "penalty.r1.weight"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([R1_WEIGHT + "={start: 1, end: -1}"], "penalty.r1.weight.end=-1.0: expected a number at least 0."),
        (
            [R1_WEIGHT + "={start: 1, ende: 0}"],
            "penalty.r1.weight.ende: no such key. Did you mean penalty.r1.weight.end?",
        ),
        ([R1_WEIGHT + "={start: 1, end: x}"], "penalty.r1.weight.end=x: expected a number."),
        ([R1_WEIGHT + "={end: 1}"], "penalty.r1.weight.start: is missing."),
        ([R1_WEIGHT + "={start: 1}"], "penalty.r1.weight.end: is needed for shape=linear."),
        ([R1_WEIGHT + "={start: 1, end: 0, shape: linaer}"], "penalty.r1.weight.shape=linaer: expected one of"),
        ([R1_WEIGHT + "={start: 1, end: 0, steps: 1.5}"], "penalty.r1.weight.steps=1.5: expected a whole number."),
        (
            ["train.steps=2000", R1_WEIGHT + "={start: 1, end: 0, delay: 2000}"],
            "penalty.r1.weight.delay=2000: the schedule ends at step 2000",
        ),
        ([R1_WEIGHT + "=[1, 2]"], "penalty.r1.weight=[1,2]: expected a number or a schedule {start, end, shape,"),
        ([R1_WEIGHT + ".end=0"], "penalty.r1.weight.end: no such key. It has one value here. A schedule is typed"),
        (["penalty.r1.every={start: 1, end: 2}"], "penalty.r1.every={start:1,end:2}: expected a whole number."),
        (
            ["optimizer.beta_2={start: 0.9, end: 1.0}"],
            "optimizer.beta_2.end=1.0: expected a number at least 0 and below 1.",
        ),
        (["train.ema_half_life={start: -1, end: 0}"], "train.ema_half_life.start=-1.0: expected a number at least 0."),
        (["train.ema_half_life={start: 1, end: 0, _target_: os.system}"], "train.ema_half_life._target_=os.system: "),
        (["optimizer=sgd", "optimizer.beta_2={start: 0.9, end: 0.99}"], "optimizer.beta_2: no such key."),
    ],
)
def test_a_wrong_schedule_is_answered_with_its_key(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare("train", ["penalty=r1", *words], None)
    assert str(caught.value).startswith(message)


def test_a_schedule_without_steps_ends_with_the_run_also_where_that_is_extended() -> None:
    words = ["penalty=[r1,drift]", R1_WEIGHT + "={start: 1, end: 0}", "train.steps=20", "run.log_every=3"]
    words += ["penalty.drift.weight={start: 1, end: 0, steps: 5}"]
    composition = compose("train", words)
    job = build_job(composition.config)
    assert [one.weight.steps for one in job.penalties.values()] == [20, 5]  # type: ignore[union-attr]
    run = RunDirectory(Path("run"))
    run.path.mkdir()
    run.write_config(composition.config, words, composition.links)
    longer = plan_resume(run.path, ["train.steps=40"], None)
    assert [one.weight.steps for one in build_job(longer.config).penalties.values()] == [40, 5]  # type: ignore[union-attr]
    again = compose("config", [], "run")
    assert build_job(again.config, again.origin).penalties == job.penalties


def test_a_schedule_that_is_changed_on_resume_is_reported() -> None:
    words = ["penalty=r1", "train.steps=20"]
    composition = compose("train", words)
    run = RunDirectory(Path("run"))
    run.path.mkdir()
    run.write_config(composition.config, words, composition.links)
    (change,) = plan_resume(run.path, [R1_WEIGHT + "={start: 1, end: 0.1, shape: cosine}"], None).changes
    assert str(change) == "penalty.r1.weight: 0.5 -> {start:1,end:0.1,shape:cosine}"
    with pytest.raises(ConfigError, match=r"this run has no such key\. It has one value here"):
        plan_resume(run.path, [R1_WEIGHT + ".end=0.1"], None)


RECIPE = """\
# @package _global_
# R3GAN's schedules (arXiv:2501.05441) on networks of a test.
defaults:
  - override /loss: rpgan
  - override /augment: ada
  - override /model: mlp
model: {width: 16, depth: 1}
train:
  batch_size: 16
  steps: 4
  ema_half_life: {start: 0, end: 5000000, shape: linear}
  ema_ramp: 0
optimizer:
  learning_rate: 2.0e-4
  schedule: cosine
  final_fraction: 0.25
  beta_2: {start: 0.9, end: 0.99, shape: cosine}
penalty:
  r1: {weight: {start: 0.05, end: 0.005, shape: cosine}}
  r2: {weight: {start: 0.05, end: 0.005, shape: cosine, delay: 1}}
augment:
  ada: {geometry: false, color: false, probability: {start: 0, end: 0.55, shape: cosine, steps: 2}}
run: {log_every: 1, checkpoint_every: 2, sample_every: 4}
"""
COSINE = [0.5 * (1 + math.cos(math.pi * share)) for share in (0, 0.25, 0.5, 0.75)]
"""How much of a change over 4 steps is left at each."""


def test_r3gans_schedules_in_a_yaml_file_train_with_the_numbers_of_each_step_and_resume_exactly() -> None:
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/r3gan.yaml").write_text(RECIPE)
    words = ["--config-dir", "mine", "experiment=r3gan", "logger=[]", "hydra.run.dir=whole"]
    assert gan_train(words) == 0
    whole = Path("whole")
    lines = [line for line in metric_lines(whole) if "weight_r1" in line]
    expected = {
        "weight_r1": [0.005 + 0.045 * left for left in COSINE],
        "weight_r2": [0.05, *(0.005 + 0.045 * 0.5 * (1 + math.cos(math.pi * share)) for share in (0, 1 / 3, 2 / 3))],
        "beta_2": [0.99 - 0.09 * left for left in COSINE],
        "ema_half_life": [0.0, 1.25e6, 2.5e6, 3.75e6],
        "augment_ada": [0.0, 0.275, 0.55, 0.55],
    }
    for name, values in expected.items():
        np.testing.assert_allclose([line[name] for line in lines], values, rtol=1e-5, atol=1e-7, err_msg=name)
    arrays = newest_arrays(whole)
    for network in ("generator", "discriminator"):
        product = arrays[f"scalars/{network}_optimizer/beta_2_product"]
        assert float(product) == pytest.approx(math.prod(expected["beta_2"]), rel=1e-5)
        rate = 2e-4 * (0.25 + 0.75 * COSINE[3])
        assert float(arrays[f"{network}_optimizer/0001"]) == pytest.approx(rate, rel=1e-5)
    config = yaml.safe_load((whole / "config.yaml").read_text())
    assert config["optimizer"]["beta_2"] == {"start": 0.9, "end": 0.99, "shape": "cosine"}

    shutil.copytree(whole, "resumed")
    Path("resumed/checkpoints/step_00000004.npz").unlink()  # as if it had been killed after step 2
    assert gan_train(["resume=resumed"]) == 0
    assert_same_run(whole, Path("resumed"))
