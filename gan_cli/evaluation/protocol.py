"""What a number was measured with: two numbers may be compared where all of this is equal."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Iterator, Mapping
from typing import Any

from gan_cli.evaluation.example_sets import ExampleSet
from gan_cli.features import FeatureExtractor
from gan_cli.metrics import FEATURES, LOGITS, Metric
from gan_cli.runs.environment import installed_version
from gan_cli.sampling.generator_weights import SYNONYMS

PACKAGES = ("gan-cli", "tensorflow", "keras", "numpy")
DIFFERENT_BY_NATURE = ("run", "step", "seed", "path", "checkpoint", "sha256", "of")
"""What two generated sides may differ in: it says which generator and which of its samples, not how it was measured."""
NAMES = ("name", "split", "path", "of", "skipped")
"""What says where real examples come from; what they are, their content's hash says."""


def describe_protocol(
    metrics: Mapping[str, Metric], real: ExampleSet, fake: ExampleSet, embedding: FeatureExtractor | None, seed: int
) -> dict[str, Any]:
    """The protocol of an evaluation, as plain JSON."""
    return {
        "features": None if embedding is None else {**embedding.identity, "resizer": resizer_of(embedding)},
        "real": dict(real.identity),
        "fake": dict(fake.identity),
        "metrics": {name: settings_of(metric) for name, metric in metrics.items()},
        "seed": seed,
        "versions": {"python": platform.python_version()} | {name: installed_version(name) for name in PACKAGES},
    }


def resizer_of(embedding: FeatureExtractor) -> str:
    """How images are resized before features are taken; most extractors take them as they are."""
    return str(embedding.identity.get("resizer", "none"))


def settings_of(metric: Metric) -> dict[str, Any]:
    """Class, needs and fields of a metric."""
    fields: dict[str, Any] = dataclasses.asdict(metric) if dataclasses.is_dataclass(metric) else {}
    return {"class": type(metric).__name__, "needs": sorted(metric.needs), **fields}


def protocol_differences(first: Mapping[str, Any], second: Mapping[str, Any], metric: str) -> list[str]:
    """What keeps the numbers of a metric in two protocols from being compared: one text a difference, none if equal.

    Versions may differ, and so may the generated samples themselves; whatever else could change the numbers may not.
    """
    pairs = list(differences(part(first, metric), part(second, metric)))
    return [f"{key}: {short(before)} and {short(now)}" for key, before, now in pairs]


def part(protocol: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """The part of a protocol that must be equal for two values of a metric to be compared."""
    settings = protocol["metrics"].get(metric, {})
    needs_features = {FEATURES, LOGITS} & set(settings.get("needs", ()))
    return {
        "features": protocol["features"] if needs_features else None,
        "real": {key: value for key, value in protocol["real"].items() if key not in NAMES},
        "fake": {
            key: SYNONYMS.get(value, value) if key == "weights" else value
            for key, value in protocol["fake"].items()
            if key not in DIFFERENT_BY_NATURE
        },
        "metric": settings,
    }


def differences(first: Any, second: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each leaf that differs, with its dotted key and both values."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for name in dict.fromkeys((*first, *second)):
            yield from differences(first.get(name), second.get(name), f"{key}.{name}" if key else str(name))
    elif first != second:
        yield key, first, second


def short(value: Any) -> str:
    """A value for people; a hash by its beginning."""
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text
