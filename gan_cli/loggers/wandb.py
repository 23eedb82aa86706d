"""Weights & Biases: offline in the run directory, or online."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError, check_choice
from gan_cli.loggers import Logger, Writer, check_installed
from gan_cli.loggers.metrics_replay import replay
from gan_cli.runs.atomic_files import make_folder, read_text, write_text

FOLDER = "wandb"  # Weights & Biases creates this folder in the directory that it is given
IDENTITY_FILE = "run_id.txt"
PLACE_FILE = "place.txt"
FOLDERS = (FOLDER, ".wandb")  # the second is used where it exists
EXIT_CODES = {"finished": 0, "interrupted": 255}  # 255 is shown as killed, any other code but 0 as failed


@dataclass(frozen=True)
class WeightsAndBiases(Logger):
    """Logs to Weights & Biases. A resumed run keeps its id, unless the project or the entity has changed.

    Args:
        mode: `offline` writes to RUN/wandb and needs neither network nor account; `online` sends as well.
        project: its name there.
        entity: user or team; None for the account's own.
        tags: any number.
        pictures: whether sample grids are logged besides numbers.
    """

    mode: str
    project: str
    entity: str | None
    tags: list[str]
    pictures: bool

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, ("offline", "online"))

    def check(self) -> None:
        check_installed("wandb", "wandb")

    def check_stored_values(self) -> None:
        if self.mode != "offline":
            raise ConfigError("mode", "sends the run over the network", self.mode)

    def open(self, directory: Path, name: str, config: dict[str, Any], resumed_from: int) -> WeightsAndBiasesWriter:
        import wandb

        check_settings_files(directory)

        identity, is_new = run_identity(directory, name, place=f"{self.entity or ''}/{self.project}")
        run = wandb.init(
            mode="online" if self.mode == "online" else "offline",
            project=self.project,
            entity=self.entity,
            tags=list(self.tags),
            id=identity,
            name=name,
            dir=str(directory),
            config=config,
            allow_val_change=True,  # a resumed run may have more steps
            resume="allow",
            # train.log has the console. Git is not called: a repository in the working folder may come from anybody,
            # and its configuration can name programs that Git runs.
            settings=wandb.Settings(console="off", silent=self.mode == "offline", disable_git=True, save_code=False),
        )
        writer = WeightsAndBiasesWriter(run, self.pictures)
        if is_new:
            replay(writer, directory, resumed_from)
        return writer


def check_settings_files(directory: Path) -> None:
    """Raises ConfigError where the run directory or the working folder holds settings of Weights & Biases.

    They can name another server, and would send it the user's key. gan-cli never writes any. Those of the user lie in
    the home folder; the working folder may come from anybody.
    """
    for parent, name in ((directory, "a run directory"), (Path.cwd(), "the working folder")):
        for path in (parent / folder / "settings" for folder in FOLDERS):
            if os.path.lexists(path):
                problem = f"settings of Weights & Biases in {name} may name another server"
                advice = "Delete the file, move it to ~/.config/wandb/settings, or leave out this logger."
                raise ConfigError("logger.wandb", problem, path, advice)


def run_identity(directory: Path, name: str, place: str) -> tuple[str, bool]:
    """The run's id, and whether it is new.

    It is stored in RUN/wandb/run_id.txt, with its place in place.txt beside it; an id without one is that of a run of
    release 0.1. The name is not unique in a sweep, and the path changes when a run is moved.

    Args:
        place: entity and project. An id belongs to one of them; another has no such run, or a different one.
    """
    path, place_file = directory / FOLDER / IDENTITY_FILE, directory / FOLDER / PLACE_FILE
    stored_place = read_text(place_file).rstrip("\n") if place_file.is_file() else place
    if path.is_file() and stored_place == place:
        return read_text(path).strip(), False
    make_folder(path.parent, run=directory)
    identity = f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:48]}-{secrets.token_hex(4)}"  # 64 characters are allowed
    write_text(path, identity + "\n")
    write_text(place_file, place + "\n")  # last: an id is used only with its own place
    return identity, True


class WeightsAndBiasesWriter(Writer):
    """Writes to one open run. The server ignores steps that it has already."""

    def __init__(self, run: Any, takes_pictures: bool) -> None:
        self.run, self.takes_pictures = run, takes_pictures

    def write_scalars(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log(dict(values), step=step)

    def write_picture(self, step: int, name: str, path: Path) -> None:
        if self.takes_pictures:
            import wandb

            self.run.log({name: wandb.Image(str(path))}, step=step)

    def close(self, state: str) -> None:
        self.run.finish(exit_code=EXIT_CODES.get(state, 1))
