"""Checks of the classes and labels of a data set against the conditioning that learns from them."""

from __future__ import annotations

import numpy as np

from gan_cli.conditioning import Conditioning
from gan_cli.config.job_builder import TrainJob
from gan_cli.data import NO_LABEL, DataSpec, Examples
from gan_cli.data.class_names import MOST_NAMES, describe_classes
from gan_cli.errors import ConfigError
from gan_cli.models.model_checks import choose_way


def check_classes(job: TrainJob, data: DataSpec) -> None:
    """Raises ConfigError where a conditioning can't use the classes of the data, or the model takes no condition."""
    conditioning, name = job.conditioning, name_of(job.conditioning)
    if conditioning.needs_labels and data.classes < 2:
        problem = f"needs examples of two classes or more, and {describe_classes(data)}"
        advice = "Give labels (a sub-folder for each class, say; docs/data.md), or use conditioning=none."
        raise ConfigError("conditioning", problem, name, advice)
    condition = conditioning.condition(data)
    if condition is not None:
        choose_way(job.model, condition)


def check_labels(conditioning: Conditioning, examples: Examples) -> list[str]:
    """Checks the label of every example; returns a warning where classes have none.

    Raises:
        ConfigError: for labels out of range, and for examples without a label where the conditioning needs them.
    """
    if not conditioning.needs_labels:
        return []
    spec, name = examples.spec, name_of(conditioning)
    labels = examples.read_labels(np.arange(spec.examples))
    wrong = labels[(labels >= spec.classes) | (labels < NO_LABEL)]
    if len(wrong):
        problem = (
            f"{len(wrong):,} of {len(labels):,} examples have a label such as {wrong[0]}; {describe_classes(spec)}"
        )
        raise ConfigError("dataset", problem, advice="Correct the labels of the data.")
    missing = int(np.count_nonzero(labels == NO_LABEL))
    if missing:
        problem = f"needs labels, and {missing:,} of {len(labels):,} examples have none (-1); {describe_classes(spec)}"
        advice = "Select the classes, dataset.classes=[...], which leaves out the others, or use conditioning=none."
        raise ConfigError("conditioning", problem, name, advice)
    empty = np.flatnonzero(np.bincount(labels, minlength=spec.classes) == 0).tolist()
    if not empty:
        return []
    names = ", ".join(spec.class_name(label) for label in empty[:MOST_NAMES])
    more = f" and {len(empty) - MOST_NAMES:,} more" if len(empty) > MOST_NAMES else ""
    return [f"no example has the class {names}{more}: the generator learns nothing about it"]


def name_of(conditioning: Conditioning) -> str:
    """The choice of a conditioning, which is the name of its module."""
    return type(conditioning).__module__.rpartition(".")[2]
