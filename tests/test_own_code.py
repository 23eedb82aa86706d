"""A loss, a model and a data set of the user's own: Python files in their folder and YAML in --config-dir."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY
from own_code import write_own_code
from processes import command
from runs import metric_lines

from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.config.config_trust import ConfigOrigin
from gan_cli.config.target_allowlist import load_class
from gan_cli.config.user_modules import set_own_folders
from gan_cli.errors import ConfigError


@pytest.fixture
def own_folder(working_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_own_code(working_folder)
    for name in ("queue", "pandas", "jax"):  # what Python and dependencies import, and is no part of the user's loss
        (working_folder / f"{name}.py").write_text(f"raise RuntimeError('{name}.py of the user was imported')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield working_folder
    for name in ("my_losses", "my_models", "my_data", "my_constants", "my_package", "my_package.mean"):
        sys.modules.pop(name, None)


REFUSED_AT_ONCE = """
import sys
from gan_cli.commands.evaluate import gan_eval
from gan_cli.errors import ConfigError
for words in (["run=run"], ["run=run", "real=elsewhere.npz"], ["human", "run=run"], ["tournament", "runs=[run,run2]"]):
    try:
        gan_eval(words)
    except ConfigError as error:
        assert error.key == "model._target_" and "trust=true" in error.advice, error
    else:
        raise AssertionError(words)
assert "tensorflow" not in sys.modules
assert "my_models" not in sys.modules
"""


WORDS = [word for word in TINY if "width" not in word]


def test_all_three_train_together_without_editing_ours(own_folder: Path) -> None:
    words = [
        "--config-dir",
        "conf",
        *WORDS,
        "loss=exponential",
        "model=linear",
        "dataset=stripes",
        "train.batch_size=8",
    ]
    done = command("gan-train", *words, "train.steps=5", "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    assert metric_lines(own_folder / "run")[-1]["step"] == 5
    assert "exponential" in command("gan-train", "--config-dir", "conf", "--help").stdout

    with pytest.raises(ConfigError, match=r"my_models.Linear: names code outside gan_cli"):
        gan_sample(["run=run"])
    assert gan_sample(["run=run", "trust=true", "n=4"]) == 0
    with pytest.raises(ConfigError, match="trust=true"):
        gan_train(["resume=run", "train.steps=7"])
    assert gan_train(["--config-dir", "conf", "resume=run", "train.steps=7", "trust=true"]) == 0


def test_every_evaluation_refuses_an_own_model_before_it_reads_data_or_loads_tensorflow(own_folder: Path) -> None:
    words = ["--config-dir", "conf", *WORDS, "model=linear", "dataset=digits", "train.batch_size=8", "train.steps=3"]
    assert gan_train([*words, "hydra.run.dir=run"]) == 0
    shutil.copytree("run", "run2")
    np.savez("elsewhere.npz", np.zeros((4, 8, 8, 1), np.uint8))
    done = subprocess.run([sys.executable, "-P", "-c", REFUSED_AT_ONCE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("decorator", ["@dataclass(frozen=True)\n", ""])
def test_an_auto_encoder_of_an_own_model_without_a_latent_size_is_refused(own_folder: Path, decorator: str) -> None:
    code = (own_folder / "my_models.py").read_text().replace("@dataclass(frozen=True)\n", decorator)
    (own_folder / "my_models.py").write_text(code.replace("    latent_size: int = 4\n", ""))
    for file in (own_folder / "conf" / "model").glob("*.yaml"):
        file.write_text("_target_: my_models.Linear\n")
    with pytest.raises(ConfigError, match=r"model=Linear: .* no field latent_size"):
        gan_train(["--config-dir", "conf", "model=linear", "loss=began", "dataset=digits", "hydra.run.dir=run"])
    assert not Path("run").exists()


def test_only_code_of_the_users_folder_imports_its_siblings(own_folder: Path) -> None:
    set_own_folders([own_folder])
    assert load_class("loss", "my_losses.Exponential", ConfigOrigin(is_stored=False))
    for name in ("my_data", "pandas_of_the_user"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)
    assert str(own_folder) not in sys.path
    with pytest.raises(ConfigError, match="names code outside gan_cli"):
        load_class("loss", "queue.Exponential", ConfigOrigin(is_stored=False))


def test_its_settings_are_checked_like_ours(own_folder: Path) -> None:
    for words, part in [
        (["loss=exponential", "loss.scale=much"], "loss.scale=much: expected a number"),
        (["loss=exponential", "+loss.scal=1"], "scale?"),
        (["loss=exponentail"], "exponential?"),
    ]:
        with pytest.raises(ConfigError) as caught:
            gan_train(["--config-dir", "conf", *words])
        assert part in str(caught.value)


BASES = {
    "dataset": "gan_cli.data.Source",
    "model": "gan_cli.models.ModelPair",
    "loss": "gan_cli.losses.Loss",
    "penalty": " or ".join(
        f"gan_cli.penalties.{name}" for name in ("Penalty", "Projection", "phase_penalty.PhasePenalty")
    ),
    "augment": "gan_cli.augmentations.Augmentation",
    "optimizer": "gan_cli.optimizers.optimizer.Optimizer",
    "logger": "gan_cli.loggers.Logger",
    "metric": "gan_cli.metrics.Metric",
}


@pytest.mark.parametrize(("group", "base"), BASES.items())
def test_a_part_without_its_base_class_or_its_methods_is_refused_with_their_names(
    own_folder: Path, group: str, base: str
) -> None:
    module, _, name = base.partition(" ")[0].rpartition(".")
    code = f"from {module} import {name}\n\n\nclass Alien:\n    pass\n\n\nclass Incomplete({name}):\n    pass\n"
    (own_folder / "my_losses.py").write_text(code)
    folder = own_folder / "conf" / group
    folder.mkdir(exist_ok=True)
    several = group in ("penalty", "augment", "logger", "metric")
    refusals = {"Alien": f"does not derive from {base}", "Incomplete": f"which {module}.{name} requires"}
    if group == "augment":  # each of its methods has a default
        del refusals["Incomplete"]
    for target, message in refusals.items():
        node = f"_target_: my_losses.{target}\n"
        (folder / "own.yaml").write_text(f"own:\n  {node}" if several else node)
        with pytest.raises(ConfigError, match=f"my_losses.{target}: .*{message}"):
            gan_train(["--config-dir", "conf", f"{group}=own"])
    assert not (own_folder / "outputs").exists()


def test_an_error_in_own_code_shows_its_first_cause(own_folder: Path) -> None:
    (own_folder / "my_losses.py").write_text("import no_such_package\n")
    with pytest.raises(ConfigError, match="No module named 'no_such_package'"):
        gan_train(["--config-dir", "conf", "loss=exponential"])


def test_a_yaml_of_ones_own_may_not_name_just_any_code(own_folder: Path) -> None:
    (own_folder / "conf" / "loss" / "shell.yaml").write_text("_target_: subprocess.Popen\nargs: 'touch made'\n")
    with pytest.raises(ConfigError, match=r"loss._target_=subprocess.Popen: names code outside gan_cli"):
        gan_train(["--config-dir", "conf", "loss=shell"])
    assert not (own_folder / "made").exists()
