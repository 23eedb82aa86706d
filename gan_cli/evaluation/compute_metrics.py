"""Every metric over both sides: numbers, notes and pictures, with the protocol that they were measured by."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Metric, MetricValue, Result
from gan_cli.metrics.metric_compatibility import below
from gan_cli.plotting.image_grid import write_png
from gan_cli.runs.atomic_files import make_folder, write_bytes


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
    """

    values: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    protocol: dict[str, Any]
    pictures: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, dict[str, Any]] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, without the pictures."""
        more = {} if self.baseline is None else {"baseline": self.baseline}
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
    metrics: Mapping[str, Metric], comparison: Comparison, protocol: dict[str, Any], more: Mapping[str, Result] = {}
) -> Evaluation:
    """All metrics over one comparison.

    Args:
        metrics: by the name of their choice.
        comparison: both sides.
        protocol: of this evaluation.
        more: results that were found elsewhere (a discriminator's health), by name.
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
    return Evaluation(values, notes, protocol, pictures)


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
