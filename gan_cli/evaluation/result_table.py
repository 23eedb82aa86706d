"""What an evaluation says to people: a table, and what the numbers were measured with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gan_cli.evaluation.compute_metrics import COUNTS, Evaluation
from gan_cli.evaluation.protocol import short


def table(evaluation: Evaluation) -> list[str]:
    """One line a number: its name, value, uncertainty and what is better; then how each uncertainty was found.

    A baseline is a column of its own, beside the values.
    """
    baseline = evaluation.baseline
    rows = [("", "value", "± or 95 %", *(() if baseline is None else ("real images",)), "better")]
    for name, entry in evaluation.values.items():
        beside = () if baseline is None else (number(baseline[name]["value"]) if name in baseline else "",)
        rows.append((name, number(entry["value"]), spread(entry), *beside, entry["better"]))
    ways: dict[str, list[str]] = {}
    for name, entry in evaluation.values.items():
        if entry.get("method"):
            ways.setdefault(entry["method"], []).append(name)
    found = [f"{', '.join(names)}: {by}" for by, names in ways.items()]
    if baseline:
        count = max(entry["count"] for entry in baseline.values())
        found.append(f"real images: {count:,} held-out examples in place of the generated ones")
    notes = [f"Note: {note}" for note in evaluation.notes]
    return [*aligned(rows, right=range(1, len(rows[0]) - 1)), "", *classes_table(evaluation), *found, *notes]


def classes_table(evaluation: Evaluation) -> list[str]:
    """One line a class and an empty one; nothing without classes. Values of a baseline are columns of their own."""
    classes, baseline = evaluation.classes, evaluation.baseline_classes
    if not classes:
        return []
    names = list(next(iter(classes.values())))
    real = [name for name in next(iter(baseline.values()), {}) if name not in COUNTS]
    rows = [["class", *names, *(f"{name} (real images)" for name in real)]]
    for label, values in classes.items():
        numbers = [*values.values(), *(baseline.get(label, {}).get(name) for name in real)]
        rows.append([label, *(class_number(value) for value in numbers)])
    return [*aligned(rows, right=range(1, len(rows[0]))), ""]


def class_number(value: float | None) -> str:
    """A number of a class: how many, or a value; a dash where it has too few examples."""
    return f"{value:,}" if isinstance(value, int) else "-" if value is None else number(value)


def number(value: float | None) -> str:
    return "infinite" if value is None else f"{value:#.5g}".rstrip(".")


def spread(entry: Mapping[str, Any]) -> str:
    """An uncertainty, or the bounds of an interval."""
    if entry.get("low") is not None and entry.get("high") is not None:
        return f"{entry['low']:.4g} to {entry['high']:.4g}"
    return "" if entry.get("uncertainty") is None else f"{entry['uncertainty']:.2g}"


def aligned(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Rows of words as lines with columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    to_the_right = set(right)
    lines = []
    for row in rows:
        words = [
            word.rjust(width) if column in to_the_right else word.ljust(width)
            for column, (word, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(words).rstrip())
    return lines


def format_protocol(protocol: Mapping[str, Any]) -> list[str]:
    """The protocol in a few lines; the whole is in the JSON."""
    features = protocol["features"]
    rows = {"real": describe_facts(protocol["real"]), "generated": describe_facts(protocol["fake"])}
    if features is not None:
        rows["features"] = describe_facts(features)
    return [f"{name:<10} {text}" for name, text in rows.items()]


def describe_facts(facts: Mapping[str, Any]) -> str:
    """`name` first, then the others as key value."""
    more = []
    for key, value in facts.items():
        if key == "shape":
            more.append("x".join(str(side) for side in value))
        elif isinstance(value, Mapping):
            more.append(f"{key} ({describe_facts(value)})")
        elif key != "name" and value is not None:
            more.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {short(value)}")
    named = [str(facts["name"])] if "name" in facts else []
    return ", ".join([*named, *more])
