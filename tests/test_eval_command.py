"""gan-eval as a user types it: runs, files, several runs; what it prints and what it writes down."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PERCEPTRON, TINY
from PIL import Image
from processes import command
from runs import measured

from gan_cli.commands.command_line import report_errors
from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.data.digits import Digits
from gan_cli.data.splits import split_held_out
from gan_cli.errors import ConfigError
from gan_cli.runs.checkpoint import load_checkpoint, save_checkpoint
from gan_cli.runs.run_directory import RunDirectory

PIXELS = ["metric=[fid]", "features=pixels"]

pytestmark = pytest.mark.usefixtures("own_cache")


def test_it_prints_a_table_and_appends_to_the_runs_evaluations(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_eval([f"run={run}", *PIXELS, "samples=100"]) == 0
    told = capsys.readouterr().out
    assert "fid" in told
    assert "count 100" in told
    (line,) = RunDirectory(run).evaluations.read()
    assert (line["by"], line["step"]) == ("gan-eval", 15)
    protocol = line["protocol"]
    assert protocol["features"] == {"name": "pixels", "resizer": "none"}
    assert protocol["fake"] == {
        "run": "RUN",
        "weights": "ema",
        "step": 15,
        "count": 100,
        "seed": 0,
        "truncation": 1.0,
    }
    assert (protocol["real"]["name"], protocol["real"]["count"]) == ("digits", 1797)
    assert len(protocol["real"]["sha256"]) == 64
    assert protocol["metrics"]["fid"]["groups"] == 5
    assert set(protocol["versions"]) == {"python", "gan-cli", "tensorflow", "keras", "numpy"}
    assert line["values"]["fid"]["uncertainty"] > 0


def test_standard_output_holds_one_json_object_and_nothing_else(run: Path) -> None:
    done = command("gan-eval", f"run={run}", *PIXELS, "samples=100", "json=true")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["step"] == 15
    assert found["values"]["fid"]["value"] > 0


def test_the_same_pixels_give_the_same_numbers_whichever_way_they_come(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["metric=[fid,prdc]", "features=pixels", "real_samples=200"]
    assert gan_sample([f"run={run}", "n=90", "format=npz", "output=fakes.npz"]) == 0
    assert gan_sample([f"run={run}", "n=90", "format=files", "output=fakes"]) == 0
    found = [
        measured(capsys, f"run={run}", "samples=90", *words),
        measured(capsys, "dataset=digits", "fake=fakes.npz", *words),
        measured(capsys, "dataset=digits", "fake=fakes", *words),
        measured(capsys, "checkpoint=RUN/generator.keras", "dataset=digits", "samples=90", *words),
    ]
    measured_by_metrics = [
        {name: told for name, told in each["values"].items() if told["metric"] != "discriminator"} for each in found
    ]
    assert len(measured_by_metrics[0]) == 5
    for other in measured_by_metrics[1:]:
        assert other == measured_by_metrics[0]


def test_images_from_any_tool_are_compared(capsys: pytest.CaptureFixture[str], working_folder: Path) -> None:
    generator = np.random.default_rng(0)
    np.save("real.npy", generator.integers(0, 255, (60, 12, 16, 3), np.uint8))
    (working_folder / "fake").mkdir()
    for index in range(50):
        pixels = generator.integers(0, 255, (24, 32, 3), np.uint8)
        Image.fromarray(pixels).save(working_folder / "fake" / f"{index}.png")
    found = measured(capsys, "real=real.npy", "fake=fake", "image_size=12x16", *PIXELS)
    assert found["run"] is None
    assert found["protocol"]["fake"]["count"] == 50
    assert any("too few for a covariance of 576 dimensions" in note for note in found["notes"])


def test_files_that_cannot_be_used_are_named_and_counted(
    working_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in ("real", "fake"):
        (working_folder / side).mkdir()
        for index in range(9):
            Image.new("L", (8, 8), 20 * index).save(working_folder / side / f"{index}.png")
    (working_folder / "fake" / "cut.png").write_bytes((working_folder / "fake" / "3.png").read_bytes()[:40])
    assert gan_eval(["real=real", "fake=fake", *PIXELS, "json=true"]) == 0
    told = capsys.readouterr()
    assert "skipped in fake: cut.png" in told.err
    assert json.loads(told.out)["protocol"]["fake"]["skipped"] == 1
    assert gan_eval(["human", "real=real", "fake=fake", "n=8"]) == 0
    assert "skipped in fake: cut.png" in capsys.readouterr().err


def test_a_generator_whose_weights_are_no_numbers_is_not_measured(run: Path) -> None:
    checkpoint = load_checkpoint(run / "checkpoints" / "step_00000015.npz")
    last = max(name for name in checkpoint.arrays if name.startswith("averaged/"))
    checkpoint.arrays[last][...] = np.nan
    save_checkpoint(run / "checkpoints", checkpoint, keep=1)
    with pytest.raises(ConfigError, match="weights of step 15 are not all finite"):
        gan_eval([f"run={run}", *PIXELS, "samples=100"])


def test_numbers_that_were_found_are_reported_where_pictures_cannot_be_written(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "evaluations").write_text("a file where a folder should be")
    words = [f"run={run}", "metric=[memorization]", "features=pixels", "samples=100", "json=true"]
    assert gan_eval(words) == 0
    told = capsys.readouterr()
    assert "pictures can't be written" in told.err
    assert "nearest_distance" in json.loads(told.out)["values"]


def test_runs_measured_alike_are_ranked_and_others_are_not(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_train([*TINY, *PERCEPTRON, "optimizer=adam", "train.steps=40", "hydra.run.dir=BETTER"]) == 0
    capsys.readouterr()
    assert gan_eval(["runs=[RUN,BETTER]", *PIXELS, "samples=100"]) == 0
    printed = capsys.readouterr()
    told = printed.out
    assert "Evaluating BETTER" in printed.err
    assert told.index("BETTER") < told.index("RUN")
    assert "Ranked by fid" in told
    measured(capsys, "run=BETTER", *PIXELS, "samples=60")  # the newest record of one is of another protocol now
    capsys.readouterr()
    assert gan_eval(["runs=[RUN,BETTER]", *PIXELS, "recorded=true"]) == 1
    told = capsys.readouterr().out
    assert "RUN and BETTER differ in fake.count: 100 and 60" in told
    assert "Ranked" not in told


@pytest.mark.parametrize("words", [["run=RUN"], ["runs=[RUN,OTHER]"]])
def test_data_is_read_once_a_command(run: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Training and held-out examples, diagnostics of the discriminator, and the data of several runs."""
    config = run / "config.yaml"
    written = config.read_text("utf-8")
    config.write_text(re.sub(r"held_out: 0(\.0)?\n", "held_out: 0.1\n", written), "utf-8")
    assert config.read_text("utf-8") != written
    shutil.copytree(run, "OTHER")
    opened, read = [], Digits.open

    def counted(source: Digits, progress: Any = None) -> Any:
        opened.append(source)
        return read(source, progress)

    monkeypatch.setattr(Digits, "open", counted)
    assert gan_eval([*words, "metric=[memorization]", "features=pixels", "samples=100"]) in (0, 1)
    assert len(opened) == 1


def test_a_baseline_is_what_held_out_images_have_in_place_of_generated_ones(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = run / "config.yaml"
    config.write_text(re.sub(r"held_out: 0(\.0)?\n", "held_out: 0.5\n", config.read_text("utf-8")), "utf-8")
    found = measured(capsys, f"run={run}", "metric=[fid,prdc]", "features=pixels", "samples=200", "baseline=true")
    training, held_out = split_held_out(Digits().open(), 0.5)
    for name, examples in (("training", training), ("held_out", held_out)):
        count = examples.spec.examples
        np.savez(f"{name}.npz", images=examples.read(np.arange(count)).values)
    files = ["real=training.npz", "fake=held_out.npz", "samples=200", "metric=[fid,prdc]", "features=pixels"]
    real = measured(capsys, *files)
    for name in ("fid", "precision"):
        assert found["baseline"][name]["value"] == pytest.approx(real["values"][name]["value"], rel=1e-9)
        assert found["baseline"][name]["value"] != found["values"][name]["value"]
    assert found["baseline"]["fid"]["count"] == 200
    assert gan_eval([f"run={run}", *PIXELS, "samples=200", "baseline=true"]) == 0
    told = capsys.readouterr().out
    assert "real images: 200 held-out examples in place of the generated ones" in told
    assert f"{found['baseline']['fid']['value']:#.5g}" in told


def test_lines_of_others_in_the_record_are_passed_over(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = run / "evaluations.jsonl"
    nonsense = ['{"by": "x", "step": 1, "values": {"fid": 3.0}}', "[1]", "{", '{"by": "x", "step": 1, "values": {}}']
    record.write_text("\n".join(nonsense))  # and no end of line
    measured(capsys, f"run={run}", *PIXELS, "samples=100")
    (line,) = RunDirectory(run).evaluations.read()
    assert line["by"] == "gan-eval"
    shutil.copytree(run, "COPY")
    with pytest.raises(ConfigError, match="no recorded evaluation"):
        gan_eval(["runs=[RUN,COPY]", "metric=[kid]", "recorded=true"])


def test_help_and_configuration_are_shown_without_tensorflow(run: Path) -> None:
    assert "gan-eval run=outputs/RUN" in command("gan-eval", "--help").stdout
    assert "samples: null" in command("gan-eval", "--cfg", "job", "run=RUN").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "run=null: expected one of run=RUN"),
        (["run=RUN", "fake=x.npz"], "fake=x.npz: expected one of run=RUN"),
        (["run=RUM"], "run=RUM: there is no such run directory. Did you mean RUN?"),
        (["run=RUN", "step=7"], "step=7: the run has no checkpoint of that step; it has 5, 10, 15"),
        (["run=RUN", "step=best"], "step=best: the run has no checkpoints/best.npz"),
        (["run=RUN", "step=first"], "step=first: expected the step of a checkpoint, or `best`"),
        (["run=RUN", "metric=[fidd]"], "metric=fidd: expected one of"),
        (["run=RUN", "metric=[]"], "metric=[]: expected one at least"),
        (["run=RUN", "features=inceptoin"], "features=inceptoin: expected one of"),
        (["run=RUN", "samples=1"], "samples=1: expected a whole number at least 2"),
        (["run=RUN", "sample=100"], "sample: no such key. Did you mean samples?"),
        (["run=RUN", "split=test"], "split=test: expected one of train, held_out"),
        (["run=RUN", "split=held_out", "metric=[fid]"], "split=held_out: there are no held-out examples"),
        (["run=RUN", "baseline=true", "metric=[fid]"], "baseline=true: there are no held-out examples"),
        (["run=RUN", "split=held_out", "baseline=true"], "baseline=true: does not go with split=held_out"),
        (["real=few.npz", "fake=few.npz", "baseline=true"], "baseline=true: does not go with real="),
        (["runs=[RUN,OTHER]", "baseline=true"], "baseline=true: does not go with runs="),
        (["runs=[RUN]"], "runs=[RUN]: expected two run directories or more"),
        (["runs=[RUN,COPY]", "recorded=true"], "runs=RUN: has no recorded evaluation with fid"),
        (["runs=[RUN,RUN/]"], "runs=[RUN,RUN/]: names a run twice"),
        (["runs=[RUN,RUM]"], "runs=RUM: there is no such run directory"),
        (["real=few.npz", "fake=few.npz", "split=held_out"], "split=held_out: does not go with real="),
        (["dataset=mnist", "fake=few.npz", "split=held_out", "metric=[memorization]"], "split=held_out: metric.memo"),
        (["dataset=digits", "fake=few.npz", "weights=raw"], "weights=raw: goes with a generator, not with fake="),
        (["dataset=digits", "fake=few.npz", "truncation=0.5"], "truncation=0.5: goes with a generator"),
        (["fake=nothing.npz"], "real: is needed beside fake="),
        (["real=nothing", "fake=nothing.npz"], "real=nothing: there is no such folder or file"),
        ([f"real={'x' * 300}", "fake=few.npz"], "real: File name too long: xxx"),
        (["dataset=digits", f"fake={'x' * 300}"], "fake: File name too long: xxx"),
        (["human", f"real={'x' * 300}", "fake=few.npz"], "real: File name too long: xxx"),
        (["tournament", f"runs={'x' * 300}"], "runs: File name too long: xxx"),
        (["dataset=digits", "fake=mixed"], "image_size=null: the images have 2 different sizes"),
        (["dataset=digits", "fake=broken"], "fake=broken: "),
        (["dataset=mnist", "run=RUN"], "real: the real examples are 28x28x1, the generated ones 8x8x1"),
        (["dataset=digits", "fake=few.npz", "metric=[prdc]"], "fake=few.npz: "),
        (
            ["real=ab", "fake=bc", "metric=[intra_fid]"],
            "fake=bc: its classes are other ones than the real ones",
        ),
        (["runs=[RUN,COPY]", "recorded=true", "step=best"], "step=best: RUN has no checkpoints/best.npz"),
        (["checkpoint=RUN/generator.keras"], "real: a generator by itself does not know"),
        (["checkpoint=cut.npz"], "checkpoint: "),
        (["-m", "run=RUN"], "gan-eval has no sweeps"),
        (["run=RUN", "metric=[inception_score]", "features=pixels"], "features: metric.inception_score needs"),
        (["run=RUN", "metric=[modes]"], "metric.modes"),
        (["run=RUN", "metric=[intra_fid]"], "metric.intra_fid: goes class by class, and the generated examples have"),
        (["run=RUN", "features=inception", "features.weights=no.pb"], "features.weights=no.pb: "),
    ],
)
def test_what_cannot_be_measured_is_reported_in_one_message(
    words: list[str], expected: str, run: Path, working_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, "COPY")
    (working_folder / "mixed").mkdir()
    (working_folder / "broken").mkdir()
    for side in (8, 9):
        Image.new("L", (side, side)).save(working_folder / "mixed" / f"{side}.png")
    (working_folder / "broken" / "one.png").write_bytes(b"\x89PNG no more")
    for name in ("ab/a", "ab/b", "bc/b", "bc/c"):
        (working_folder / name).mkdir(parents=True)
        for index in range(9):
            Image.new("L", (8, 8), 20 * index).save(working_folder / name / f"{index}.png")
    np.savez("few.npz", images=np.zeros((3, 8, 8, 1), np.uint8))
    Path("cut.npz").write_bytes((run / "checkpoints" / "step_00000015.npz").read_bytes()[:1000])
    before = sorted(path for path in working_folder.rglob("*"))
    with pytest.raises(SystemExit) as ended, report_errors("gan-eval"):
        gan_eval(words)
    assert ended.value.code == 2
    told = capsys.readouterr().err.removeprefix("gan-eval: ")
    assert told.startswith(expected)
    assert sorted(path for path in working_folder.rglob("*")) == before


def test_a_tilde_is_the_home_folder_in_every_path(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(Path.cwd()))
    words = ["human", "run=~/RUN", "n=2", "output=~/page.html"]
    assert gan_eval(words) == 0
    assert gan_sample(["run=~/RUN", "n=2"]) == 0
    measured(capsys, "run=~/RUN", *PIXELS, "samples=100", "output=~/pictures")
    assert Path("page.html").is_file()
    assert not Path("~").exists()
