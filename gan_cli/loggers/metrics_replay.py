"""Writing to a new destination what a resumed run has done already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_cli.runs.metrics_log import MetricsLog

if TYPE_CHECKING:
    from gan_cli.loggers import Writer

PICTURE_NAME = "samples"
BOUNDS = ("_uncertainty", "_low", "_high")
PICTURE_FILE = re.compile(r"step_(\d+)\.png")


def replay(writer: Writer, directory: Path, resumed_from: int) -> None:
    """Writes the metrics and pictures of the steps up to `resumed_from`, in order; nothing for a run that begins.

    Args:
        writer: of an empty destination.
        directory: the run directory, with metrics.jsonl and samples/step_XXXXXXXX.png as far as there are any.
        resumed_from: the last step that still counts.
    """
    if resumed_from == 0:
        return
    lines: dict[int, dict[str, Any]] = {line["step"]: line for line in MetricsLog(directory / "metrics.jsonl").read()}
    pictures = sample_grid_files(directory)
    for step in sorted(lines.keys() | pictures.keys()):
        if step > resumed_from:
            return
        if step in lines:
            writer.write_scalars(step, numbers_of(lines[step]))
        if step in pictures:
            writer.write_picture(step, PICTURE_NAME, pictures[step])


def sample_grid_files(directory: Path) -> dict[int, Path]:
    """The sample grids of a run directory by their step."""
    matches = ((PICTURE_FILE.fullmatch(path.name), path) for path in (directory / "samples").glob("step_*.png"))
    return {int(match[1]): path for match, path in matches if match}


def numbers_of(line: Mapping[str, Any]) -> dict[str, float]:
    """What of a line of metrics.jsonl a destination can draw: its numbers, without the step itself.

    The bounds of what was measured stay in the file: four curves for each number would hide it.
    """
    return {
        name: float(value)
        for name, value in line.items()
        if name != "step"
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and not name.endswith(BOUNDS)
    }
