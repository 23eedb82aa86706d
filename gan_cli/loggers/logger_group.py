"""All loggers of a run as one writer: a destination that fails is disabled, and training continues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError, first_line
from gan_cli.loggers import Logger, Writer
from gan_cli.output_streams import printable


class LoggerGroup(Writer):
    """Sends everything to every open writer.

    One that raises is disabled with a warning: the run's own files hold everything.

    Args:
        writers: the open writers.
        warn: shows a warning.
    """

    def __init__(self, writers: list[Writer], warn: Callable[[str], None]) -> None:
        self.writers, self.warn = writers, warn

    def write_scalars(self, step: int, values: Mapping[str, float]) -> None:
        self.send(lambda writer: writer.write_scalars(step, values))

    def write_picture(self, step: int, name: str, path: Path) -> None:
        self.send(lambda writer: writer.write_picture(step, name, path))

    def close(self, state: str) -> None:
        self.send(lambda writer: writer.close(state))

    def send(self, call: Callable[[Writer], None]) -> None:
        """Calls every writer."""
        for writer in list(self.writers):
            try:
                call(writer)
            except Exception as error:  # each destination raises errors of its own
                self.warn(
                    f"{type(writer).__name__} failed and is disabled: {type(error).__name__}: {first_line(error)}"
                )
                self.writers.remove(writer)


def open_loggers(
    loggers: Mapping[str, Logger],
    directory: Path,
    config: dict[str, Any],
    resumed_from: int,
    warn: Callable[[str], None],
) -> LoggerGroup:
    """Opens every logger of the run in `directory`. One that fails (a server that is away) gives a warning.

    Raises:
        ConfigError: where a logger refuses the run directory, whose files may come from anybody.
    """
    writers = []
    for logger in loggers.values():
        try:
            writers.append(logger.open(directory, printable(directory.name), config, resumed_from))
        except ConfigError:
            raise
        except Exception as error:  # each destination raises errors of its own
            name = type(logger).__name__
            warn(f"{name} can't be opened and is disabled: {type(error).__name__}: {first_line(error)}")
    return LoggerGroup(writers, warn)
