"""The images of a page: as many real as generated ones, of one size, and the description of their origin."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.console import Console
from gan_cli.data import DataSpec, Examples, Progress
from gan_cli.errors import ConfigError
from gan_cli.evaluation.evaluation_job import check_same_shape
from gan_cli.evaluation.example_sets import StoredExamples
from gan_cli.evaluation.real_data import RealData, data_of_run, describe_files, open_files, report_skipped
from gan_cli.human_evaluation.survey_config import HumanJob
from gan_cli.human_evaluation.survey_page import Side
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.trained_models.find_generator_file import check_source, find_source, read_source_config
from gan_cli.trained_models.load_generator import load_source


@dataclass(frozen=True)
class Found:
    """Where the images come from, found without TensorFlow.

    Attributes:
        generator: a checkpoint or .keras file, or the folder of a run's checkpoints; None for files.
        real: the run's own data set; None for files.
        name: of the run, or of the file or folder that the generated images come from.
    """

    generator: Path | None
    real: RealData | None
    name: str


def find_images(job: HumanJob) -> Found:
    """Where the images come from. Raises ConfigError where they are missing, are points, or are too few."""
    generator = None if job.fake else find_source(job.run, job.checkpoint, job.step)
    name = Path(job.run or job.checkpoint or str(job.fake)).absolute()
    config = None
    if generator is not None:
        config, _ = read_source_config(generator, job.run)
        check_source(generator, config, job.weights, job.trust)
    found = Found(generator, find_own_data(job, generator, config), name.name if job.run else name.stem)
    real = found.real.describe() if found.real else describe_files("real", str(job.real), job.file_options)
    check_images("real", real, job)
    if job.fake is not None:
        fake = describe_files("fake", job.fake, job.file_options)
        check_images("fake", fake, job)
        check_same_shape(real, fake)
    return found


def find_own_data(job: HumanJob, generator: Path | None, config: dict[str, Any] | None) -> RealData | None:
    """The data that the generator was trained on; None where `real` names other images."""
    if job.real is not None or generator is None:
        return None
    if config is None:
        problem = "a generator by itself does not know the data that it was trained on"
        raise ConfigError("real", problem, advice="Name a folder of pictures or an array file.")
    return data_of_run(config, job.trust)


def check_images(key: str, data: DataSpec | None, job: HumanJob) -> None:
    """Raises ConfigError for points, and for fewer images than half the page."""
    if data is None:
        return  # known after a download
    if not data.is_image:
        named = next(each for each in (key, "run", "checkpoint") if getattr(job, each) is not None)
        advice = "gan-eval metric=[modes] counts the modes that a generator of points covers."
        problem = "is about points in the plane, of which nobody can say at a glance whether they are real"
        raise ConfigError(named, problem, getattr(job, named), advice)
    if data.examples < job.n // 2:
        side = {"real": "real", "fake": "generated"}[key]
        raise ConfigError("n", f"there are {data.examples:,} {side} images, and half the page needs more", job.n)


def read_images(job: HumanJob, found: Found, console: Console) -> tuple[Side, Side, dict[str, Any], int | None]:
    """The real and the generated side, what the protocol says of both, and the generator's step. TensorFlow is loaded.

    Raises:
        ConfigError: where they can't be read, or are of two sizes.
    """
    reals, about = open_real(job, found, console.read_data)
    report_skipped("real", reals, console)
    check_images("real", reals.spec, job)
    stored_real = StoredExamples(reals, about)
    real = chosen(stored_real, job)
    if found.generator is None:
        stored = open_files("fake", str(job.fake), job.file_options, console.read_data)
        report_skipped("fake", stored, console)
        check_images("fake", stored.spec, job)
        check_same_shape(reals.spec, stored.spec)
        fakes = StoredExamples(stored, {"name": found.name})
        check_classes(job, reals.spec.classes > 1 and stored.spec.classes > 1)
        return real, chosen(fakes, job), {"real": facts(reals, about), "fake": facts(stored, fakes.about)}, None
    generator = load_source(found.generator, job.weights, job.trust)
    check_same_shape(reals.spec, generator.metadata.data)
    check_classes(job, generator.metadata.condition is not None and reals.spec.classes > 1)
    seeds = range(job.seed, job.seed + job.n // 2)
    labels = labels_of_page(stored_real, generator, job)
    inputs = generator.latents(seeds, job.truncation)
    inputs = inputs if labels is None else replace(inputs, labels=labels)
    fake = Side(generator.render(inputs), seeds, class_names(job, generator.classes, inputs.labels))
    about_fake = describe_generator(generator, job, found.name)
    return real, fake, {"real": facts(reals, about), "fake": about_fake}, generator.metadata.step


def open_real(job: HumanJob, found: Found, progress: Progress) -> tuple[Examples, dict[str, Any]]:
    if found.real is not None:
        return found.real.training(progress), found.real.about
    path = str(job.real)
    return open_files("real", path, job.file_options, progress), {"name": Path(path).stem}


def chosen(stored: StoredExamples, job: HumanJob) -> Side:
    """The images at the places seed .. seed + n/2 - 1 of a random order, which begins again at its end."""
    places = places_of_page(stored, job)
    values, labels = stored.whole.read(places)
    return Side(values, places.tolist(), class_names(job, stored.data, labels))


def places_of_page(stored: StoredExamples, job: HumanJob) -> np.ndarray:
    """The places in the data of the stored images of the page, int64 `[n / 2]`."""
    places: np.ndarray = stored.order[(job.seed + np.arange(job.n // 2)) % stored.count]
    return places


def labels_of_page(real: StoredExamples, generator: LoadedGenerator, job: HumanJob) -> np.ndarray | None:
    """The labels of the real images of the page for the generated ones, so that a class says nothing of the answer.

    None for a generator without the classes of the data, which chooses for itself.
    """
    condition = generator.metadata.condition
    if condition is None or condition.codes or condition.classes != real.data.classes:
        return None
    labels: np.ndarray = real.whole.read_labels(places_of_page(real, job))
    return labels if (labels >= 0).all() else None


def class_names(job: HumanJob, data: DataSpec, labels: np.ndarray | None) -> list[str] | None:
    """The names of the classes that the page shows; None where it shows none."""
    if not job.show_class or labels is None:
        return None
    return [data.class_name(label) if label >= 0 else "" for label in labels.tolist()]


def check_classes(job: HumanJob, has_classes: bool) -> None:
    """Raises ConfigError where a page is to show classes, and one of the sides has none."""
    if job.show_class and not has_classes:
        problem = "needs real images with classes, and generated ones that were made for a class"
        raise ConfigError("show_class", problem, True, "Leave it out, or take a conditional run (docs/conditional.md).")


def facts(examples: Examples, about: Mapping[str, Any]) -> dict[str, Any]:
    """Which images a side was chosen from; of a path the name alone, since the page goes to other people."""
    described = {key: Path(value).name if key == "path" else value for key, value in about.items()}
    identity = StoredExamples(examples, described).identity
    return {key: value for key, value in identity.items() if key not in ("shape", "count")}


def describe_generator(generator: LoadedGenerator, job: HumanJob, name: str) -> dict[str, Any]:
    digest = hashlib.sha256()
    for array in generator.model.get_weights():
        digest.update(np.ascontiguousarray(array).tobytes())
    return {
        "run": name,
        "step": generator.metadata.step,
        "weights": job.weights,
        "truncation": job.truncation,
        "weights_sha256": digest.hexdigest(),
    }
