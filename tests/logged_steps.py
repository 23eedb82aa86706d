"""What a training loop sends to a logger, for the tests of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from gan_cli.loggers import Writer
from gan_cli.loggers.metrics_replay import numbers_of

CONFIG = {"seed": 3, "train": {"steps": 40}, "penalty": {"r1": {"weight": 1.5}}, "tags": [], "nothing": {}}
LONGER = {"train": {"steps": 80}}
STEPS = list(range(5, 65, 5))
PICTURES = [20, 40, 60]


def do_steps(writer: Writer, directory: Path, steps: range) -> None:
    """What a training loop does: the run directory first, then its loggers."""
    for step in steps:
        line = {"step": step, "loss": step / 8, "logits": -float(step)}
        with (directory / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        writer.write_scalars(step, numbers_of(line))
        if step % 20 == 0:
            path = directory / "samples" / f"step_{step:08d}.png"
            Image.new("L", (6, 4), step).save(path)
            writer.write_picture(step, "samples", path)


def interrupted_and_resumed(logger: Any, directory: Path) -> None:
    """40 steps of which a kill lost the last 15, and their repetition in a new process."""
    writer = logger.open(directory, directory.name, CONFIG, resumed_from=0)
    do_steps(writer, directory, range(5, 45, 5))
    writer.close("interrupted")
    lines = (directory / "metrics.jsonl").read_text().splitlines(keepends=True)
    for folder in directory.glob("wandb/offline-run-*"):  # named by the second, which may be that of the next attempt
        folder.rename(folder.with_name(f"{folder.name}-first"))
    writer = logger.open(directory, directory.name, CONFIG | LONGER, resumed_from=25)
    (directory / "metrics.jsonl").write_text("".join(lines[:5]))
    do_steps(writer, directory, range(30, 65, 5))
    writer.close("finished")
