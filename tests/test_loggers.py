"""Loggers: their configuration, and what they share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf

from gan_cli.errors import ConfigError
from gan_cli.loggers import check_installed
from gan_cli.loggers.metrics_replay import numbers_of

YAML_FILES = sorted((Path(__file__).parent.parent / "configs" / "logger").glob("*.yaml"))


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.stem)
def test_each_yaml_builds_its_logger_under_its_own_name(path: Path) -> None:
    ((name, node),) = OmegaConf.to_container(OmegaConf.load(path)).items()  # type: ignore[union-attr]
    assert name == path.stem
    cls = get_class(node.pop("_target_"))  # type: ignore[union-attr]
    assert set(node) == set(OmegaConf.structured(cls))
    OmegaConf.merge(OmegaConf.structured(cls), node)
    try:
        cls(**node).check()
    except ConfigError as error:  # where the extra is not installed, that is what it must say
        assert f"gan-cli[{name}]" in str(error)


def test_loggers_are_checked_without_importing_what_they_write_to() -> None:
    program = (
        "import sys; from gan_cli.loggers import mlflow, tensorboard, wandb;"
        "tensorboard.TensorBoard(True).check();"
        "sys.exit(bool({'tensorflow', 'wandb', 'mlflow', 'tensorboard'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_missing_package_is_reported_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigError, match=r"needs the package not_there.*pip install \"gan-cli\[wandb\]\""):
        check_installed("wandb", "not_there")


def test_a_folder_of_a_packages_name_is_not_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "left_behind").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="needs the package left_behind"):
        check_installed("wandb", "left_behind")


def test_only_numbers_of_a_line_are_drawn() -> None:
    assert numbers_of({"step": 7, "loss": 1, "state": "x", "flag": True, "none": None}) == {"loss": 1.0}
