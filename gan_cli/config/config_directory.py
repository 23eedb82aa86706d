"""The folder with the YAML files of gan-cli, and the classes that they name."""

from __future__ import annotations

import importlib
import re
from functools import cache
from pathlib import Path

TARGET = re.compile(r"^\s*_target_:\s*([\w.]+)\s*(?:#.*)?$", re.MULTILINE)


def config_directory() -> Path:
    """The folder of the YAML groups: `configs/` of a checkout, `gan_cli/configs` of an installed package."""
    checkout = Path(__file__).resolve().parents[2] / "configs"
    if (checkout / "train.yaml").is_file():
        return checkout
    return Path(next(iter(importlib.import_module("gan_cli.configs").__path__)))


@cache
def configured_targets() -> frozenset[str]:
    """Every class that a YAML file of gan-cli names as its `_target_`."""
    texts = (path.read_text("utf-8") for path in config_directory().rglob("*.yaml"))
    return frozenset(target for text in texts for target in TARGET.findall(text))
