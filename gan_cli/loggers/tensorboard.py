"""TensorBoard: event files in the run directory. Show them with `tensorboard --logdir outputs`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from gan_cli.lazy import tf
from gan_cli.loggers import Logger, Writer, check_installed
from gan_cli.loggers.metrics_replay import replay
from gan_cli.runs.atomic_files import make_folder, remove_file

FOLDER = "tensorboard"


@dataclass(frozen=True)
class TensorBoard(Logger):
    """Writes event files in RUN/tensorboard. A resumed run writes them again, since no step can be removed from one.

    Args:
        pictures: whether sample grids are written besides numbers.
    """

    pictures: bool

    def check(self) -> None:
        check_installed("tensorboard", "tensorboard")

    def open(self, directory: Path, name: str, config: dict[str, Any], resumed_from: int) -> TensorBoardWriter:
        folder = directory / FOLDER
        make_folder(folder, run=directory)
        for old in folder.glob("events.out.tfevents.*"):
            remove_file(old, run=directory)
        writer = TensorBoardWriter(folder, self.pictures)
        writer.write_config(name, config)
        replay(writer, directory, resumed_from)
        return writer


class TensorBoardWriter(Writer):
    """Writes to one event file."""

    def __init__(self, folder: Path, takes_pictures: bool) -> None:
        self.takes_pictures = takes_pictures
        self.events = tf.summary.create_file_writer(os.fsencode(folder))  # a name may be no UTF-8

    def write_config(self, name: str, config: dict[str, Any]) -> None:
        """Writes the configuration as text; four spaces mark a code block in TensorBoard's Markdown."""
        lines = yaml.safe_dump(config, sort_keys=False, allow_unicode=True).splitlines()
        text = "\n".join([f"**{name}**", "", *(f"    {line}" for line in lines)])
        with self.events.as_default(step=0):
            tf.summary.text("config", text)

    def write_scalars(self, step: int, values: Mapping[str, float]) -> None:
        with self.events.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        self.events.flush()

    def write_picture(self, step: int, name: str, path: Path) -> None:
        if not self.takes_pictures:
            return
        with Image.open(path, formats=("PNG",)) as picture:
            pixels = np.asarray(picture if picture.mode in ("L", "RGB", "RGBA") else picture.convert("RGB"))
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        with self.events.as_default(step=step):
            tf.summary.image(name, pixels[None])
        self.events.flush()

    def close(self, state: str) -> None:
        self.events.close()
