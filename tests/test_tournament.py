"""Tournaments of real runs: who plays, what is told and written, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ANY_LOSS, PERCEPTRON, TINY, build_once
from PIL import Image

from gan_cli import load_generator
from gan_cli.commands.tournament import HELP, gan_eval_tournament
from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose
from gan_cli.data.digits import Digits
from gan_cli.errors import ConfigError
from gan_cli.evaluation.example_sets import StoredExamples
from gan_cli.runs.checkpoint import load_checkpoint, save_checkpoint
from gan_cli.tournament.discriminator_scores import loss_of
from gan_cli.tournament.players import find_runs, select_evenly
from gan_cli.tournament.tournament_config import TournamentJob
from gan_cli.tournament.tournament_runner import default_output
from gan_cli.trained_models.restore_model import restore_discriminator
from gan_cli.trained_models.score_examples import score_examples

# Who plays


def test_checkpoints_are_thinned_evenly_from_the_first_to_the_last() -> None:
    paths = [Path(str(step)) for step in range(11)]
    assert select_evenly(paths, 3) == [paths[0], paths[5], paths[10]]
    assert select_evenly(paths, 1) == [paths[10]]
    assert select_evenly(paths, 20) == paths


def test_settings_that_cannot_work_are_reported() -> None:
    for problem, more in {
        "runs=null: expected the run directories": {"runs": None},
        "names a run twice": {"runs": ["a", "./a"]},
        "steps=.*expected steps of checkpoints": {"steps": ["last"]},
        "output=.*ends in .png": {"output": "a.json"},
        "split=": {"split": "test"},
        "samples=": {"samples": 1},
    }.items():
        with pytest.raises(ConfigError, match=problem):
            TournamentJob(**{"runs": "a", **more})


# Real runs

SMALL = "samples=80"


@pytest.fixture(scope="session")
def both(shared_folder: Path) -> Path:
    """A folder with two runs on the digits, `first` and `critic`, which share nothing but the data."""
    of_any_loss = [word for word in (*TINY, *ANY_LOSS) if not word.startswith("optimizer=")]
    small = [*of_any_loss, "loss=non_saturating"]

    def train(folder: Path) -> None:
        assert gan_train([*small, "train.steps=15", f"hydra.run.dir={folder}/first"]) == 0
        assert gan_train([*of_any_loss, "loss=wgan", "seed=1", "train.steps=12", f"hydra.run.dir={folder}/critic"]) == 0

    return build_once(shared_folder / "tournament_runs", train)


@pytest.fixture
def runs(both: Path) -> Path:
    """A copy of both runs, to write to and to change."""
    shutil.copytree(both, "runs")
    return Path("runs")


def tournament(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a tournament says as JSON, which is all that it prints."""
    capsys.readouterr()
    assert gan_eval_tournament([SMALL, "json=true", *words]) == 0
    return json.loads(capsys.readouterr().out)


def judged(checkpoint: Path, examples: np.ndarray) -> np.ndarray:
    saved = load_checkpoint(checkpoint)
    model = restore_discriminator(saved, loss_of(saved, trust=False), trust=False)
    return score_examples(model, examples)


def change_config(run: Path, before: str, after: str) -> None:
    text = (run / "config.yaml").read_text()
    assert before in text
    (run / "config.yaml").write_text(text.replace(before, after))


def test_every_generator_meets_every_discriminator(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = tournament(capsys, "runs=[runs/first,runs/critic]", "max_checkpoints=2", "seed=40", "output=out/both.png")
    players = [("first", 5), ("first", 15), ("critic", 5), ("critic", 12)]
    assert [(one["run"], one["step"]) for one in told["generators"]] == players
    assert [(one["run"], one["step"]) for one in told["discriminators"]] == players
    rates = np.array(told["win_rates"])
    assert [one["win_rate"] for one in told["generators"]] == pytest.approx(rates.mean(axis=1))
    assert [one["win_rate"] for one in told["discriminators"]] == pytest.approx(1 - rates.mean(axis=0))
    assert np.mean([one["rating"] for one in told["generators"]]) == pytest.approx(1500)
    assert all(one["low"] < one["rating"] < one["high"] for one in told["generators"] + told["discriminators"])
    assert [one["real_accuracy"] is None for one in told["discriminators"]] == [False, False, True, True]
    assert json.loads(Path("out/both.json").read_text()) == told
    with Image.open("out/both.png") as picture:
        assert len(picture.getcolors(100_000)) > 50

    # Two of the matches again, by hand.
    real = StoredExamples(Digits().open(), {}, 80).read(0, 80)
    fake = load_generator(runs / "first", step=15).images(range(40, 120))
    for column, path in ((1, "first/checkpoints/step_00000015.npz"), (3, "critic/checkpoints/step_00000012.npz")):
        made, true = judged(runs / path, fake), judged(runs / path, real)
        assert rates[1, column] == pytest.approx((made[:, None] > true).mean(), abs=1e-12)
    accuracy = (judged(runs / "first/checkpoints/step_00000015.npz", real) > 0).mean()
    assert told["discriminators"][1]["real_accuracy"] == pytest.approx(accuracy)


def test_one_run_plays_alone_and_is_named_by_its_steps(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert gan_eval_tournament(["runs=runs/first", SMALL]) == 0
    lines = capsys.readouterr().out.splitlines()
    starts = [line.split("  ")[0] for line in lines if line.startswith("step")]
    assert starts == ["step 5", "step 10", "step 15"] * 2
    assert lines[-1] == "Picture: runs/first/tournament_samples_80_steps_5_10_15.png"
    with Image.open("runs/first/tournament_samples_80_steps_5_10_15.png") as picture:
        assert picture.format == "PNG"


def test_the_same_tournament_gives_the_same_numbers(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("runs=runs/first", "steps=[5,15]")
    first, again, other = tournament(capsys, *words), tournament(capsys, *words), tournament(capsys, *words, "seed=9")
    assert first == again
    assert first["win_rates"] != other["win_rates"]
    assert [one["step"] for one in first["generators"]] == [5, 15]
    raw = tournament(capsys, *words, "weights=raw")
    assert first["win_rates"] != raw["win_rates"]


def test_two_requests_have_two_pictures(runs: Path) -> None:
    def output(names: str = "runs/first", **more: Any) -> Path:
        job = TournamentJob(runs=names.split(","), **more)
        return default_output(job, find_runs(job)).absolute()

    shutil.copytree(runs / "critic", "elsewhere/critic")
    for name in ("a_b", "c", "a", "b_c"):
        shutil.copytree(runs / "critic", runs / name)
    outputs = [
        output(),
        output(steps=[5, 15]),
        output(max_checkpoints=2, seed=9),
        output(samples=50),
        output(split="train"),
        output(weights="raw"),
        output("runs/first,runs/critic"),
        output("runs/critic,runs/first"),
        output("runs/first,elsewhere/critic"),
        output("runs/first,runs/critic", seed=9),
        output("runs/a_b,runs/c"),
        output("runs/a,runs/b_c"),
    ]
    assert len(set(outputs)) == len(outputs)
    assert output(max_checkpoints=2) == output(steps=[5, 15])  # the same numbers
    assert output(json=True) == output()


def test_real_examples_are_those_that_no_run_saw(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("runs=[runs/first,runs/critic]", "max_checkpoints=1", "output=a.png")
    change_config(runs / "first", "held_out: 0.0", "held_out: 0.1")
    real = tournament(capsys, *words)["protocol"]["real"]  # of which `critic` saw some
    assert (real["split"], real["of"]) == ("train", 1797 - 179)
    with pytest.raises(ConfigError, match="split=held_out: there are no examples that all runs held out"):
        gan_eval_tournament([*words, "split=held_out"])
    change_config(runs / "critic", "held_out: 0.0", "held_out: 0.25")
    real = tournament(capsys, *words)["protocol"]["real"]
    assert (real["split"], real["of"]) == ("held_out", 179)  # which are part of the other run's 449
    real = tournament(capsys, *words, "split=train")["protocol"]["real"]
    assert (real["split"], real["of"]) == ("train", 1797 - 449)


def test_points_play_too(ring_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ring_run, "ring")
    told = tournament(capsys, "runs=ring")
    assert told["protocol"]["real"]["split"] == "held_out"
    assert np.array(told["win_rates"]).shape == (2, 2)


def test_runs_that_cannot_play_each_other_are_distinguished(runs: Path) -> None:
    words = ["runs=[runs/first,runs/critic]"]
    change_config(runs / "critic", "background: white", "background: black")
    with pytest.raises(ConfigError, match=r"dataset\.background is white in runs/first and black in runs/critic"):
        gan_eval_tournament(words)
    path = runs / "critic" / "checkpoints" / "step_00000012.npz"
    saved = load_checkpoint(path)
    save_checkpoint(path.parent, replace(saved, data=replace(saved.data, shape=(16, 16, 3))), keep=9)
    with pytest.raises(ConfigError, match="runs/first makes examples of 8x8x1, runs/critic of 16x16x3"):
        gan_eval_tournament(words)


def test_who_is_missing_is_reported(runs: Path) -> None:
    for words, problem in {
        "runs=runs/frist": "there is no such run directory. Did you mean first?",
        "runs=runs/first max_checkpoints=1": "one checkpoint alone, which has nobody to play",
        "runs=runs/first steps=[5,11]": "runs/first has the checkpoints 5, 10, 15",
        "max_checkpoints=3": "expected the run directories that play",
        "runs=runs/first mots=1": "mots",
    }.items():
        with pytest.raises(ConfigError, match=problem):
            gan_eval_tournament(words.split())
    for path in (runs / "critic" / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(ConfigError, match="runs/critic has no checkpoint yet"):
        gan_eval_tournament(["runs=runs/critic"])


def test_a_checkpoint_that_is_damaged_or_has_no_discriminator_is_named(runs: Path) -> None:
    folder = runs / "first" / "checkpoints"
    saved = load_checkpoint(folder / "step_00000015.npz")
    alone = {name: array for name, array in saved.arrays.items() if not name.startswith("discriminator/")}
    save_checkpoint(folder, replace(saved, arrays=alone), keep=9)
    with pytest.raises(ConfigError, match=r"step_00000015\.npz holds no discriminator"):
        gan_eval_tournament(["runs=runs/first", SMALL])
    content = (folder / "step_00000005.npz").read_bytes()
    (folder / "step_00000005.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match=r"step_00000005\.npz can't be read whole"):
        gan_eval_tournament(["runs=runs/first", SMALL])


@pytest.mark.parametrize("group", ["model", "loss"])
def test_a_run_that_names_foreign_code_is_refused(runs: Path, group: str) -> None:
    folder = runs / "first" / "checkpoints"
    saved = load_checkpoint(folder / "step_00000015.npz")
    saved.config[group]["_target_"] = "os.system"
    save_checkpoint(folder, saved, keep=9)
    with pytest.raises(ConfigError, match=rf"{group}._target_=os.system: names code outside gan_cli.*trust=true"):
        gan_eval_tournament(["runs=runs/first", SMALL])


def test_a_picture_that_cannot_be_written_is_reported_before_anything_is_played(runs: Path) -> None:
    Path("file").write_text("")
    with pytest.raises(ConfigError, match=r"output=file: can't be written"):
        gan_eval_tournament(["runs=runs/first", "output=file/a.png"])


def test_the_numbers_are_not_written_over_a_file_of_the_run(runs: Path) -> None:
    before = (runs / "first" / "status.json").read_text()
    with pytest.raises(ConfigError, match=r"status\.json, where the numbers go, is there already"):
        gan_eval_tournament(["runs=runs/first", "output=runs/first/status.png"])
    assert (runs / "first" / "status.json").read_text() == before


def test_every_example_of_the_help_can_be_typed() -> None:
    lines = [line.partition("#")[0].split() for line in HELP.splitlines() if line.startswith("  gan-eval tournament")]
    assert len(lines) == 5
    for _, _, *words in lines:
        compose("tournament", words)


def test_discriminators_of_packs_score_whole_packs_and_play_only_their_like(
    ring_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*TINY, *PERCEPTRON, "dataset=ring", "train.batch_size=15", "train.steps=6", "train.pack=3"]
    assert gan_train([*words, "hydra.run.dir=packs"]) == 0
    told = tournament(capsys, "runs=packs", "samples=300", "split=train")
    assert told["protocol"]["games"] == 100
    with pytest.raises(ConfigError, match=r"samples=2: expected at least 3"):
        gan_eval_tournament(["runs=packs", "samples=2"])
    with pytest.raises(ConfigError, match=r"train\.pack is 3 in packs and 1 in .*same train\.pack"):
        gan_eval_tournament(["runs=[packs," + str(ring_run) + "]", SMALL])
