"""Several runs in one table, ranked where their protocols are equal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.evaluation.protocol import protocol_differences
from gan_cli.evaluation.result_table import aligned, number
from gan_cli.runs.checkpoint import read_checkpoint_step
from gan_cli.runs.run_directory import find_run


@dataclass(frozen=True)
class Entry:
    """One run in the table: what `EvaluationsLog` holds of it."""

    run: str
    step: int | None
    values: dict[str, dict[str, Any]]
    protocol: dict[str, Any]


def short_names(runs: list[str]) -> dict[str, str]:
    """What to call each run: the last parts of its path, as many as make them differ."""
    paths = {run: Path(run).absolute().parts for run in runs}
    for count in range(1, max(map(len, paths.values())) + 1):
        names = {run: "/".join(parts[-count:]) for run, parts in paths.items()}
        if len(set(names.values())) == len(runs):
            break
    return names


def recorded_entry(run: str, called: str, step: int | str | None, name: str | None) -> Entry:
    """The newest evaluation in a run's evaluations.jsonl that has the number `name`. Raises ConfigError without one.

    Args:
        called: what to call the run in the table.
        step: only of this step; None for any.
        name: of the number to rank by; None for any.
    """
    directory = find_run("runs", Path(run))
    if step == "best":
        step = read_checkpoint_step(directory.best)
        if step is None:
            raise ConfigError("step", f"{run} has no checkpoints/best.npz", "best", "Leave it out, or name a step.")
    lines = [line for line in directory.evaluations.read() if step in (None, line["step"])]
    lines = [line for line in lines if name is None or name in line["values"]]
    if not lines:
        wanted = f" with {name}" if name else ""
        raise ConfigError("runs", f"has no recorded evaluation{wanted}", run, f"Make one: gan-eval run={run}")
    newest = lines[-1]
    return Entry(called, newest["step"], newest["values"], newest["protocol"])


def ranking_obstacles(entries: list[Entry], name: str) -> list[str]:
    """Why the number `name` of these runs can't be ranked, a line each; none where it can."""
    first, found = entries[0], []
    for other in entries[1:]:
        if name not in other.values or name not in first.values:
            lacking = other if name not in other.values else first
            found.append(f"{lacking.run} has no {name}")
            continue
        differences = protocol_differences(first.protocol, other.protocol, first.values[name]["metric"])
        found += [f"{first.run} and {other.run} differ in {difference}" for difference in differences]
    return found


def ranking(entries: list[Entry], name: str, better: str) -> list[Entry]:
    """The runs from the best to the worst; an infinite number is the worst."""

    def key(entry: Entry) -> tuple[bool, float]:
        value = entry.values[name]["value"]
        return value is None, 0.0 if value is None else (value if better == "lower" else -value)

    return sorted(entries, key=key)


def runs_table(entries: list[Entry], ranked: bool) -> list[str]:
    """One line a run, one column a number; the first column counts where they are ranked."""
    pairs = [(name, value["metric"]) for entry in entries for name, value in entry.values.items()]
    names = list(dict.fromkeys(name for name, metric in pairs if metric != "discriminator"))
    rows = [["", "run", "step", *names]]
    for place, entry in enumerate(entries, start=1):
        numbers = [with_spread(entry.values[name]) if name in entry.values else "" for name in names]
        step = "" if entry.step is None else str(entry.step)
        rows.append([str(place) if ranked else "", entry.run, step, *numbers])
    return aligned(rows, right=range(2, 3 + len(names)))


def with_spread(value: dict[str, Any]) -> str:
    """A number with its standard error."""
    spread = value.get("uncertainty")
    return number(value["value"]) + ("" if spread is None else f" ± {spread:.2g}")
