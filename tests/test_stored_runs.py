"""Runs that release 0.1 wrote still resume, still give images and can still be evaluated.

`tests/data/runs_of_0_1` holds two of them: points, and digits with spectral normalisation,
whose configurations use key names of that time.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from runs import status

from gan_cli import load_generator
from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.evaluation.protocol import protocol_differences
from gan_cli.runs.checkpoint import list_checkpoints, load_checkpoint
from gan_cli.runs.evaluations_log import EvaluationsLog
from gan_cli.runs.run_directory import RunDirectory, read_config

RUNS = Path(__file__).parent / "data" / "runs_of_0_1"
STEPS = {"ring_mlp": 40, "digits_dcgan": 12}


@pytest.fixture(params=sorted(STEPS))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(RUNS / request.param, tmp_path / request.param))


def test_a_stored_run_resumes_and_writes_the_key_names_of_today(run: Path, eager: None) -> None:
    steps = STEPS[run.name]
    assert gan_train([f"resume={run}", f"train.steps={steps + 4}"]) == 0
    assert status(run)["step"] == steps + 4
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert "ema_half_life" in config["train"] and "averaging_half_life" not in config["train"]


def test_renamed_keys_keep_their_stored_values(run: Path) -> None:
    stored = yaml.safe_load((run / "config.yaml").read_text())
    config = read_config(RunDirectory(run))
    assert config["train"]["ema_half_life"] == stored["train"]["averaging_half_life"]
    checkpoint = load_checkpoint(list_checkpoints(run / "checkpoints")[0])
    assert checkpoint.config["train"]["ema_half_life"] == stored["train"]["averaging_half_life"]
    if run.name == "digits_dcgan":
        old = stored["penalty"]["latent_consistency"]["neighbour_distance"]
        assert config["penalty"]["latent_consistency"]["perturbation_std"] == old


def test_a_stored_run_and_its_keras_file_give_the_same_images(run: Path, tmp_path: Path) -> None:
    assert gan_sample([f"run={run}", "n=4", f"output={tmp_path / 'grid.png'}"]) == 0
    assert (tmp_path / "grid.png").stat().st_size > 0
    from_run, from_file = load_generator(run), load_generator(run / "generator.keras")
    np.testing.assert_array_equal(from_run.images(range(4)), from_file.images(range(4)))


def test_a_stored_run_can_be_evaluated(tmp_path: Path) -> None:
    run = shutil.copytree(RUNS / "ring_mlp", tmp_path / "ring_mlp")
    assert gan_eval([f"run={run}", "metric=[modes]", "features=pixels", "samples=64"]) == 0
    assert len((run / "evaluations.jsonl").read_text().splitlines()) > 1


def test_a_stored_evaluation_of_0_1_is_comparable_with_one_of_today(tmp_path: Path) -> None:
    side = {"name": "digits", "shape": [8, 8, 1], "count": 64}
    old = {
        "values": {"kid": {"value": 1.0, "metric": "kid", "better": "lower", "by": "deviation over 3 subsets"}},
        "protocol": {
            "features": None,
            "real": {**side, "left_out": 2},
            "fake": {"weights": "averaged", "count": 64},
            "metrics": {"kid": {"class": "KernelDistance", "needs": ["features"], "most": 400}},
        },
    }
    path = tmp_path / "evaluations.jsonl"
    path.write_text(json.dumps({"by": "training", "step": 5, "time": "", **old}) + "\n")
    (line,) = EvaluationsLog(path).read()
    today = {
        "features": None,
        "real": {**side, "skipped": 2},
        "fake": {"weights": "ema", "count": 64},
        "metrics": {"kid": {"class": "KernelDistance", "needs": ["features"], "max_samples": 400}},
    }
    assert line["protocol"] == today
    assert protocol_differences(line["protocol"], today, "kid") == []
    assert line["values"]["kid"]["method"] == "deviation over 3 subsets"
    assert line["by"] == "training"


def test_a_typed_key_of_old_is_answered_with_its_new_name(capsys: pytest.CaptureFixture[str]) -> None:
    from gan_cli.errors import ConfigError

    with pytest.raises(ConfigError, match=r"train.averaging_half_life.*was renamed.*train.ema_half_life"):
        gan_train(["train.averaging_half_life=100", "dry_run=true"])
    with pytest.raises(ConfigError, match=r"metric.prdc.most.*was renamed.*metric.prdc.max_samples"):
        gan_eval(["metric=[prdc]", "metric.prdc.most=100", "fake=x", "real=y"])
    with pytest.raises(ConfigError, match=r"most.*was renamed.*max_checkpoints"):
        gan_eval(["tournament", "runs=x", "most=2"])
