"""What the commands answer before anything is trained: help, and errors that cost nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from processes import command

from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.errors import ConfigError


def error_of(*words: str) -> str:
    """The message with which gan-train refuses these words, having made nothing."""
    with pytest.raises(ConfigError) as caught:
        gan_train(list(words))
    assert list(Path.cwd().iterdir()) == []
    return str(caught.value)


def test_a_mistake_is_one_line_on_standard_error_with_exit_code_2() -> None:
    done = command("gan-train", "los=wgan")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "gan-train: los: no such key. Did you mean loss?\n"


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job"], ["loss=wgn"], ["train.steps=x"], ["dataset=folder"]])
def test_answers_do_not_import_tensorflow(words: list[str]) -> None:
    program = f"""
import sys
from gan_cli.commands.train import gan_train
sys.argv = ["gan-train", *{words!r}]
try:
    gan_train({words!r})
except (SystemExit, ValueError):
    pass
assert "gan_cli.commands.train" in sys.modules
assert not {{"tensorflow", "keras", "sklearn", "tensorflow_datasets", "matplotlib"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["losss=wgan"], ["losss", "loss?"]),
        (["loss=wgn"], ["loss=wgn", "rpgan", "wgan?"]),
        (["penalty=[r1,r3]"], ["penalty=r3", "weight_clip"]),
        (["trian.steps=5"], ["trian.steps", "train.steps?"]),
        (["train.step=5"], ["train.step", "train.steps?"]),
        (["steps=5"], ["steps", "train.steps?"]),
        (["+train.stesp=5"], ["train.stesp", "steps?"]),
        (["++optimizer.learning_rat=1"], ["optimizer.learning_rat", "learning_rate?"]),
        (["+loss=wgan"], ["loss", "Leave out the +"]),
        (["train.steps=many"], ["train.steps=many", "a whole number"]),
        (["train.steps=1.5"], ["train.steps=1.5", "a whole number"]),
        (["train.steps=true"], ["train.steps=true", "a whole number"]),
        (["train.steps=0"], ["train.steps=0", "at least 1"]),
        (["train.steps=99999999999"], ["train.steps=99999999999", "at most"]),
        (["train.steps=" + "9" * 400], ["train.steps=999", "at most"]),
        (["train.steps=" + "9" * 5000], ["train.steps=999", "a whole number"]),
        (["train.steps_per_call=" + "9" * 400], ["train.steps_per_call=999", "whole number"]),
        (["optimizer.learning_rate=" + "9" * 400], ["optimizer.learning_rate=999", "a number"]),
        (
            ["model=mlp", "dataset=ring", "dataset.examples=1" + "0" * 30],
            ["dataset.examples=1000", "at most 100000000"],
        ),
        (["model=mlp", "dataset=grid", "dataset.side=1" + "0" * 30], ["dataset.side=1000", "at most 1000"]),
        (["dataset.image_size=2000000000"], ["dataset.image_size=2000000000", "up to 16384"]),
        (["resume=~nosuch/x"], ["resume=~nosuch/x", "home folder of a user that is not known"]),
        (["dataset=folder", "dataset.path=~nosuch/x"], ["dataset.path=~nosuch/x", "home folder"]),
        (["dataset=mnist", "dataset.data_dir=~nosuch/x"], ["dataset.data_dir=~nosuch/x", "home folder"]),
        (["train.batch_size=7", "train.pack=4"], ["train.batch_size=7", "The nearest is 8."]),
        (["seed=0", "dataset=folder", "dataset.path=" + "a0" * 200], ["dataset.path: File name too long"]),
        (["train.xla=perhaps"], ["train.xla=perhaps", "true or false"]),
        (["train.precision=float16"], ["train.precision=float16", "mixed_float16?"]),
        (["train.update=alternate"], ["train.update", "alternating?"]),
        (["train.steps_per_call=0"], ["train.steps_per_call=0", "auto"]),
        (["optimizer.learning_rate=-1"], ["learning_rate=-1"]),
        (["penalty=r1", "penalty.r1.weight=heavy"], ["penalty.r1.weight=heavy", "a number"]),
        (["seed=-1"], ["seed=-1", "at least 0"]),
        (["seed=one"], ["seed=one", "whole number"]),
        (["sample.grid=8"], ["sample.grid=8", "4x6"]),
        (["dataset=folder"], ["dataset.path", "needed"]),
        (["dataset=folder", "dataset.path=nowhere"], ["dataset.path=nowhere"]),
        (["dataset=npz", "dataset.path=nowhere.npz"], ["dataset.path=nowhere.npz"]),
        (["model=dcgan", "dataset.image_size=17"], ["dataset.image_size", "16", "18"]),
        (["dataset=ring"], ["model=mlp"]),
        (["train.batch_size=2000"], ["train.batch_size=2000", "1797"]),
        (["resume=nowhere"], ["resume=nowhere", "no such run directory"]),
        (["loss=wgan,hinge"], ["loss=wgan,hinge", "-m"]),
        (["loss"], ["loss", "key=value"]),
        (["--steps", "5"], ["--steps", "key=value"]),
        (["--experimental-rerun", "x.pickle"], ["pickle"]),
        (["--config-dir", "nowhere"], ["--config-dir=nowhere"]),
        (["-m", "loss=wgan,hing"], ["loss=hing", "hinge?"]),
        (["-m", "seed=0,x"], ["seed=x", "No job was started"]),
        (["~loss"], ["loss", "missing"]),
        (["~penalty"], ["penalty=[]"]),
        (["~seed"], ["seed", "seed=VALUE"]),
        (["~train.steps"], ["train.steps=VALUE"]),
        (["loss=null"], ["loss=null", "wgan"]),
        (["penalty=null"], ["penalty=[]"]),
        (["loss=[wgan,hinge]"], ["loss=[wgan,hinge]", "one choice"]),
        (["loss@foo=wgan"], ["loss@foo", "loss=..."]),
        (["=3"], ["key=value"]),
        (["train=null"], ["train"]),
        (["--config-name", "nope"], ["--config-name=nope"]),
        (["-m", "--cfg", "job"], ["-m does not go with --cfg"]),
        (["-m", "seed=0,1", "dry_run=true"], ["dry_run", "-m"]),
        (["-m", "seed=0,1", "resume=x"], ["resume", "-m"]),
        (["-m", "dataset=ring,grid"], ["model=mlp"]),
        (["dataset=tfds", "dataset.name="], ["dataset.name", "required"]),
        (["train.ema_ramp=2"], ["train.ema_ramp=2", "at most 1"]),
        (["experiment=null"], ["experiment=null", "leave it out"]),
        (["experiment=null", "train.steps=x"], ["experiment=null"]),
        (["-m", "experiment=null,ring"], ["experiment=null"]),
        (["hydra.run.dir=" + "x" * 300], ["hydra.run.dir", "too long"]),
        (["resume=" + "x" * 300], ["resume", "too long"]),
        (["dataset=folder", "dataset.path=" + "x" * 300], ["dataset.path", "too long"]),
        (["--package=a"], ["--package", "--cfg job"]),
        (["--resolve"], ["--resolve", "--cfg job"]),
        (["--cfg", "job", "--package=a"], ["--package=a", "no such part"]),
        (["--cfg", "hydra", "--package=a"], ["--package=a", "no such part", "hydra"]),
        (["--cfg", "hydra", "--package=train"], ["--package=train", "no such part"]),
        (["--cfg", "all", "--package=hydra.rum"], ["--package=hydra.rum", "no such part"]),
        (["--cfg", "all", "--package=train.steps"], ["--package=train.steps", "no such part"]),
        (["-m", "seed=0,1", "hydra.sweep.dir=" + "x" * 300], ["hydra.sweep.dir", "too long"]),
        (["-m", "seed=0,1", "hydra.sweep.dir=/dev/null/x"], ["hydra.sweep.dir=/dev/null/x", "is a file"]),
        (["dataset=MNIST"], ["dataset=MNIST", "mnist?"]),
        (["-m", "seed=range(0,0)"], ["seed=range(0,0)", "no value"]),
        (["-m", "loss=glob(zzz*)"], ["loss", "no value"]),
        (["-m", "seed=0,1", "hydra.run.dir=x"], ["hydra.run.dir", "hydra.sweep.dir=x"]),
        (["hydra.sweep.dir=x"], ["hydra.sweep.dir", "hydra.run.dir=x"]),
        (["-m", "hydra/sweeper=optuna", "seed=0,1"], ["hydra/sweeper=optuna", "basic", "pip install"]),
        (["hydra/launcher=nope"], ["hydra/launcher=nope", "process_each"]),
        (["dataset=folder", "dataset.path=a,b"], ["dataset.path", "'dataset.path=\"a,b\"'", "-m"]),
        (["+loss=wgan"], ["loss", "Leave out the +"]),
        (["train.steps=range(0,0)"], ["train.steps"]),
        (["hydra/sweeper=null"], ["hydra/sweeper=null", "basic"]),
        (["train=0x10", "train.pack=2"], ["train", "as a whole", "train.pack"]),
        (["run=${nope}", "run.log_every=5"], ["run", "as a whole", "run.log_every"]),
    ],
)
def test_what_is_wrong_names_the_key_and_what_to_do(words: list[str], parts: list[str]) -> None:
    message = error_of(*words)
    assert all(part in message for part in parts), message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["run=RUN_DIRECTORY", "checkpoint=FILE"]),
        (["run=a", "checkpoint=b"], ["one of"]),
        (["run=nowhere"], ["run=nowhere"]),
        (["checkpoint=nowhere.npz"], ["checkpoint=nowhere.npz"]),
        (["run=nowhere", "formt=npz"], ["formt", "format?"]),
        (["run=nowhere", "seeds=5-1"], ["seeds=5-1", "0-15"]),
        (["run=nowhere", "format=gif"], ["interpolate"]),
        (["run=nowhere", "truncation=2"], ["truncation=2", "at most 1"]),
        (["run=nowhere", "grid=2x2", "n=5"], ["grid=2x2", "5 images"]),
        (["run=nowhere", "n=5", "seeds=0-3"], ["n=5", "4 images"]),
        (["run=nowhere", "n=999999999999"], ["n=999999999999", "at most"]),
        (["run=nowhere", "seeds=0-99999999"], ["seeds=0-99999999", "1,000,000"]),
        (["run=nowhere", "seeds=[]"], ["seeds=[]", "at least one"]),
        (["run=nowhere", "seeds=0,1"], ["seeds=0,1", "write seeds=[0,1]"]),
        (["run=nowhere", "loss=wgan"], ["loss", "no group of this configuration"]),
        (["--config-name=mine", "run=nowhere"], ["--config-name=mine", "not used by gan-sample"]),
        (["--cfg", "job", "sed=3"], ["sed: no such key", "seed?"]),
        (["run=" + "x" * 300], ["run", "too long"]),
    ],
)
def test_gan_sample_says_what_is_wrong_before_it_loads_anything(words: list[str], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        gan_sample(words)
    assert all(part in str(caught.value) for part in parts), caught.value
    assert "-m" not in str(caught.value)


@pytest.mark.parametrize("name", ["gan-train", "gan-sample"])
def test_help_is_for_newcomers(name: str) -> None:
    done = command(name, "--help")
    assert done.returncode == 0
    assert done.stdout.count(f"  {name} ") >= 5
    for word in ["digits", "wgan_gp", "penalty", "TAB"] if name == "gan-train" else ["seeds", "slerp"]:
        assert word in done.stdout


@pytest.mark.parametrize("name", ["gan-train", "gan-sample"])
def test_version_is_ours(name: str) -> None:
    assert command(name, "--version").stdout.startswith(f"{name} 0.")


def test_the_dry_run_prints_sizes_and_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert gan_train(["dry_run=true", "model.width=8"]) == 0
    said = capfd.readouterr().out
    for word in ("1,797 images of 8x8x1", "parameters", "4,000 steps", "GiB"):
        assert word in said
    assert list(Path.cwd().iterdir()) == []


def test_the_resolved_configuration_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["gan-train", "--cfg", "job", "--resolve", "loss=wgan"])
    gan_train(sys.argv[1:])
    said = capsys.readouterr().out
    assert "critic_steps: 5" in said
    assert "limit: 0.01" in said


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gan-train los", "loss="),
        ("gan-train loss=wg", "loss=wgan"),
        ("gan-train train.st", "train.steps="),
        ("gan-train dataset=folder dataset.pa", "dataset.path="),
    ],
)
def test_tab_completes_groups_choices_and_keys(line: str, expected: str) -> None:
    done = command("gan-train", "-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert expected in done.stdout.split()


def test_completion_is_installed_by_one_line() -> None:
    done = command("gan-train", "-sc", "install=bash")
    assert "complete " in done.stdout


def test_a_tilde_in_a_directory_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from gan_cli.commands.command_line import read_command_line
    from gan_cli.config.launch_plan import prepare

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for word in ("hydra.run.dir=~/x", "hydra.run.dir='~/x'", 'hydra.run.dir="~/x"'):
        words = read_command_line("gan-train", [word], lambda folder: "").overrides
        assert prepare("train", words, None)[1].directory == tmp_path / "home" / "x"
    (word,) = read_command_line("gan-train", ["-m", "hydra.sweep.dir=~/x"], lambda folder: "").overrides
    assert word == f'hydra.sweep.dir="{tmp_path}/home/x"'
