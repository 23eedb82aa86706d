"""Loggers: send metrics and pictures to other destinations than the run directory (`logger=[...]`), one a file.

A logger is a frozen dataclass, derived from `Logger`. Its module imports neither TensorFlow nor the destination's
package at its top.

`metrics.jsonl` and `samples/` are the reference. A resumed run may have a destination that is empty. It is filled from
these files (see `gan_cli.loggers.metrics_replay`), so that each step is logged once.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError


class Writer(ABC):
    """Base class of writers: writes one run to one destination. Steps never decrease."""

    @abstractmethod
    def write_scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes numbers by name."""

    @abstractmethod
    def write_picture(self, step: int, name: str, path: Path) -> None:
        """Writes the picture in the file `path`, a PNG."""

    @abstractmethod
    def close(self, state: str) -> None:
        """Sends the rest and closes. `state` is how the run ended: `finished`, `interrupted` or `failed`."""


class Logger(ABC):
    """Base class of loggers: the settings of one destination."""

    def check(self) -> None:  # noqa: B027
        """Raises ConfigError where the destination's package is not installed; does not import it."""

    def check_stored_values(self) -> None:  # noqa: B027
        """Raises ConfigError, with the field as its key, for a destination outside the run directory.

        A configuration read from disk may not choose such a destination. By default no field names one.
        """

    @abstractmethod
    def open(self, directory: Path, name: str, config: dict[str, Any], resumed_from: int) -> Writer:
        """Opens a writer for the run in `directory`.

        Args:
            directory: the run directory; it exists.
            name: the name of the run, for people.
            config: the whole configuration, as plain containers.
            resumed_from: the step from which the run is resumed; 0 for a new run. Later steps in files of an earlier
                attempt are trained again.
        """


def check_installed(extra: str, *packages: str) -> None:
    """Raises ConfigError unless all `packages`, which `gan-cli[extra]` brings, can be imported."""
    for package in packages:
        spec = importlib.util.find_spec(package)
        # A folder of that name without code, such as the tools' own output, is found too, but has no origin.
        if spec is None or spec.origin is None:
            raise ConfigError(
                "",
                f"needs the package {package}, which is not installed",
                advice=f'Run: pip install "gan-cli[{extra}]"',
            )
