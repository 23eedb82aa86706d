"""metrics.jsonl: one JSON object a line, each step once, in order."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gan_cli.runs.atomic_files import open_to_append, read_json_lines, write_text


class MetricsLog:
    """The metric log of a run. The file is the truth; the records of every other logger can be rebuilt from it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """The lines so far; a last line that a kill cut in half is left out."""
        return [line for line in read_json_lines(self.path) if isinstance(line.get("step"), int)]

    def trim(self, step: int) -> list[dict[str, Any]]:
        """Drops the lines after `step`, which a run that resumes there writes again; returns the others."""
        kept = [line for line in self.read() if line["step"] <= step]
        write_text(self.path, "".join(as_line(line) for line in kept))
        return kept

    def add(self, here: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        """Adds `more` to the last line where that is of the step in `here`, else as a line of its own."""
        lines = self.read()
        if lines and lines[-1]["step"] == here["step"]:
            lines[-1] |= more
        else:
            lines.append({**here, **more})
        write_text(self.path, "".join(as_line(line) for line in lines))

    def take_from(self, step: int, names: Collection[str]) -> None:
        """Takes the entries `names` out of the last line, where that is of `step`."""
        lines = self.read()
        if names and lines and lines[-1]["step"] == step:
            lines[-1] = {name: value for name, value in lines[-1].items() if name not in names}
            write_text(self.path, "".join(as_line(line) for line in lines))

    def sync(self) -> None:
        """Makes sure that all lines outlast a power cut."""
        if self.path.exists():
            with open_to_append(self.path, run=self.path.parent) as file:
                os.fsync(file.fileno())

    def append(self, line: Mapping[str, Any]) -> None:
        """Adds one line. Each holds `step`, larger than all before."""
        with open_to_append(self.path, run=self.path.parent) as file:
            file.write(as_line(line).encode())


def as_line(line: Mapping[str, Any]) -> str:
    return json.dumps(line, allow_nan=False) + "\n"
