"""Runs of MMD losses: with a discriminator that embeds, and with none at all; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ANY_LOSS, TINY
from runs import metric_lines

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.tournament import gan_eval_tournament
from gan_cli.commands.train import gan_train
from gan_cli.config.compatibility import check_parts
from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_job
from gan_cli.errors import ConfigError
from gan_cli.losses.mmd import MMDLoss
from gan_cli.losses.mmd_pixels import MMDPixelsLoss
from gan_cli.runs.checkpoint import list_checkpoints, load_checkpoint

SMALL = (*ANY_LOSS, "train.critic_steps=1")


def test_the_discriminator_of_a_run_is_measured_while_it_trains_and_afterwards(capsys, eager) -> None:
    words = [*TINY, *SMALL, "loss=mmd", "train.steps=4", "hydra.run.dir=run", "metric=[fid]"]
    measured = ["eval.every=2", "eval.samples=40", "eval.real_samples=40", "features=random"]
    assert gan_train([*words, *measured]) == 0
    values = json.loads(Path("run/evaluations.jsonl").read_text().splitlines()[0])["values"]
    assert {"fid", "discriminator_accuracy_train", "discriminator_distance"} <= values.keys()
    capsys.readouterr()
    assert gan_eval(["run=run", "metric=[fid]", "features=pixels", "samples=40", "json=true"]) == 0
    values = json.loads(capsys.readouterr().out)["values"]
    assert np.isfinite(values["discriminator_distance"]["value"])
    assert gan_eval_tournament(["runs=run", "samples=20"]) == 0


def test_without_a_discriminator_the_generator_alone_learns_also_in_float16(capsys) -> None:
    words = [*TINY, *SMALL, "loss=mmd_pixels", "train.steps=40", "optimizer=adam", "optimizer.learning_rate=0.01"]
    assert gan_train([*words, "train.precision=mixed_float16", "run.log_every=10", "hydra.run.dir=run"]) == 0
    lines = metric_lines(Path("run"))
    assert lines[-1]["generator_loss"] < 0.5 * lines[0]["generator_loss"]
    assert lines[-1]["discriminator_gradient_norm"] == 0
    saved = load_checkpoint(list_checkpoints(Path("run/checkpoints"))[0])
    assert not [name for name in saved.arrays if name.startswith("discriminator/")]
    capsys.readouterr()
    assert gan_eval(["run=run", "metric=[fid]", "features=pixels", "samples=40", "json=true"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["values"]) == ["fid"]
    assert any("no discriminator" in note for note in found["notes"])
    with pytest.raises(ConfigError, match=r"^runs: run has no discriminator for other generators"):
        gan_eval_tournament(["runs=run", "samples=20"])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"kernel": "gausian"}, r"^kernel=gausian: expected one of .*gaussian"),
        ({"sigma": 0}, r"^sigma=0"),
        ({"sigma": "mean"}, r"^sigma=mean: expected a number"),
        ({"sigma": []}, r"^sigma=\[\]"),
        ({"sigma": [1.0, True]}, r"^sigma=\[1.0,true\]"),
        ({"alphas": []}, r"^alphas=\[\]"),
        ({"alphas": [1.0, -1.0]}, r"^alphas=-1.0: expected a number above 0"),
        ({"linear": -0.5}, r"^linear=-0.5"),
        ({"embedding_size": 0}, r"^embedding_size=0"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        MMDLoss(**settings)
    if "embedding_size" not in settings:
        with pytest.raises(ConfigError, match=problem):
            MMDPixelsLoss(**settings)


@pytest.mark.parametrize("loss", ["mmd", "mmd_pixels"])
def test_a_batch_without_pairs_is_refused(loss: str) -> None:
    for words in (["train.batch_size=1"], ["train.batch_size=4", "train.pack=4"]):
        job = build_job(compose("train", [f"loss={loss}", *words]).config)
        with pytest.raises(ConfigError, match=r"^train.batch_size=.*with others of their batch"):
            check_parts(job)
