"""Weights & Biases: offline in the run directory, or online."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.errors import check_choice
from gan_cli.loggers import check_installed
from gan_cli.loggers.metrics_replay import replay
from gan_cli.runs.atomic_files import make_folder, read_text, write_text

FOLDER = "wandb"  # Weights & Biases makes this folder itself, in the directory that it is given
EXIT_CODES = {"finished": 0, "interrupted": 255}  # 255 is shown as killed, any other code but 0 as failed


@dataclass(frozen=True)
class WeightsAndBiases:
    """A run at Weights & Biases. A resumed run goes on under the same id.

    Args:
        mode: `offline` writes to RUN/wandb and needs neither network nor account; `online` sends as well.
        project: its name there.
        entity: user or team; None for the account's own.
        tags: any number.
        pictures: whether sample grids are recorded besides numbers.
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

    def open(self, directory: Path, name: str, config: dict[str, Any], resumed_from: int) -> WeightsAndBiasesWriter:
        import wandb

        identity, is_new = run_identity(directory, name)
        run = wandb.init(
            mode="online" if self.mode == "online" else "offline",
            project=self.project,
            entity=self.entity,
            tags=list(self.tags),
            id=identity,
            name=name,
            dir=str(directory),
            config=config,
            allow_val_change=True,  # a run may be resumed with more steps than it began with
            resume="allow",
            settings=wandb.Settings(console="off", silent=self.mode == "offline"),  # train.log has the console
        )
        writer = WeightsAndBiasesWriter(run, self.pictures)
        if is_new:
            replay(writer, directory, resumed_from)
        return writer


def run_identity(directory: Path, name: str) -> tuple[str, bool]:
    """The run's id, and whether it was made just now.

    It is kept in RUN/wandb/run_id.txt, since neither the name (those of a sweep repeat) nor the place (a run directory
    may be moved) would do.
    """
    path = directory / FOLDER / "run_id.txt"
    if path.is_file():
        return read_text(path).strip(), False
    make_folder(path.parent, run=directory)
    identity = f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:48]}-{secrets.token_hex(4)}"  # 64 characters are allowed
    write_text(path, identity + "\n")
    return identity, True


class WeightsAndBiasesWriter:
    """Writes to one open run. Steps that the server has already are ignored there."""

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
