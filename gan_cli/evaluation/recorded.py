"""What a run has recorded of itself while it trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gan_cli.evaluation.protocol import unlike
from gan_cli.runs.directory import RunDirectory


def alike(lines: Iterable[Mapping[str, Any]], name: str, protocol: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The evaluations whose number `name` was measured by such a protocol."""
    having = [line for line in lines if name in line["values"]]
    return [line for line in having if not unlike(line["protocol"], protocol, line["values"][name]["metric"])]


def best_recorded(run: RunDirectory) -> tuple[str, float, int] | None:
    """The number that decides, its best value while the run trained and the step of that; None without any.

    Only evaluations that were made like the newest one count.
    """
    lines = run.evaluations.of_training()
    name = lines[-1].get("decides") if lines else None
    if not isinstance(name, str) or name not in lines[-1]["values"]:
        return None
    told = [(line["values"][name], line["step"]) for line in alike(lines, name, lines[-1]["protocol"])]
    found = [(value["value"], step) for value, step in told if value["value"] is not None]
    if not found:
        return None
    sign = 1 if told[0][0]["better"] == "lower" else -1
    value, step = min(found, key=lambda each: sign * each[0])
    return name, value, step
