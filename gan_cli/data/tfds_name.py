"""Names of tensorflow-datasets: `builder`, `builder/config` and `builder/config:version`."""

from __future__ import annotations

import re
from typing import NamedTuple

from gan_cli.errors import ConfigError

NAME = re.compile(r"(?P<builder>[A-Za-z]\w*)(/(?P<config>[\w.+-]+))?(:(?P<version>\d+\.\d+\.\d+))?")
CONFIG = re.compile(r"[\w.+-]+")
COMMUNITY = re.compile(r"[\w-]+:(?![\d.*]+$).*")


class DatasetName(NamedTuple):
    """Which data set of tensorflow-datasets, which of its variants, and which version; None for the default."""

    builder: str
    config: str | None
    version: str | None

    def __str__(self) -> str:
        config = f"/{self.config}" if self.config else ""
        return f"{self.builder}{config}{f':{self.version}' if self.version else ''}"


def parse_name(name: str, config: str | None) -> DatasetName:
    """The parts of the keys `name` and `config`. Raises ConfigError."""
    if not name:
        raise ConfigError("name", "is required", name, "For example dataset.name=mnist.")
    if COMMUNITY.fullmatch(name):
        problem = "is a data set of a community or another hub, whose code would be downloaded and run"
        raise ConfigError("name", problem, name, "The data sets of tensorflow-datasets itself are allowed.")
    match = NAME.fullmatch(name)
    if match is None:
        problem = "expected BUILDER, BUILDER/CONFIG, BUILDER:VERSION or BUILDER/CONFIG:VERSION"
        raise ConfigError("name", problem, name, "For example mnist, imagenet_resized/32x32 or mnist:3.0.1.")
    if config is not None and (not CONFIG.fullmatch(config) or set(config) == {"."}):
        raise ConfigError("config", "expected the name of a variant", config, "The catalog lists them.")
    if config is not None and match["config"] not in (None, config):
        problem = f"name={name} names another variant"
        raise ConfigError("config", problem, config, "Leave dataset.config out.")
    if match["config"] and set(match["config"]) == {"."}:
        raise ConfigError("name", "expected the name of a variant after the slash", name, "The catalog lists them.")
    return DatasetName(match["builder"], config or match["config"], match["version"])
