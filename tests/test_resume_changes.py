"""What may change when a run is resumed, which runs are found, and which are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import TINY
from runs import SMALL, newest_arrays, status, trained

from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_job
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.runs.run_directory import RunDirectory, read_config
from gan_cli.training.build_training import build_state, build_step

pytestmark = pytest.mark.usefixtures("eager")


def test_a_run_resumes_with_parts_that_it_began_without_and_without_parts_that_it_began_with() -> None:
    run = trained("run", 4, *SMALL)
    begun = newest_arrays(run)
    more = ["penalty=lecam", "augment=apa", "train.steps=6"]
    job = build_job(compose("train", [*TINY, *SMALL, *more]).config)
    state = build_state(job, DataSpec((8, 8, 1), 1797))
    build_step(job, state)
    state.restore(begun)
    first = {f"penalty/lecam/{name}": value for name, value in job.penalties["lecam"].initial_state.items()}
    first |= {f"augment/apa/{name}": value for name, value in job.augmentations["apa"].initial_state.items()}
    assert {name: float(variable) for name, variable in state.named_scalars()} == first
    assert all(np.array_equal(begun[name], array) for name, array in state.arrays().items() if name in begun)
    assert gan_train([f"resume={run}", *more]) == 0
    carried = {name for name in newest_arrays(run) if name.startswith("scalars/")}
    assert carried == {f"scalars/{name}" for name in first}
    assert gan_train([f"resume={run}", "penalty=[]", "augment=[]", "train.steps=8"]) == 0
    assert not any(name.startswith("scalars/") for name in newest_arrays(run))


def test_a_change_that_breaks_the_state_is_refused_and_others_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    run = trained("run", 4, *SMALL)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for words, part in [
        (["model.width=32"], "model.width=32: the run was begun with 16"),
        (["model=dcgan"], "model"),
        (["optimizer=sgd"], "optimizer"),
        (["train.precision=mixed_float16"], "train.precision"),
        (["train.pack=2"], "train.pack=2: the run was begun with 1"),
        (["dataset.image_size=16"], "(16, 16, 1)"),
        (["train.steps=3"], "has done 4 steps"),
        (["train.stepz=3"], "train.steps?"),
    ]:
        with pytest.raises(ConfigError) as caught:
            gan_train([f"resume={run}", *words])
        assert part in str(caught.value)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert gan_train([f"resume={run}", "train.steps=5", "optimizer.learning_rate=0.001", "penalty=r1"]) == 0
    said = capsys.readouterr().out
    for change in ("train.steps: 4 -> 5", "optimizer.learning_rate: 0.0002 -> 0.001", "penalty.r1"):
        assert f"Changed since the run began: {change}" in said
    rates = ("learning_rate", "generator_learning_rate", "discriminator_learning_rate")
    assert [read_config(RunDirectory(run))["optimizer"][name] for name in rates] == [0.001] * 3
    capsys.readouterr()
    assert gan_train([f"resume={run}", "train.steps=5"]) == 0
    assert "has finished its 5 steps" in capsys.readouterr().out


def test_a_run_that_was_started_before_some_keys_were_there_continues_as_their_classes_have_it() -> None:
    run = trained("run", 4, *SMALL, "penalty=gradient_penalty")
    config = yaml.safe_load((run / "config.yaml").read_text())
    for section, names in {"train": ("pack", "top_k", "top_k_steps")}.items():
        for name in names:
            del config[section][name]
    for name in ("sides", "over"):
        del config["penalty"]["gradient_penalty"][name]
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    heavier = ["penalty=gradient_penalty", "penalty.gradient_penalty.weight=5"]
    assert gan_train([f"resume={run}", "train.steps=6", *heavier]) == 0
    assert status(run) == {"state": "finished", "step": 6, "error": None}
    with pytest.raises(ConfigError, match=r"^train.pack=2"):
        gan_train([f"resume={run}", "train.steps=8", "train.pack=2"])


def test_resume_auto_resumes_the_newest_unfinished_run_of_the_same_configuration() -> None:
    words = [*TINY, *SMALL, "train.steps=6"]
    for name in ("20260101-000000_a", "20260101-000001_b", "20260101-000002_c"):
        trained(f"outputs/{name}", 6, *SMALL)
    for name in ("20260101-000000_a", "20260101-000001_b"):
        (Path("outputs") / name / "status.json").write_text('{"state": "interrupted", "step": 5, "error": null}')
        newest = Path("outputs") / name / "checkpoints" / "step_00000006.npz"
        newest.unlink()
    assert gan_train([*words, "resume=auto"]) == 0
    assert status(Path("outputs/20260101-000001_b"))["state"] == "finished"
    assert status(Path("outputs/20260101-000000_a"))["state"] == "interrupted"
    assert gan_train([*words, "resume=auto", "seed=5"]) == 0  # no such run: a new one
    assert len(list(Path("outputs").iterdir())) == 4


def test_a_run_that_was_moved_resumes(tmp_path: Path) -> None:
    run = trained("run", 5, *SMALL)
    moved = tmp_path / "elsewhere" / "my run"
    moved.parent.mkdir()
    run.rename(moved)
    assert gan_train([f"resume={moved}", "train.steps=8"]) == 0
    assert status(moved) == {"state": "finished", "step": 8, "error": None}


def test_a_run_of_foreign_code_is_not_resumed_unless_it_is_trusted() -> None:
    run = trained("run", 4, *SMALL)
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("gan_cli.losses.non_saturating.NonSaturatingLoss", "subprocess.Popen"))
    with pytest.raises(ConfigError, match=r"loss._target_=subprocess.Popen: .*trust=true"):
        gan_train([f"resume={run}", "train.steps=5"])


def test_a_run_whose_checkpoints_are_gone_is_not_silently_started_again() -> None:
    run = trained("run", 6, *SMALL)
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(ConfigError, match="6 steps were done"):
        gan_train([f"resume={run}", "train.steps=9"])


@pytest.mark.parametrize("text", [None, "{", '{"state": "running", "step": 0, "error": null}'])
def test_a_run_without_checkpoints_and_without_a_usable_status_keeps_its_files(text: str | None) -> None:
    trained("run", 4, *SMALL)
    shutil.rmtree("run/checkpoints")
    status_file = Path("run/status.json")
    status_file.unlink() if text is None else status_file.write_text(text)
    lines = Path("run/metrics.jsonl").read_text()
    assert lines
    for gone in ("", "run/generator.keras") if text in (None, "{") else ("",):
        Path(gone).unlink() if gone else None
        with pytest.raises(ConfigError, match=r"resume=run: .*(no checkpoints|checkpoints are gone)"):
            gan_train(["resume=run", "train.steps=8"])
        assert Path("run/metrics.jsonl").read_text() == lines


def test_without_any_readable_checkpoint_a_run_is_left_alone() -> None:
    run = trained("run", 6, *SMALL)
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="none of its checkpoints can be read"):
        gan_train([f"resume={run}", "train.steps=9"])
    assert status(run)["state"] == "finished"
