"""Where metrics and pictures go besides the run directory (`logger=[...]`, any number), one destination a file.

A logger is a frozen dataclass whose module imports neither TensorFlow nor the destination's package at its top:

- `check()` raises `ConfigError` where that package is not installed; it does not import it.
- `open(...)` gives a `Writer` for one run.

`metrics.jsonl` and `samples/` are the truth. A destination that starts empty while the run does not is filled from
them (see `gan_cli.loggers.metrics_replay`), so that each step stands there once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from gan_cli.errors import ConfigError


class Writer(Protocol):
    """One run at one destination. Steps never go back."""

    def write_scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Records numbers by name."""
        ...

    def write_picture(self, step: int, name: str, path: Path) -> None:
        """Records the picture in the file `path`, a PNG."""
        ...

    def close(self, state: str) -> None:
        """Sends what is left. `state` is how the run ended: `finished`, `interrupted` or `failed`."""
        ...


class Logger(Protocol):
    """What each entry of `logger` builds."""

    def check(self) -> None: ...

    def open(self, directory: Path, name: str, config: dict[str, Any], resumed_from: int) -> Writer:
        """A writer for the run in `directory`.

        Args:
            directory: the run directory; it exists.
            name: of the run, for people.
            config: all of it, as plain containers.
            resumed_from: the step from which the run goes on; 0 where it begins. What comes later in files of an
                earlier attempt is done again.
        """
        ...


def check_installed(extra: str, *packages: str) -> None:
    """Raises ConfigError unless all `packages`, which `gan-cli[extra]` brings, can be imported."""
    for package in packages:
        spec = importlib.util.find_spec(package)
        # A mere folder of that name, which such tools leave wherever they run, is found too, but has no origin.
        if spec is None or spec.origin is None:
            raise ConfigError(
                "",
                f"needs the package {package}, which is not installed",
                advice=f'Run: pip install "gan-cli[{extra}]"',
            )
