"""However a run ends, its directory is whole and says so, and the run can be gone on with."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from conftest import PERCEPTRON, TINY, build_once
from processes import command, training
from runs import assert_same_run, metric_lines, status

from gan_cli.commands.train import gan_train
from gan_cli.runs.checkpoint import DamagedCheckpointError, list_checkpoints, load_checkpoint

SMALL = [*TINY, *PERCEPTRON]
ENDLESS = "train.steps=1000000"


def stop(number: int, code: int, *words: str) -> None:
    """Stops a command by a signal while it trains; what it leaves says so and is whole."""
    run = Path("run")
    with training(*words) as process:
        process.send_signal(number)
        said = process.output.read()
        assert process.wait() == code
    reached = status(run)["step"]
    assert status(run) == {"state": "interrupted", "step": reached, "error": None}
    assert "gan-train resume=run" in said
    assert load_checkpoint(list_checkpoints(run / "checkpoints")[0]).step == reached
    assert (run / "generator.keras").exists()
    (run / "generator.keras").unlink()


def kill(*words: str) -> None:
    """Kills a command while it trains; what it leaves has a whole checkpoint."""
    run = Path("run")
    with training(*words) as process:
        process.kill()
    assert status(run)["state"] == "running"
    json.loads((run / "environment.json").read_text())
    load_checkpoint(list_checkpoints(run / "checkpoints")[0])


def test_signals_and_kills_leave_a_run_that_resumes_as_if_it_had_not_stopped() -> None:
    run = Path("run")
    words = [word for word in SMALL if not word.startswith(("run.checkpoint_every", "run.sample_every"))]
    words.append("run.sample_every=200")  # a signal comes after some hundred steps
    stop(signal.SIGINT, 130, *words, "run.checkpoint_every=1", "hydra.run.dir=run", ENDLESS)
    stop(signal.SIGTERM, 143, "resume=run")
    kill("resume=run")
    kill("resume=run")  # begins with what a kill has left
    (run / "checkpoints" / ".step_99999999.npz.1.tmp").write_bytes(b"half a checkpoint")
    end = load_checkpoint(list_checkpoints(run / "checkpoints")[0]).step + 9
    assert gan_train(["resume=run", f"train.steps={end}"]) == 0
    assert not list((run / "checkpoints").glob(".*"))
    assert (run / "generator.keras").exists()
    assert gan_train([*words, "hydra.run.dir=whole", f"train.steps={end}"]) == 0
    assert_same_run(Path("whole"), run)


@pytest.fixture(scope="session")
def whole_run(shared_folder: Path) -> Path:
    """A run of 13 steps, with checkpoints of steps 5, 10 and 13."""
    words = [*SMALL, "train.steps=13"]
    return build_once(shared_folder / "whole_run", lambda folder: gan_train([*words, f"hydra.run.dir={folder}"]))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    damage: str, whole_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(whole_run, "run")
    newest = list_checkpoints(Path("run/checkpoints"))[0]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes({"cut": content[: len(content) // 2], "flipped": content, "empty": b""}[damage])
    with pytest.raises(DamagedCheckpointError):
        load_checkpoint(newest)
    (Path("run") / "status.json").write_text(json.dumps({"state": "running", "step": 13, "error": None}))
    capsys.readouterr()
    assert gan_train(["resume=run"]) == 0
    said = capsys.readouterr().out
    assert "Warning: run/checkpoints/step_00000013.npz can't be read whole" in said
    assert "Resuming from step 10:" in said
    assert_same_run(whole_run, Path("run"))


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_good_checkpoint(whole_run: Path) -> None:
    shutil.copytree(whole_run, "run")
    good = {path.name: path.read_bytes() for path in Path("run/checkpoints").iterdir()}
    done = command("gan-train", "resume=run", "train.steps=50", "optimizer.learning_rate=1e30")
    assert done.returncode == 1
    for part in ("became NaN or infinite", "step_00000013.npz", "optimizer.learning_rate", "Traceback"):
        assert (part in done.stderr) == (part != "Traceback")
    state = status(Path("run"))
    assert state["state"] == "failed"
    assert "NaN or infinite" in state["error"]
    assert good == {path.name: path.read_bytes() for path in Path("run/checkpoints").iterdir()}
    assert "NaN or infinite" in (Path("run") / "train.log").read_text()
    assert gan_train(["resume=run", "train.steps=16", "optimizer.learning_rate=0.01"]) == 0
    assert np.isfinite([line["generator_loss"] for line in metric_lines(Path("run"))]).all()


def test_two_processes_do_not_train_in_one_directory() -> None:
    with training(*SMALL, "hydra.run.dir=run", ENDLESS) as process:
        done = command("gan-train", "resume=run")
        assert done.returncode == 2
        assert "another process is training in this directory" in done.stderr
        process.kill()


def test_a_new_run_does_not_write_into_an_old_one(whole_run: Path) -> None:
    shutil.copytree(whole_run, "run")
    done = command("gan-train", *SMALL, "hydra.run.dir=run")
    assert done.returncode == 2
    assert "resume=run" in done.stderr


def test_runs_that_start_in_the_same_second_have_directories_of_their_own() -> None:
    from gan_cli.runs.run_directory import create_exclusive

    wanted = Path("outputs/20260101-000000_run")
    with create_exclusive(wanted) as first, create_exclusive(wanted) as second, create_exclusive(wanted) as third:
        names = [run.path.name for run in (first, second, third)]
    assert names == ["20260101-000000_run", "20260101-000000_run_2", "20260101-000000_run_3"]
