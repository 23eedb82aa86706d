"""The keys of configs/eval.yaml, typed and checked, with no TensorFlow loaded yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.config.config_trust import ConfigOrigin
from gan_cli.config.job_builder import build, build_each, build_section
from gan_cli.config.target_allowlist import check_targets
from gan_cli.data import Source
from gan_cli.data.input_paths import expand_home
from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.evaluation.real_data import FileOptions, describe_dataset
from gan_cli.features import FeatureExtractorConfig
from gan_cli.metrics import Metric
from gan_cli.metrics.metric_compatibility import choose_value, value_names
from gan_cli.number_limits import MAX_INTEGER, MAX_SAMPLES, check_step
from gan_cli.sampling.generator_weights import check_without_generator, parse_weights

GENERATED = 10_000
"""Examples that a generator makes where nobody says how many."""


@dataclass(frozen=True)
class EvaluationSettings:
    """Everything that no group fills. configs/eval.yaml explains each key."""

    run: str | None
    runs: Any
    step: Any
    checkpoint: str | None
    fake: str | None
    real: str | None
    split: str
    image_size: Any
    channels: Any
    max_megapixels: float
    value_range: Any
    memory_limit: float
    samples: int | None
    real_samples: int | None
    seed: int
    weights: str
    truncation: float
    best_by: str | None
    baseline: bool
    recorded: bool
    json: bool
    output: str | None
    trust: bool
    per_class: bool = False

    def __post_init__(self) -> None:
        for key in ("run", "runs", "checkpoint", "fake", "real", "output"):
            object.__setattr__(self, key, expand_home(key, getattr(self, key)))
        given = [key for key in ("run", "runs", "checkpoint", "fake") if getattr(self, key) is not None]
        if len(given) != 1:
            problem = "expected one of run=RUN, runs=[A,B], checkpoint=FILE and fake=FOLDER_OR_FILE"
            value = getattr(self, given[1]) if given else None
            advice = "For example: gan-eval run=outputs/20261120-101502_dcgan_wgan_mnist_seed0"
            raise ConfigError(given[1] if given else "run", problem, value, advice)
        self.check_together()
        check_choice("split", self.split, ("train", "held_out"))
        object.__setattr__(self, "weights", parse_weights(self.weights))
        check_step("step", self.step)
        _ = self.file_options  # checks them
        for key in ("samples", "real_samples"):
            if getattr(self, key) is not None:
                check_number(key, getattr(self, key), at_least=2, at_most=MAX_SAMPLES)
        check_number("seed", self.seed, at_least=0, at_most=MAX_INTEGER - MAX_SAMPLES)
        check_number("truncation", self.truncation, above=0, at_most=1)

    def check_together(self) -> None:
        """Raises ConfigError for keys that do not go with each other."""
        if self.step is not None and self.run is None and self.runs is None:
            raise ConfigError("step", "goes with run= or runs=", self.step)
        if self.runs is not None and (not isinstance(self.runs, list) or len(self.runs) < 2):
            raise ConfigError("runs", "expected two run directories or more: runs=[A,B]", self.runs)
        paths = [Path(str(run)).resolve() for run in self.runs or ()]
        if len(set(paths)) < len(paths):
            raise ConfigError("runs", "names a run twice", self.runs)
        if self.runs is not None and self.real is not None:
            raise ConfigError("real", "does not go with runs=, each of which has data of its own", self.real)
        if self.real is not None and self.split != "train":
            raise ConfigError("split", "does not go with real=, which is all of one kind", self.split)
        if self.baseline and (self.real is not None or self.split != "train"):
            other = "real=, which has no held-out images" if self.real is not None else "split=held_out"
            raise ConfigError("baseline", f"does not go with {other}", self.baseline)
        if self.baseline and self.runs is not None:
            raise ConfigError("baseline", "does not go with runs=, whose table has a line a run", self.baseline)
        if self.per_class and self.runs is not None:
            raise ConfigError("per_class", "does not go with runs=, a table of one line a run", self.per_class)
        if self.recorded and self.runs is None:
            raise ConfigError("recorded", "goes with runs=[A,B]", self.recorded)
        if self.fake is not None:
            check_without_generator(self.weights, self.truncation)

    @property
    def file_options(self) -> FileOptions:
        """How the files of `real` and `fake` are read. Raises ConfigError for values that can't be."""
        return FileOptions.of(self)


@dataclass(frozen=True)
class EvaluationJob:
    """What to measure, and of what."""

    settings: EvaluationSettings
    metrics: dict[str, Metric]
    features: FeatureExtractorConfig
    dataset: Source | None
    dataset_about: dict[str, Any]
    best_by: tuple[str, str] | None
    """The number that ranks, and what is better of it; None where no metric gives one."""


def build_evaluation(plain: Mapping[str, Any], origin: ConfigOrigin) -> EvaluationJob:
    """The job that a configuration describes. Raises ConfigError with the key, where something can't be built."""
    groups = ("metric", "features", "dataset")
    rest = {key: value for key, value in plain.items() if key not in groups}
    settings: EvaluationSettings = build_section("", rest, EvaluationSettings)
    check_targets(plain, origin)
    metrics: dict[str, Metric] = build_each("metric", plain.get("metric"), origin)
    if not metrics:
        raise ConfigError("metric", "expected one at least", [], "For example metric=[fid,prdc].")
    node = plain.get("dataset")
    if node is not None and (settings.real is not None or settings.runs is not None):
        raise ConfigError("dataset", "does not go with real= or runs=", advice="Leave one of them out.")
    if settings.fake is not None and settings.real is None and node is None:
        raise ConfigError("real", "is needed beside fake=", advice="real=FOLDER_OR_FILE, or dataset=NAME.")
    names = [name for name, metric in metrics.items() if metric.uses_held_out]
    if settings.split == "held_out" and names:
        problem = f"metric.{names[0]} compares with the training examples, and takes the held-out ones beside them"
        raise ConfigError("split", problem, settings.split, "Leave it at split=train.")
    if settings.per_class and not any(metric.class_values for metric in metrics.values()):
        problem = "none of the metrics gives numbers of each class"
        raise ConfigError("per_class", problem, True, "Add metric=[prdc], class_accuracy or intra_fid.")
    directed = any(value_names(metrics).values())
    return EvaluationJob(
        settings,
        metrics,
        features=build("features", plain["features"], origin),
        dataset=None if node is None else build("dataset", node, origin),
        dataset_about={} if node is None else describe_dataset(node),
        best_by=choose_value("best_by", settings.best_by, metrics) if directed or settings.best_by else None,
    )
