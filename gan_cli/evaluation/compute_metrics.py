"""Every metric over both sides: numbers, notes and pictures, with the protocol that they were measured by."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Metric, MetricValue, Result
from gan_cli.metrics.metric_compatibility import below
from gan_cli.plotting.image_grid import write_png
from gan_cli.runs.atomic_files import make_folder, write_bytes

ClassTable = dict[str, dict[str, float | None]]
"""Numbers by their names, by the name of a class."""
COUNTS = ("real", "generated")
"""The numbers of examples of a class in its row."""


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        values: each number by its name, as `describe_value` writes it.
        notes: what a reader of the numbers must know.
        protocol: what they were measured with; see `gan_cli.evaluation.protocol`.
        pictures: PIL images by name.
        baseline: the values of held-out real examples in place of the generated ones, in the form of `values`; None
            where they were not asked for.
        classes: numbers of each class, by its name, beside the number of its examples; empty unless asked for.
        baseline_classes: the same of the baseline.
    """

    values: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    protocol: dict[str, Any]
    pictures: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, dict[str, Any]] | None = None
    classes: ClassTable = field(default_factory=dict)
    baseline_classes: ClassTable = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, without the pictures."""
        more: dict[str, Any] = {} if self.baseline is None else {"baseline": self.baseline}
        if self.classes:
            more["classes"] = self.classes
        if self.baseline_classes:
            more["baseline_classes"] = self.baseline_classes
        return {"values": self.values, "notes": list(self.notes), "protocol": self.protocol, **more}

    def write_pictures(self, folder: Path, step: int | None) -> dict[str, str]:
        """Writes what metrics drew, as PNG; gives the paths by name. Raises OSError where that can't be done."""
        written = {}
        for name, image in self.pictures.items():
            make_folder(folder)
            path = folder / (f"{name}.png" if step is None else f"step_{step:08d}_{name}.png")
            content = io.BytesIO()
            write_png(image, content)
            write_bytes(path, content.getvalue())
            written[name] = str(path)
        return written


def measure(
    metrics: Mapping[str, Metric],
    comparison: Comparison,
    protocol: dict[str, Any],
    more: Mapping[str, Result] = {},
    per_class: bool = False,
) -> Evaluation:
    """All metrics over one comparison.

    Args:
        metrics: by the name of their choice.
        comparison: both sides.
        protocol: of this evaluation.
        more: results that were found elsewhere (a discriminator's health), by name.
        per_class: whether metrics are also computed for each class; both sides have labels then.
    """
    results: dict[str, Result] = {}
    for done, (name, metric) in enumerate(metrics.items()):
        comparison.reporter.progress(f"measuring {name}", done, len(metrics))
        try:
            results[name] = metric(comparison)
        except ConfigError as error:
            raise below(name, error) from error
    results |= more
    values: dict[str, dict[str, Any]] = {}
    for name, result in results.items():
        better = metrics[name].values if name in metrics else {}
        for value_name, measured in result.values.items():
            values[value_name] = describe_value(name, measured, better.get(value_name, ""))
    notes = tuple(f"{name}: {note}" for name, result in results.items() for note in result.notes)
    pictures = {picture: image for result in results.values() for picture, image in result.pictures.items()}
    classes = class_table(metrics, comparison) if per_class else {}
    return Evaluation(values, notes, protocol, pictures, classes=classes)


def class_table(metrics: Mapping[str, Metric], comparison: Comparison) -> ClassTable:
    """The numbers of each class, by its name; None where it has too few examples."""
    real, fake = comparison.real, comparison.fake
    assert real.labels is not None
    assert fake.labels is not None
    table: ClassTable = {}
    found = {name: metric.class_rows(comparison) for name, metric in metrics.items()}
    for label in np.unique(np.concatenate([real.labels, fake.labels])).tolist():
        row = {name: int((side.labels == label).sum()) for name, side in zip(COUNTS, (real, fake), strict=True)}
        numbers = {
            value: plain(rows[label][value]) if label in rows else None
            for name, rows in found.items()
            for value in metrics[name].class_values
        }
        table[real.data.class_name(label)] = {**row, **numbers}
    return table


def describe_value(metric: str, measured: MetricValue, better: str) -> dict[str, Any]:
    """A number as plain JSON, which has no infinity: null there, and `method` says so."""
    if math.isnan(measured.value):
        raise ArithmeticError(f"The metric {metric} gave no number.")
    entry: dict[str, Any] = {"value": plain(measured.value), "metric": metric, "better": better}
    for key in ("uncertainty", "low", "high"):
        value = getattr(measured, key)
        if value is not None:
            entry[key] = plain(value)
    if measured.method or math.isinf(measured.value):
        entry["method"] = measured.method or "infinite"
    return entry


def plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
