"""Nothing that is read back runs code, whichever way it is named."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

import pytest
import yaml
from conftest import PERCEPTRON, TINY
from processes import command
from runs import status, trained

import gan_cli
from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose
from gan_cli.config.config_trust import ConfigOrigin
from gan_cli.config.target_allowlist import PACKAGES, check_targets, load_class
from gan_cli.errors import ConfigError
from gan_cli.runs.run_directory import RunDirectory

SMALL = [*TINY, *PERCEPTRON, "hydra.run.dir=run"]


@cache
def classes_in_reach() -> list[tuple[str, str]]:
    """Each class that some module of ours holds, its own or imported: module, name.

    Of the modules of one package that import the same class, one stands for the others.
    """
    names = [module.name for module in pkgutil.walk_packages(gan_cli.__path__, "gan_cli.")]
    found = {}
    for module in (importlib.import_module(name) for name in names if "plugin" not in name):
        package = module.__name__.split(".")[1]
        for name, value in vars(module).items():
            if isinstance(value, type):
                found[value, package, value.__module__ == module.__name__] = (module.__name__, name)
    return list(found.values())


@pytest.mark.parametrize("group", PACKAGES)
def test_a_target_reaches_only_classes_of_its_own_room(group: str) -> None:
    allowed = set()
    for module, name in classes_in_reach():
        try:
            allowed.add(load_class(f"{group}._target_", f"{module}.{name}", ConfigOrigin(is_stored=False)))
        except ConfigError:
            continue
    assert allowed
    assert all(f"{found.__module__}.".startswith(f"gan_cli.{PACKAGES[group]}.") for found in allowed)


@pytest.mark.parametrize(
    "target",
    [
        "gan_cli.lazy.LazyModule",
        "gan_cli.runs.environment.subprocess.Popen",
        "gan_cli.data.loading.ThreadPoolExecutor",
        "os.system",
        "subprocess.Popen",
        "gan_cli",
        "",
    ],
)
@pytest.mark.parametrize("wrap", [lambda node: node, lambda node: {"deep": [node]}])
def test_targets_are_found_at_any_depth_and_refused(target: str, wrap: object) -> None:
    with pytest.raises(ConfigError, match="_target_"):
        node = {"model": wrap({"_target_": target})}  # type: ignore[operator]
        check_targets(node, ConfigOrigin(is_stored=False))
        load_class("model._target_", target)


@pytest.fixture
def run() -> Path:
    return trained("run", 5, *PERCEPTRON)


def edit(path: Path, **changes: object) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def test_hydra_settings_in_a_runs_overrides_are_not_followed(run: Path) -> None:
    Path("evil_package").mkdir()
    Path("evil_package/__init__.py").write_text("open('made', 'w').close()")
    words = yaml.safe_load((run / "overrides.yaml").read_text())
    (run / "overrides.yaml").write_text(yaml.safe_dump([*words, "hydra.searchpath=[pkg://evil_package]"]))
    assert gan_train(["resume=run", "train.steps=7"]) == 0
    assert not Path("made").exists()


def test_what_looks_like_an_interpolation_in_a_stored_configuration_stays_text(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    edit(run / "config.yaml", dataset={"_target_": "gan_cli.data.npz.Npz", "path": "${oc.env:SECRET}"})
    with pytest.raises(ConfigError) as caught:
        gan_train(["resume=run"])
    assert "hunter2" not in str(caught.value)


def test_a_whole_configuration_from_elsewhere_may_not_name_code(run: Path) -> None:
    Path("evil.py").write_text("open('made', 'w').close()\nclass Loss: pass\n")
    edit(run / "config.yaml", loss={"_target_": "evil.Loss"})
    words = ["--config-dir", "run", "--config-name", "config", "hydra.run.dir=again"]
    with pytest.raises(ConfigError, match=r"evil.Loss: names code outside gan_cli"):
        gan_train(words)
    edit(run / "config.yaml", hydra={"searchpath": ["pkg://evil"]})
    with pytest.raises(ConfigError, match=r"hydra.searchpath: is set in run/config.yaml, and may name code"):
        gan_train(words)
    assert not Path("made").exists()


def test_a_run_that_ended_between_its_last_checkpoint_and_its_end_is_finished_later(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_bytes()
    (run / "status.json").write_text('{"state": "running", "step": 5, "error": null}')
    (run / "generator.keras").unlink()
    assert gan_train(["resume=run"]) == 0
    assert status(run)["state"] == "finished"
    assert (run / "generator.keras").exists()
    assert (run / "metrics.jsonl").read_bytes() == lines
    assert RunDirectory(run).sample(5).exists()


def test_the_same_command_with_resume_auto_starts_resumes_and_ends() -> None:
    words = [*SMALL, "train.steps=9", "resume=auto"]
    assert gan_train(words) == 0
    run = Path("run")
    (run / "status.json").write_text('{"state": "interrupted", "step": 5, "error": null}')
    (run / "checkpoints" / "step_00000009.npz").unlink()
    assert gan_train(words) == 0
    assert status(run) == {"state": "finished", "step": 9, "error": None}
    assert gan_train(words) == 0  # nothing left to do


FAILING_LOGGER = """
from dataclasses import dataclass

from gan_cli.loggers import Logger, Writer


class AwayWriter(Writer):
    def write_scalars(self, step, values):
        raise OSError("the server is away")

    def write_picture(self, step, name, path):
        pass

    def close(self, state):
        pass


@dataclass(frozen=True)
class Away(Logger):
    def open(self, directory, name, config, resumed_from):
        return AwayWriter()


@dataclass(frozen=True)
class Unreachable(Logger):
    def open(self, directory, name, config, resumed_from):
        raise RuntimeError("no such server")
"""


def test_a_logger_that_fails_is_disabled_and_training_continues() -> None:
    Path("away.py").write_text(FAILING_LOGGER)
    Path("conf/logger").mkdir(parents=True)
    Path("conf/logger/away.yaml").write_text("away:\n  _target_: away.Away\n")
    Path("conf/logger/unreachable.yaml").write_text("unreachable:\n  _target_: away.Unreachable\n")
    words = [word for word in SMALL if word != "logger=[]"]
    done = command(
        "gan-train", "--config-dir", "conf", *words, "logger=[unreachable,away,tensorboard]", "train.steps=5"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Warning: AwayWriter failed and is disabled: OSError: the server is away") == 1
    assert "Warning: Unreachable can't be opened and is disabled: RuntimeError: no such server" in done.stdout
    assert status(Path("run"))["state"] == "finished"
    assert list(Path("run/tensorboard").iterdir())


def test_data_that_has_changed_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(20):
        Image.fromarray(np.full((8, 8), index, np.uint8)).save(folder / f"{index}.png")
    words = [word for word in SMALL if "run.dir" not in word]
    source = ["dataset=folder", f"dataset.path={folder}", "hydra.run.dir=second"]
    assert gan_train([*words, *source, "train.steps=3"]) == 0
    (folder / "7.png").unlink()
    capsys.readouterr()
    assert gan_train(["resume=second", "train.steps=5"]) == 0
    assert "the data, from 20 images of 8x8x1 to 19 images of 8x8x1" in capsys.readouterr().out


def test_composing_resolves_everything() -> None:
    assert "${" not in str(compose("train", ["loss=wgan"]).config)
