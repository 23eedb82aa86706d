"""The examples of some classes of a data set (`dataset.classes=[cat,dog]`).

Selected classes are numbered from 0 in the order in which they are named. They keep their names; classes that have
numbers alone keep these as names, so that `dataset.classes=[3,7]` trains on classes named 3 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gan_cli.data import NO_LABEL, DataSpec, ExampleBatch, Examples, GaussianMixture, InMemory, Progress, Source
from gan_cli.data.class_names import find_classes
from gan_cli.data.splits import Subset
from gan_cli.errors import ConfigError


def select_classes(source: Source) -> Source:
    """The source itself, or the classes of it that its field `classes` names."""
    return source if source.classes is None else ClassSelection(source)


@dataclass(frozen=True)
class ClassSelection(Source):
    """Some classes of a source.

    Attributes:
        whole: the source with all classes; its field `classes` names the selected ones.
    """

    whole: Source

    def __post_init__(self) -> None:
        for name in ("classes", "balance", "flip"):
            object.__setattr__(self, name, getattr(self.whole, name))

    @property
    def is_mirror_symmetric(self) -> bool | None:
        return self.whole.is_mirror_symmetric

    def describe(self) -> DataSpec | None:
        """Raises ConfigError as the source does, and for unknown classes.

        The number of examples is an estimate where labels are not known before the data is read.
        """
        whole = self.whole.describe()
        if whole is None:
            return None
        chosen = find_classes("classes", self.classes, whole)
        labels = self.known_labels()
        count = whole.examples * len(chosen) // whole.classes if labels is None else len(labels)
        return selected_spec(whole, chosen, count)

    def known_labels(self) -> np.ndarray | None:
        labels, whole = self.whole.known_labels(), self.whole.describe()
        if labels is None or whole is None:
            return None
        numbers = new_numbers(find_classes("classes", self.classes, whole), whole.classes)
        renumbered = numbers[labels]
        return renumbered[renumbered != NO_LABEL]

    def open(self, progress: Progress | None = None) -> Examples:
        """Raises ConfigError as the source does, for unknown classes, and where none of them has an example."""
        examples = self.whole.open(progress)
        spec = examples.spec
        chosen = find_classes("classes", self.classes, spec)
        numbers = new_numbers(chosen, spec.classes)
        labels = numbers[examples.read_labels(np.arange(spec.examples))]
        indices = np.flatnonzero(labels != NO_LABEL)
        if len(indices) == 0:
            raise ConfigError("classes", "there are no examples of these classes", self.classes)
        return Subset(renumbered(examples, selected_spec(spec, chosen, spec.examples), numbers), indices)

    def held_out(self) -> Source | None:
        found = self.whole.held_out()
        return None if found is None else select_classes(found)

    def mixture(self) -> GaussianMixture | None:
        found, whole = self.whole.mixture(), self.whole.describe()
        if found is None or whole is None:
            return None
        return found._replace(centres=found.centres[find_classes("classes", self.classes, whole)])


def selected_spec(whole: DataSpec, chosen: list[int], examples: int) -> DataSpec:
    """The spec of the classes `chosen`, labels of `whole`."""
    names = tuple(whole.class_name(label) for label in chosen)
    return replace(whole, examples=examples, classes=len(chosen), class_names=names)


def new_numbers(chosen: list[int], classes: int) -> np.ndarray:
    """int32 `[classes + 1]`: the new label of each old one; of the others, and of NO_LABEL at the end, NO_LABEL."""
    numbers = np.full(classes + 1, NO_LABEL, np.int32)
    numbers[chosen] = np.arange(len(chosen))
    return numbers


def renumbered(examples: Examples, spec: DataSpec, numbers: np.ndarray) -> Examples:
    """The same examples with other labels; nothing but labels is copied."""
    if isinstance(examples, InMemory):
        return replace(examples, spec=spec, labels=numbers[examples.labels])
    return Renumbered(examples, spec, numbers)


class Renumbered(Examples):
    """Examples of `whole` with the label `numbers[label]`."""

    def __init__(self, whole: Examples, spec: DataSpec, numbers: np.ndarray) -> None:
        self.whole, self.spec, self.numbers = whole, spec, numbers
        self.skipped, self.warnings = whole.skipped, whole.warnings

    def read(self, indices: np.ndarray) -> ExampleBatch:
        values, labels = self.whole.read(indices)
        return ExampleBatch(values, self.numbers[labels])

    def read_labels(self, indices: np.ndarray) -> np.ndarray:
        numbers: np.ndarray = self.numbers[self.whole.read_labels(indices)]
        return numbers

    @property
    def is_in_memory(self) -> bool:
        return self.whole.is_in_memory

    @property
    def memory_bytes(self) -> int:
        return self.whole.memory_bytes
