"""What a choice of metrics can be asked for, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gan_cli.data import DataSpec, Source
from gan_cli.errors import ConfigError, nearest
from gan_cli.features import FeatureExtractor, FeatureExtractorConfig
from gan_cli.metrics import FEATURES, LOGITS, Metric

COUNTS = ("samples", "real_samples")
"""Keys that a metric's check may name and that are not its own."""
WITH_CLASSES = "Use features=inception or features=classifier."
RESERVED = ("step", "images", "seconds", "images_per_second", "real_logits", "fake_logits", "protocol")
RESERVED_BEGINNINGS = ("generator_", "discriminator_", "penalty_")
"""Names that the lines of metrics.jsonl have for something else."""


def needs_extractor(metrics: Mapping[str, Metric]) -> bool:
    return any({FEATURES, LOGITS} & metric.needs for metric in metrics.values())


@dataclass(frozen=True)
class PlannedComparison:
    """What is known of the real and generated examples before they are read.

    Attributes:
        source: of the real examples, where they are a data set of this project.
        data: of the real examples, None where that is not known yet.
        real, fake: how many examples there will be.
        fakes_have_classes: whether the generated ones are labelled.
        fakes_have_codes: whether they have the values of a code.
    """

    source: Source | None
    data: DataSpec | None
    real: int | None
    fake: int
    fakes_have_classes: bool = False
    fakes_have_codes: bool = False


def check_metrics(metrics: Mapping[str, Metric], features: FeatureExtractorConfig, planned: PlannedComparison) -> None:
    """Raises ConfigError for what can't be measured on such data, before TensorFlow is loaded."""
    data = planned.data
    owners: dict[str, str] = {}
    for name, metric in metrics.items():
        for value in metric.values:
            if value in RESERVED or value.startswith(RESERVED_BEGINNINGS):
                raise ConfigError(f"metric.{name}", f"gives a number {value}, which training itself gives")
            if value in owners:
                raise ConfigError(f"metric.{name}", f"gives {value}, as metric.{owners[value]} does")
            owners[value] = name
        try:
            metric.check_source(planned.source)
            if data is not None:
                metric.check(data, planned.real, planned.fake)
            if LOGITS in metric.needs and data is not None and not gives_logits(features, data):
                raise ConfigError("features", f"metric.{name} needs the probabilities of classes", advice=WITH_CLASSES)
            if metric.needs_labels and not planned.fakes_have_classes:
                advice = "A folder with a sub-folder for each class has some; for others use metric=fid."
                raise ConfigError("", "goes class by class, and the generated examples have no classes", advice=advice)
            if metric.needs_codes and not planned.fakes_have_codes:
                advice = "Those of conditioning=infogan have some."
                raise ConfigError(
                    "", "matches codes with classes, and the generated examples have no codes", advice=advice
                )
        except ConfigError as error:
            raise below(name, error) from None
    if data is not None and needs_extractor(metrics):
        try:
            features.check(data)
        except ConfigError as error:
            raise error.below("features") from None


def gives_logits(features: FeatureExtractorConfig, data: DataSpec) -> bool:
    """Whether an extractor predicts classes, as far as that is known before it is opened."""
    return features.choose(data).gives_logits


def check_embedding(metrics: Mapping[str, Metric], embedding: FeatureExtractor) -> None:
    """Raises ConfigError where a metric needs classes that the extractor does not predict, or fewer dimensions."""
    for name, metric in metrics.items():
        maximum = metric.max_dimensions
        if maximum is not None and embedding.dimensions > maximum:
            problem = (
                f"metric.{name} supports at most {maximum:,} features, this extractor has {embedding.dimensions:,}"
            )
            raise ConfigError("features", problem, embedding.identity["name"], "features=inception has 2,048.")
        if LOGITS in metric.needs and embedding.classes == 0:
            problem = f"metric.{name} needs the probabilities of classes, which {embedding.identity['name']} has not"
            raise ConfigError("features", problem, advice=WITH_CLASSES)


def below(metric: str, error: ConfigError) -> ConfigError:
    """The error seen from the root; the number of examples is no key of the metric."""
    return error if error.key in (*COUNTS, "features") else error.below(f"metric.{metric}")


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
