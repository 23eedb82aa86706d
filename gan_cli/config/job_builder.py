"""Builds typed objects from a configuration. Modules that use them never see a DictConfig."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from gan_cli.augmentations import Augmentation
from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.none import NoConditioning
from gan_cli.config.auto_errors import rules_named_for_auto
from gan_cli.config.config_trust import STORED, ConfigOrigin, check_stored_values
from gan_cli.config.field_types import check_type, scheduled_fields, structured
from gan_cli.config.run_length import with_run_length
from gan_cli.config.schema import EvaluationSection, RunSection, SampleSection, TrainSection
from gan_cli.config.target_allowlist import check_targets, load_class
from gan_cli.data import Source
from gan_cli.data.class_selection import select_classes
from gan_cli.errors import ConfigError, nearest
from gan_cli.features import FeatureExtractorConfig
from gan_cli.features.automatic import Automatic
from gan_cli.loggers import Logger
from gan_cli.losses import Loss
from gan_cli.metrics import Metric
from gan_cli.models import ModelPair
from gan_cli.number_limits import check_seed
from gan_cli.optimizers.optimizer import Optimizer
from gan_cli.penalties import Penalty, Projection, Regularizer
from gan_cli.penalties.phase_penalty import PhasePenalty
from gan_cli.schedule import Schedule

GROUPS = (
    *("dataset", "model", "conditioning", "loss", "penalty", "augment", "optimizer", "features", "metric", "logger"),
    "experiment",
)
REQUIRED = ("dataset", "model", "loss", "optimizer")
SECTIONS = ("train", "run", "sample", "eval")
TOP_LEVEL_KEYS = ("seed", "resume", "dry_run", "trust")

BASE_CLASSES: dict[str, tuple[type, ...]] = {
    "dataset": (Source,),
    "model": (ModelPair,),
    "conditioning": (Conditioning,),
    "loss": (Loss,),
    "penalty": (Penalty, Projection, PhasePenalty),
    "augment": (Augmentation,),
    "optimizer": (Optimizer,),
    "logger": (Logger,),
    "features": (FeatureExtractorConfig,),
    "metric": (Metric,),
}
"""The base classes of the parts of each group: the contracts of parts."""


@dataclasses.dataclass(frozen=True)
class TrainJob:
    """All parts of a training run, typed and checked. TensorFlow is not loaded yet."""

    dataset: Source
    model: ModelPair
    conditioning: Conditioning
    loss: Loss
    penalties: dict[str, Regularizer | Projection]
    augmentations: dict[str, Augmentation]
    optimizer: Optimizer
    features: FeatureExtractorConfig
    metrics: dict[str, Metric]
    loggers: dict[str, Logger]
    train: TrainSection
    run: RunSection
    sample: SampleSection
    evaluation: EvaluationSection
    seed: int
    config: dict[str, Any]
    """The whole configuration, resolved, as plain containers: what config.yaml holds."""


@rules_named_for_auto()
def build_job(plain: Mapping[str, Any], origin: ConfigOrigin = STORED) -> TrainJob:
    """Builds the job that a configuration describes.

    Args:
        plain: the whole configuration, resolved, as plain containers.
        origin: where the configuration comes from, which decides what code it may name.

    Raises:
        ConfigError: with the key, where something can't be built.
    """
    known = (*GROUPS, *SECTIONS, *TOP_LEVEL_KEYS)
    unknown = [str(key) for key in plain if key not in known]
    if unknown:
        raise ConfigError(unknown[0], "no such key", advice=nearest(unknown[0], known))
    sections = {"train": TrainSection, "run": RunSection, "sample": SampleSection}
    missing = next((key for key in (*REQUIRED, *sections, *TOP_LEVEL_KEYS) if key not in plain), None)
    if missing is not None:
        raise ConfigError(missing, "is missing from the configuration")
    for key in ("dry_run", "trust"):
        if not isinstance(plain[key], bool):
            raise ConfigError(key, "expected true or false", plain[key])
    check_seed(plain["seed"])
    check_targets(plain, origin)
    built = {name: build_section(name, plain[name], cls) for name, cls in sections.items()}  # others refer to these
    built |= {name: build(name, plain[name], origin) for name in REQUIRED}
    job = TrainJob(
        **built,
        penalties=build_each("penalty", plain.get("penalty"), origin),
        augmentations=build_each("augment", plain.get("augment"), origin),
        conditioning=stored_conditioning(plain, origin),
        # Runs that were begun before there were evaluations have none of these three.
        evaluation=build_section("eval", plain.get("eval", {}), EvaluationSection),
        features=build("features", plain["features"], origin) if "features" in plain else Automatic(),
        metrics=build_each("metric", plain.get("metric"), origin),
        loggers=build_each("logger", plain.get("logger"), origin),
        seed=plain["seed"],
        config={key: value for key, value in plain.items() if key not in ("resume", "dry_run", "trust")},
    )
    return end_schedules_with_run(job)


def end_schedules_with_run(job: TrainJob) -> TrainJob:
    """The job with the length of its run in all schedules that end with the run."""
    steps = job.train.steps
    return dataclasses.replace(
        job,
        train=with_run_length("train", job.train, steps),
        optimizer=with_run_length("optimizer", job.optimizer, steps),
        penalties={name: with_run_length(f"penalty.{name}", one, steps) for name, one in job.penalties.items()},
        augmentations={name: with_run_length(f"augment.{name}", one, steps) for name, one in job.augmentations.items()},
    )


def stored_section(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The section or part `key` of a stored configuration, which anybody may have edited.

    Raises:
        ConfigError: where it is missing or no mapping.
    """
    if key not in config:
        raise ConfigError(key, "is missing from the run's configuration", advice="Restore its config.yaml.")
    section = config[key]
    if not isinstance(section, Mapping):
        raise ConfigError(key, "expected a mapping of keys in the run's configuration", section)
    return section


def stored_conditioning(config: Mapping[str, Any], origin: ConfigOrigin = STORED) -> Conditioning:
    """`conditioning` of a configuration; none where the run began before there was one."""
    node = config.get("conditioning")
    conditioning: Conditioning = NoConditioning() if node is None else build("conditioning", node, origin)
    return conditioning


def stored_evaluation(config: Mapping[str, Any]) -> EvaluationSection:
    """`eval.*` of a stored configuration; the defaults where the run began before there were evaluations."""
    section: EvaluationSection = build_section("eval", config.get("eval", {}), EvaluationSection)
    return section


def build_each(group: str, nodes: Any, origin: ConfigOrigin = STORED) -> dict[str, Any]:
    """Builds the objects of a group that takes several choices, by name."""
    if nodes is None:
        return {}
    if not isinstance(nodes, Mapping):
        raise ConfigError(group, f"expected names of the group, such as {group}=[]", nodes)
    return {str(name): build(f"{group}.{name}", node, origin) for name, node in nodes.items() if node is not None}


def build(key: str, node: Any, origin: ConfigOrigin = STORED) -> Any:
    """Builds the object whose class `node["_target_"]` names, with the other entries as its fields.

    Raises:
        ConfigError: where a configuration of this origin may not name that class or hold such a value.
    """
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise ConfigError(key, "expected a mapping with a _target_", node)
    cls = load_class(f"{key}._target_", node["_target_"], origin)
    check_base_class(f"{key}._target_", cls, node["_target_"])
    part = build_section(key, {name: value for name, value in node.items() if name != "_target_"}, cls)
    check_stored_values(key, part, origin)
    return select_classes(part) if isinstance(part, Source) else part


def check_base_class(key: str, cls: type, target: str) -> None:
    """Raises ConfigError unless a part's class derives from its group's base class and defines all of its methods."""
    bases = BASE_CLASSES.get(key.partition(".")[0], (object,))
    names = [f"{base.__module__}.{base.__name__}" for base in bases]
    if not issubclass(cls, bases):
        advice = f"Write: class {cls.__name__}({bases[0].__name__})."
        raise ConfigError(key, f"does not derive from {' or '.join(names)}", target, advice)
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        raise ConfigError(key, f"does not define {' and '.join(missing)}, which {names[0]} requires", target)


def build_section(key: str, values: Any, cls: type) -> Any:
    """Builds `cls(**values)` after checking each value against the type of its field.

    Raises:
        ConfigError: for an unknown key (with the nearest one), a missing one, a wrong type, or what `cls` refuses.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(key, "expected a mapping of keys", values)
    parameters = inspect.signature(cls).parameters
    full = {str(name): f"{key}.{name}".lstrip(".") for name in (*values, *parameters)}
    for name in values:
        if name not in parameters:
            raise ConfigError(full[str(name)], "no such key", advice=nearest_below(key, str(name), parameters))
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in values:
            raise ConfigError(full[name], "is missing", advice=f"Give it as {full[name]}=VALUE.")
    if dataclasses.is_dataclass(cls):
        fields, scheduled = structured(cls), scheduled_fields(cls)
        values = {
            name: build_section(full[name], value, Schedule)
            if name in scheduled and isinstance(value, Mapping)
            else check_type(full[name], fields, cls, str(name), value)
            for name, value in values.items()
        }
    try:
        return cls(**values)
    except ConfigError as error:
        first = error.key.partition(".")[0]
        seen_from_root = first in (*GROUPS, *SECTIONS) and first not in parameters  # model.conditioning is a field
        raise (error if seen_from_root else error.below(key)) from None


def nearest_below(key: str, name: str, names: Iterable[str]) -> str:
    """Advice that names the whole key nearest to `key.name`, or ""."""
    advice = nearest(name, names)
    return advice.replace("Did you mean ", f"Did you mean {key}.") if key else advice
