"""What a run has recorded of itself while it trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gan_cli.evaluation.best_tracker import ranks
from gan_cli.evaluation.protocol import protocol_differences
from gan_cli.runs.run_directory import RunDirectory


def same_protocol(
    lines: Iterable[Mapping[str, Any]], name: str, protocol: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The evaluations whose number `name` was measured by such a protocol."""
    having = [line for line in lines if name in line["values"]]
    return [
        line for line in having if not protocol_differences(line["protocol"], protocol, line["values"][name]["metric"])
    ]


def best_recorded(run: RunDirectory) -> tuple[str, float, int] | None:
    """The number that decides, its best value while the run trained and the step of that; None without any.

    Only evaluations that were made like the newest one count.
    """
    lines = run.evaluations.of_training()
    name = lines[-1].get("decides") if lines else None
    if not isinstance(name, str) or name not in lines[-1]["values"]:
        return None
    counting = same_protocol(lines, name, lines[-1]["protocol"])
    best = min(counting, key=lambda line: ranks(line["values"], name))
    value = best["values"][name]["value"]
    return None if value is None else (name, value, best["step"])
