"""Evaluation during training does not disturb the run, and its results are kept when the run is resumed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import PERCEPTRON, TINY
from runs import assert_same_run, metric_lines, trained

from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.evaluation.best_tracker import BestTracker
from gan_cli.evaluation.recorded_evaluations import best_recorded
from gan_cli.runs.checkpoint import Checkpoint, load_checkpoint, read_checkpoint_step, save_checkpoint
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.training.resume_run import restore_best_before

MEASURED = [
    "metric=[fid]",
    "features=pixels",
    "eval.every=3",
    "eval.samples=80",
    "eval.held_out=0.1",
    *PERCEPTRON,
]


def train(name: str, *words: str) -> RunDirectory:
    assert gan_train([*TINY, *MEASURED, *words, f"hydra.run.dir={name}"]) == 0
    return RunDirectory(Path(name))


def run_of(name: str, steps: int) -> RunDirectory:
    """A run whose later evaluations are better, with a checkpoint at each; trained once for all tests."""
    better = ("run.checkpoint_every=3", "optimizer.learning_rate=2e-3")
    return RunDirectory(trained(name, steps, *MEASURED, *better))


def evaluations(run: RunDirectory) -> list[dict]:
    return [{key: value for key, value in line.items() if key != "time"} for line in run.evaluations.read()]


def test_it_does_not_disturb_training_and_both_logs_hold_numbers_and_protocol() -> None:
    measured = train("measured", "train.steps=8", "features=random", "metric=[fid,c2st]")
    unmeasured = train("unmeasured", "train.steps=8", "metric=[]")
    arrays = [load_checkpoint(run.checkpoints / "step_00000008.npz").arrays for run in (measured, unmeasured)]
    for name, array in arrays[0].items():
        np.testing.assert_array_equal(array, arrays[1][name], err_msg=name)
    assert [line["step"] for line in evaluations(measured)] == [3, 6, 8]
    assert not unmeasured.evaluations.path.exists()
    last = evaluations(measured)[-1]
    assert last["protocol"]["fake"] == {"weights": "ema", "step": 8, "count": 80, "seed": 0, "truncation": 1.0}
    assert last["protocol"]["real"]["count"] == 1618  # a tenth of 1,797 is kept aside
    assert last["values"]["fid"]["uncertainty"] > 0
    lines = {line["step"]: line for line in measured.metrics.read()}
    assert sorted(lines) == [3, 4, 6, 8]
    assert lines[8]["fid"] == last["values"]["fid"]["value"]
    assert lines[8]["protocol"] == last["protocol"]
    assert "generator_loss" in lines[8]
    assert "generator_loss" not in lines[3]
    for name in ("train", "held_out", "fake"):
        assert 0 <= lines[8][f"discriminator_accuracy_{name}"] <= 1


def test_a_run_that_is_made_longer_is_the_one_that_was_never_stopped() -> None:
    whole = run_of("whole", 9)
    parts = run_of("parts", 8)  # measures at its end too, where none is due
    assert [line["step"] for line in evaluations(parts)] == [3, 6, 8]
    assert gan_train(["resume=parts", "train.steps=9"]) == 0
    assert evaluations(parts) == evaluations(whole)
    assert_same_run(whole.path, parts.path)
    assert load_checkpoint(parts.best).step == load_checkpoint(whole.best).step


def test_numbers_of_another_protocol_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    train("run", "train.steps=8", "eval.every=2", "optimizer.learning_rate=1e-12")
    capsys.readouterr()
    words = ["resume=run", "train.steps=12", "eval.samples=300", "eval.patience=3"]
    assert gan_train(words) == 0  # would end at once if the evaluations of before counted
    told = capsys.readouterr().out
    assert "measured it in another way" in told
    assert json.loads(Path("run/status.json").read_text())["step"] == 12


def test_the_best_is_put_right_where_a_kill_left_it_wrong() -> None:
    run = run_of("run", 6)
    best = best_recorded(run)
    assert best is not None
    run.best.unlink()  # killed between the checkpoint and its second name
    assert gan_train(["resume=run", "train.steps=7", "eval.every=100"]) == 0
    assert load_checkpoint(run.best).step in (best[2], 7)

    later = run_of("later", 9)
    assert load_checkpoint(later.best).step == 9
    later.best.unlink()
    os.link(later.checkpoints / "step_00000009.npz", later.best)  # as the run left it
    for step in (6, 9):
        damaged = later.checkpoints / f"step_{step:08d}.npz"
        damaged.unlink()  # the best is the same file by another name
        damaged.write_bytes(b"damaged")
    assert gan_train(["resume=later", "train.steps=4", "metric=[]"]) == 0
    assert not later.best.exists()  # of a step that this run has not come to


def test_a_share_that_training_has_seen_is_not_kept_aside_later(capsys: pytest.CaptureFixture[str]) -> None:
    run_of("run", 6)
    with pytest.raises(ConfigError, match="has seen examples that would be kept aside"):
        gan_train(["resume=run", "train.steps=9", "eval.held_out=0.3"])


def test_an_evaluation_that_a_stop_broke_off_is_made_when_the_run_resumes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, stopped = run_of("whole", 9), run_of("stopped", 6)
    kept = [line for line in stopped.evaluations.read() if line["step"] < 6]  # as if the stop had come before it
    stopped.evaluations.path.write_text("".join(json.dumps(line) + "\n" for line in kept))
    assert gan_train(["resume=stopped", "train.steps=9"]) == 0
    assert evaluations(stopped) == evaluations(whole)
    assert_same_run(whole.path, stopped.path)
    assert metric_lines(whole.path) == metric_lines(stopped.path)


def test_the_best_checkpoint_is_kept_and_can_be_sampled() -> None:
    run = train("run", "train.steps=9", "run.keep_checkpoints=1", "eval.best_by=fid")
    found = {line["step"]: line["values"]["fid"]["value"] for line in evaluations(run)}
    best = load_checkpoint(run.best)
    assert found[best.step] == min(found.values())
    assert best_recorded(run) == ("fid", min(found.values()), best.step)
    assert gan_sample(["run=run", "step=best", "n=4", "format=npz", "output=best.npz"]) == 0
    assert gan_sample(["checkpoint=run/checkpoints/best.npz", "n=4", "format=npz", "output=same.npz"]) == 0
    np.testing.assert_array_equal(np.load("best.npz")["images"], np.load("same.npz")["images"])


def test_patience_ends_a_run_that_no_longer_gets_better(capsys: pytest.CaptureFixture[str]) -> None:
    # A rate of almost nothing: the averaged generator stays what it is, and no evaluation is a new best for long.
    words = ["train.steps=60", "eval.every=1", "eval.patience=2", "optimizer.learning_rate=1e-12"]
    run = train("run", *words)
    told = capsys.readouterr().out
    status = json.loads((run.path / "status.json").read_text())
    assert status["state"] == "finished"
    assert status["step"] < 60
    steps = [line["step"] for line in evaluations(run)]
    assert status["step"] == steps[-1] == load_checkpoint(run.best).step + 2
    assert "eval.patience=null" in told
    assert gan_train(["resume=run", "eval.patience=null", f"train.steps={status['step'] + 2}"]) == 0


@pytest.mark.parametrize(
    ("better", "values", "collapsed"),
    [
        ("lower", [10.0, 8.0, 12.0, 12.1, 9.0], [False, False, False, True, False]),  # 1.5 x 8 = 12
        ("higher", [0.6, 0.9, 0.6, 0.59], [False, False, False, True]),  # 0.9 / 1.5 = 0.6
        ("lower", [-0.1, 5.0], [False, False]),  # nothing is so many times worse than less than nothing
        ("lower", [None, 3.0, None], [False, False, True]),
    ],
)
def test_a_collapse_is_a_value_so_many_times_worse_than_the_best(
    better: str, values: list[float | None], collapsed: list[bool]
) -> None:
    watch = BestTracker("fid", better, collapse_ratio=1.5)
    seen = []
    for step, value in enumerate(values):
        watch.see(step, {"fid": {"value": value, "better": better, "metric": "fid"}})
        seen.append(watch.collapsed)
    assert seen == collapsed


def test_of_equal_values_the_other_numbers_of_the_metric_decide() -> None:
    watch = BestTracker("modes", "higher", collapse_ratio=1.5)
    measured = [(7.0, 0.9), (8.0, 0.1), (8.0, 0.8), (8.0, 0.8), (7.0, 1.0)]
    bests = [
        watch.see(
            step,
            {
                "modes": {"value": modes, "better": "higher", "metric": "modes"},
                "good_share": {"value": share, "better": "higher", "metric": "modes"},
                "fid": {"value": 1.0 / (step + 1), "better": "lower", "metric": "fid"},  # of another metric
            },
        )
        for step, (modes, share) in enumerate(measured)
    ]
    assert bests == [True, True, True, False, False]
    assert (watch.best, watch.best_step, watch.since_best) == (8.0, 2, 2)


def test_a_late_collapse_is_reported_and_can_end_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    # A high rate after good steps: plain gradient descent throws the generator away without a loss that is not finite.
    train("run", "optimizer=adam", "train.steps=30", "eval.every=5", "optimizer.learning_rate=2e-3")
    words = ["resume=run", "train.steps=90", "optimizer.learning_rate=0.05", "eval.stop_on_collapse=true"]
    assert gan_train([*words, "eval.collapse_ratio=1.01"]) == 0
    told = capsys.readouterr().out
    assert "Late collapse: fid is" in told
    assert "eval.stop_on_collapse=false" in told


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["metric=[]", "eval.patience=2"], "eval.patience"),
        (["eval.best_by=fidd"], "eval.best_by"),
        (["eval.samples=1"], "eval.samples"),
        (["eval.held_out=1"], "eval.held_out"),
        (["eval.every=0"], "eval.every"),
        (["eval.metric=[fidd]"], "metric"),
        (["metric=[modes]"], "metric.modes"),
        (["features=inception", "features.weights=nowhere.pb"], "features.weights"),
        (["metric=[inception_score]"], "features"),
    ],
)
def test_what_cannot_be_measured_is_reported_before_anything_is_made(
    words: list[str], key: str, capsys: pytest.CaptureFixture[str], working_folder: Path
) -> None:
    from gan_cli.commands.command_line import report_errors

    with pytest.raises(SystemExit) as ended, report_errors("gan-train"):
        gan_train([*TINY, *MEASURED, *words, "hydra.run.dir=run"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"gan-train: {key}")
    assert not list(working_folder.iterdir())


def test_pictures_that_cannot_be_written_do_not_end_training(capsys: pytest.CaptureFixture[str]) -> None:
    train("run", "train.steps=3", "metric=[memorization]", "eval.samples=100")
    pictures = RunDirectory(Path("run")).evaluation_pictures
    for path in pictures.iterdir():
        path.unlink()
    pictures.rmdir()
    pictures.write_text("a file where a folder should be")
    assert gan_train(["resume=run", "train.steps=6"]) == 0
    assert "pictures can't be written" in capsys.readouterr().out
    assert [line["step"] for line in evaluations(RunDirectory(Path("run")))] == [3, 6]


def test_an_extended_run_keeps_the_best_of_its_recorded_evaluations() -> None:
    words = [
        *(
            "model=mlp",
            "model.width=16",
            "model.depth=1",
            "dataset=ring",
            "train.batch_size=32",
            "run.sample_every=100",
        ),
        *("optimizer=adam", "optimizer.learning_rate=0.005"),
        *("metric=[fid]", "features=pixels", "eval.every=26", "eval.samples=200", "eval.real_samples=500"),
        *("run.keep_checkpoints=1", "run.checkpoint_every=13", "logger=[]"),
    ]
    assert gan_train([*words, "train.steps=32", "hydra.run.dir=run"]) == 0
    assert read_checkpoint_step(Path("run/checkpoints/best.npz")) == 32  # due only because the run ends there
    assert gan_train(["resume=run", "train.steps=52"]) == 0
    lines = [json.loads(line) for line in Path("run/evaluations.jsonl").read_text(encoding="utf-8").splitlines()]
    values = {line["step"]: line["values"]["fid"]["value"] for line in lines}
    assert list(values) == [26, 52]
    assert read_checkpoint_step(Path("run/checkpoints/best.npz")) == min(values, key=lambda step: values[step])


def test_an_extension_that_gets_worse_brings_back_the_best_before_the_end(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.checkpoints.mkdir()
    data = DataSpec((2,), 10)
    for step, path in ((26, run.best_before_end), (32, run.best)):
        saved = save_checkpoint(run.checkpoints, Checkpoint(step, 0.0, data, {}, {}), keep=1)
        saved.rename(path)
    restore_best_before(run, last_evaluation=31)
    assert read_checkpoint_step(run.best) == 26
    assert not run.best_before_end.exists()
