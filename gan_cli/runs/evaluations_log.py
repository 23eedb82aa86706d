"""evaluations.jsonl: one JSON object an evaluation, made while training or afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from gan_cli.runs.atomic_files import open_to_append, read_json_lines, write_text
from gan_cli.runs.evaluation_upgrade import upgrade_evaluation
from gan_cli.runs.file_locks import wait_for_lock
from gan_cli.runs.metrics_log import as_line

TRAINING = "training"


class EvaluationsLog:
    """The evaluations of a run, the oldest first.

    Each holds `by` (`training`, or the command that made it), `step`, `time`, and the dictionary of
    `gan_cli.evaluation.compute_metrics.Evaluation`; those of training also `decides`, the name of the value that
    selects the best checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """Returns the evaluations so far; skips other lines, such as a last one that a kill cut in half."""
        return [upgrade_evaluation(line) for line in read_json_lines(self.path) if is_evaluation(line)]

    def of_training(self) -> list[dict[str, Any]]:
        return [line for line in self.read() if line["by"] == TRAINING]

    def append(self, by: str, step: int, evaluation: Mapping[str, Any]) -> None:
        """Adds one line, in one piece: `gan-eval` may write to a run that trains."""
        line = {"by": by, "step": step, "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **evaluation}
        with self.locked() as file:
            cut = file.tell() > 0 and not ends_whole(self.path)  # by a kill
            file.write((("\n" if cut else "") + as_line(line)).encode())
            file.flush()
            os.fsync(file.fileno())

    def trim(self, step: int) -> list[dict[str, Any]]:
        """Drops and returns what training measured after `step`: a run that resumes there measures it again."""
        if not self.path.exists():
            return []
        with self.locked():
            lines = self.read()
            dropped = [line for line in lines if line["by"] == TRAINING and line["step"] > step]
            if dropped:
                write_text(self.path, "".join(as_line(line) for line in lines if line not in dropped))
        return dropped

    @contextmanager
    def locked(self) -> Iterator[IO[bytes]]:
        """The file, open for appending, and locked against other processes that append."""
        while True:
            with open_to_append(self.path, run=self.path.parent) as file:
                wait_for_lock(file)
                if os.fstat(file.fileno()).st_ino == self.path.stat().st_ino:  # else it was trimmed meanwhile
                    yield file
                    return


def is_evaluation(line: Mapping[str, Any]) -> bool:
    """Whether an object that was read is one: a file may be anybody's."""
    if not isinstance(line.get("by"), str) or not isinstance(line.get("step"), int):
        return False
    values, protocol = line.get("values"), line.get("protocol")
    if not isinstance(values, dict) or not isinstance(protocol, dict):
        return False
    whole = all(isinstance(protocol.get(part), dict) for part in ("real", "fake", "metrics"))
    if not whole or not all(is_settings(settings) for settings in protocol["metrics"].values()):
        return False
    if not all(isinstance(protocol[side].get("weights", ""), str) for side in ("real", "fake")):
        return False
    return "features" in protocol and all(is_value(entry) for entry in values.values())


def is_settings(settings: Any) -> bool:
    """Whether an entry of a protocol's `metrics` is that of a metric."""
    needs = settings.get("needs", []) if isinstance(settings, dict) else None
    return isinstance(needs, list) and all(isinstance(need, str) for need in needs)


def is_value(entry: Any) -> bool:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("metric", "better")):
        return False
    numbers = [entry.get(key) for key in ("value", "uncertainty", "low", "high")]
    return all(number is None or type(number) in (int, float) for number in numbers)


def ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def as_columns(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """An evaluation as entries of a line of metrics.jsonl: each number, its uncertainty, and the protocol of all."""
    columns: dict[str, Any] = {}
    for name, entry in evaluation["values"].items():
        columns[name] = entry["value"]
        for key in ("uncertainty", "low", "high"):
            if key in entry:
                columns[f"{name}_{key}"] = entry[key]
    return {**columns, "protocol": evaluation["protocol"]}
