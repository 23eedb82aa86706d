"""Every metric over both sides: numbers, notes and pictures, with the protocol that they were measured by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gan_cli.checks import ConfigError, nearest
from gan_cli.data import DataSpec, Source
from gan_cli.features import Embedding, Extractor
from gan_cli.metrics import FEATURES, LOGITS, Comparison, Measured, Metric, Result

COUNTS = ("samples", "real_samples")
"""Keys that a metric's check may name and that are not its own."""


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        values: each number by its name, as `describe_value` writes it.
        notes: what a reader of the numbers must know.
        protocol: what they were measured with; see `gan_cli.evaluation.protocol`.
        pictures: PIL images by name.
    """

    values: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    protocol: dict[str, Any]
    pictures: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, without the pictures."""
        return {"values": self.values, "notes": list(self.notes), "protocol": self.protocol}

    def numbers(self) -> dict[str, float]:
        """The finite values alone, by name."""
        return {name: float(told["value"]) for name, told in self.values.items() if told["value"] is not None}


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
        comparison.teller.progress(f"measuring {name}", done, len(metrics))
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


def describe_value(metric: str, measured: Measured, better: str) -> dict[str, Any]:
    """A number as plain JSON, which has no infinity: null there, and `by` says so."""
    if math.isnan(measured.value):
        raise ArithmeticError(f"The metric {metric} gave no number.")
    told: dict[str, Any] = {"value": plain(measured.value), "metric": metric, "better": better}
    for key in ("uncertainty", "low", "high"):
        value = getattr(measured, key)
        if value is not None:
            told[key] = plain(value)
    if measured.by or math.isinf(measured.value):
        told["by"] = measured.by or "infinite"
    return told


def plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def needs_extractor(metrics: Mapping[str, Metric]) -> bool:
    return any({FEATURES, LOGITS} & metric.needs for metric in metrics.values())


def check_metrics(
    metrics: Mapping[str, Metric],
    features: Extractor,
    source: Source | None,
    data: DataSpec | None,
    real: int | None,
    fake: int,
    fakes_have_classes: bool = False,
) -> None:
    """Raises ConfigError for what can't be measured on such data, before TensorFlow is loaded.

    Args:
        source: of the real examples, where they are a data set of this project.
        data: of the real examples, None where that is not known yet.
        real, fake: how many examples there will be.
        fakes_have_classes: whether the generated ones are labelled.
    """
    owners: dict[str, str] = {}
    for name, metric in metrics.items():
        for value in metric.values:
            if value in owners:
                raise ConfigError(f"metric.{name}", f"gives {value}, as metric.{owners[value]} does")
            owners[value] = name
        try:
            check_source = getattr(metric, "check_source", None)
            if check_source is not None:
                check_source(source)
            if data is not None:
                metric.check(data, real, fake)
            if getattr(metric, "needs_labels", False) and not fakes_have_classes:
                advice = "A folder with a sub-folder for each class has some; for others use metric=fid."
                raise ConfigError("", "goes class by class, and the generated examples have no classes", advice=advice)
        except ConfigError as error:
            raise below(name, error) from None
    if data is not None and needs_extractor(metrics):
        try:
            features.check(data)
        except ConfigError as error:
            raise error.below("features") from None


def check_embedding(metrics: Mapping[str, Metric], embedding: Embedding) -> None:
    """Raises ConfigError where a metric asks for classes that the extractor does not tell, or for fewer dimensions."""
    for name, metric in metrics.items():
        most = getattr(metric, "most_dimensions", embedding.dimensions)
        if embedding.dimensions > most:
            problem = (
                f"metric.{name} takes features of at most {most:,} dimensions, these have {embedding.dimensions:,}"
            )
            raise ConfigError("features", problem, embedding.identity["name"], "features=inception has 2,048.")
        if LOGITS in metric.needs and embedding.classes == 0:
            problem = f"metric.{name} needs the probabilities of classes, which {embedding.identity['name']} has not"
            raise ConfigError("features", problem, advice="Use features=inception or features=classifier.")


def below(metric: str, error: ConfigError) -> ConfigError:
    """The error seen from the root; the number of examples is no key of the metric."""
    return error if error.key in COUNTS else error.below(f"metric.{metric}")


def value_names(metrics: Mapping[str, Metric]) -> dict[str, str]:
    """Every number that the metrics give, with what is better."""
    return {value: better for metric in metrics.values() for value, better in metric.values.items()}


def choose_value(key: str, wanted: str | None, metrics: Mapping[str, Metric]) -> tuple[str, str]:
    """The number by which checkpoints or runs are compared, and what is better of it.

    Args:
        key: of the setting, for errors.
        wanted: its name; None for the first one that is better lower or higher.

    Raises:
        ConfigError: where no metric gives it, or neither direction is better.
    """
    directed = {name: better for name, better in value_names(metrics).items() if better}
    if wanted is None:
        if not directed:
            raise ConfigError(key, "none of the metrics says which of two generators is better")
        return next(iter(directed.items()))
    if wanted not in directed:
        problem = f"expected one of {', '.join(directed)}" if directed else "no metric gives a number to go by"
        raise ConfigError(key, problem, wanted, nearest(wanted, directed))
    return wanted, directed[wanted]
