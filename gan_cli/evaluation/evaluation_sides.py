"""The two sides of an evaluation: where real and generated examples come from, found without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gan_cli.config.target_allowlist import attribute_of
from gan_cli.console import Console
from gan_cli.data import DataSpec, Examples, Source
from gan_cli.errors import ConfigError
from gan_cli.evaluation.evaluation_config import EvaluationJob
from gan_cli.evaluation.real_data import OpenedSources, RealData, data_of_run, describe_files, open_files
from gan_cli.trained_models.find_generator_file import check_source, find_source, read_source_config


@dataclass(frozen=True)
class RealSide:
    """The real examples of a comparison.

    Attributes:
        examples: what the generated ones are compared with.
        about: the same in plain JSON.
        source: the data set, None for files.
        held_out: gives examples that training never saw, None where there are none.
        labelled: gives those that an extractor is trained on.
    """

    examples: Examples
    about: dict[str, Any]
    source: Source | None
    held_out: Callable[[], Examples | None]
    labelled: Callable[[], Examples]


@dataclass(frozen=True)
class FakeSide:
    """Where generated examples come from.

    Attributes:
        generator: a checkpoint or a .keras file, or the folder of a run's checkpoints; None for files.
        config: of the run, where that is known.
        about: the same in plain JSON.
        data: what it makes, None where that is known only once it is loaded.
    """

    generator: Path | None
    config: dict[str, Any] | None
    about: dict[str, Any]
    data: DataSpec | None


def find_fake(job: EvaluationJob, run: str | None = None) -> FakeSide:
    """The generated side, found without TensorFlow. `run` stands for `settings.run`. Raises ConfigError."""
    settings = job.settings
    run = run or settings.run
    if settings.fake is not None:
        return FakeSide(None, None, {"path": settings.fake}, None)
    try:
        source = find_source(run, settings.checkpoint, settings.step)
    except ConfigError as error:
        if error.key == "run" and settings.run is None:
            raise ConfigError("runs", error.problem, run, error.advice) from None
        raise
    config, data = read_source_config(source, run)
    check_source(source, config, settings.weights, settings.trust)
    about = {"checkpoint": source.name} if run is None else {"run": Path(run).absolute().name}
    return FakeSide(source, config, {**about, "weights": settings.weights}, data)


def conditional_classes(fake: FakeSide) -> int:
    """The number of classes that a run's generator takes, 0 for none or where that is not known."""
    if fake.config is None or fake.data is None or not fake.config.get("conditioning"):
        return 0
    node = fake.config["conditioning"]
    takes_labels = bool(attribute_of("conditioning", node, "needs_labels"))
    return fake.data.classes if takes_labels else 0


def has_codes(fake: FakeSide) -> bool:
    """Whether a run's generator takes codes that it draws itself; false where that is not known."""
    node = None if fake.config is None else fake.config.get("conditioning")
    return bool(attribute_of("conditioning", node, "draws_targets"))


def find_real(job: EvaluationJob, fake: FakeSide) -> RealData | str:
    """The data set of the real side, or the path of its files. Raises ConfigError where there is neither."""
    settings = job.settings
    if settings.real is not None:
        return settings.real
    if job.dataset is not None:
        return RealData(job.dataset, job.dataset_about)
    if fake.config is None:
        problem = "a generator by itself does not know the data that it was trained on"
        raise ConfigError("real", problem, advice="Name it: real=FOLDER_OR_FILE, or dataset=NAME.")
    return data_of_run(fake.config, settings.trust)


def describe(job: EvaluationJob, real: RealData | str) -> DataSpec | None:
    """What is known of the real examples at once."""
    if isinstance(real, str):
        return describe_files("real", real, job.settings.file_options)
    return real.describe()


def open_real(job: EvaluationJob, fake: FakeSide, console: Console, opened: OpenedSources) -> RealSide:
    found, settings = find_real(job, fake), job.settings
    if isinstance(found, str):
        examples = open_files("real", found, settings.file_options, console.read_data)
        return RealSide(examples, {"path": found}, None, lambda: None, lambda: examples)
    data = replace(found, opened=opened)
    examples, about = data.split(settings.split, console.read_data)

    def training() -> Examples:
        return examples if settings.split == "train" else data.training(console.read_data)

    return RealSide(examples, about, data.source, lambda: data.held_out(console.read_data), training)
