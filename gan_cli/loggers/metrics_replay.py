"""Writes the metrics and pictures of earlier steps to a destination that is new when a run is resumed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_cli.data.image_decoding import UnreadableImageError, read_image
from gan_cli.output_streams import printable
from gan_cli.runs.metrics_log import MetricsLog

if TYPE_CHECKING:
    from gan_cli.loggers import Writer

PICTURE_NAME = "samples"
BOUNDS = ("_uncertainty", "_low", "_high")
PICTURE_FILE = re.compile(r"step_(\d+)\.png")


def replay(writer: Writer, directory: Path, resumed_from: int) -> None:
    """Writes the metrics and pictures of the steps up to `resumed_from`, in order; nothing for a new run.

    Args:
        writer: of an empty destination.
        directory: the run directory, with metrics.jsonl and samples/step_XXXXXXXX.png where they exist.
        resumed_from: the last step that is replayed.
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
        if step in pictures and is_png(pictures[step]):
            writer.write_picture(step, PICTURE_NAME, pictures[step])


def is_png(path: Path) -> bool:
    """Whether a picture is a whole PNG of a plausible size; gives a warning where it is not.

    The run may come from anybody. Destinations open the file by its content: a PostScript file would start Ghostscript.
    """
    try:
        read_image(path, formats=("PNG",))
    except (UnreadableImageError, OSError) as error:
        warnings.warn(f"{printable(path)} is left out of the logger: {error}", stacklevel=2)
        return False
    return True


def sample_grid_files(directory: Path) -> dict[int, Path]:
    """The sample grids of a run directory by their step."""
    matches = ((PICTURE_FILE.fullmatch(path.name), path) for path in (directory / "samples").glob("step_*.png"))
    return {int(match[1]): path for match, path in matches if match}


def numbers_of(line: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a line of metrics.jsonl, without the step.

    Confidence bounds are left out: four curves for each number would hide it.
    """
    return {
        name: float(value)
        for name, value in line.items()
        if name != "step"
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and not name.endswith(BOUNDS)
    }
