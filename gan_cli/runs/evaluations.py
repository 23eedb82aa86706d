"""evaluations.jsonl: one JSON object an evaluation, made while training or afterwards."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_cli.runs.files import write_text
from gan_cli.runs.metrics import as_line

TRAINING = "training"


class EvaluationsLog:
    """The evaluations of a run, the oldest first.

    Each holds `by` (`training`, or the command that made it), `step`, `time`, and what
    `gan_cli.evaluation.measure.Evaluation.as_dict` gives; those of training also `decides`, the number that says which
    checkpoint is the best.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """The evaluations so far; a last line that a kill cut in half is left out."""
        if not self.path.exists():
            return []
        lines = []
        for text in self.path.read_text(errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and isinstance(line.get("step"), int) and isinstance(line.get("values"), dict):
                lines.append(line)
        return lines

    def of_training(self) -> list[dict[str, Any]]:
        return [line for line in self.read() if line.get("by") == TRAINING]

    def append(self, by: str, step: int, evaluation: Mapping[str, Any]) -> None:
        line = {"by": by, "step": step, "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **evaluation}
        with self.path.open("a") as file:
            if file.tell() and not self.ends_whole():
                file.write("\n")  # a kill cut the line before
            file.write(as_line(line))
            file.flush()
            os.fsync(file.fileno())

    def ends_whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def trim(self, step: int) -> None:
        """Drops what training measured after `step`, which a run that goes on from there will measure again."""
        lines = self.read()
        kept = [line for line in lines if line.get("by") != TRAINING or line["step"] <= step]
        if len(kept) < len(lines):
            write_text(self.path, "".join(as_line(line) for line in kept))

    def best(self) -> tuple[str, float, int] | None:
        """The number that decides, its best value during training and the step of that; None without any."""
        lines = self.of_training()
        name = lines[-1].get("decides") if lines else None
        told = [(line["values"][name], line["step"]) for line in lines if name in line["values"]]
        found = [(value["value"], step, value["better"]) for value, step in told if value["value"] is not None]
        if not found or name is None:
            return None
        sign = 1 if found[0][2] == "lower" else -1
        value, step, _ = min(found, key=lambda each: sign * each[0])
        return name, value, step
