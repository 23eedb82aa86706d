"""What is compared: real and generated examples, wherever they come from, behind one face.

Every set is read in an order that is random and depends on its size alone. The first rows of any set are therefore a
random subset, and the same pixels give the same numbers whether they come from a generator, a folder or an array.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gan_cli.data import DataSpec, Examples, Progress
from gan_cli.data.chunk_length import chunk_length
from gan_cli.data.content_hash import Fingerprint, fingerprint
from gan_cli.sampling.generate import BATCH

if TYPE_CHECKING:
    from gan_cli.sampling.loaded_generator import LoadedGenerator


class ExampleSet(Protocol):
    """One side of a comparison."""

    @property
    def data(self) -> DataSpec: ...

    @property
    def count(self) -> int: ...

    @property
    def labels(self) -> np.ndarray | None:
        """int32 `[count]`, the class of each, None where they have no classes."""
        ...

    @property
    def identity(self) -> dict[str, Any]:
        """What the protocol says of these examples, as plain JSON."""
        ...

    def read(self, start: int, stop: int) -> np.ndarray:
        """uint8 images `[stop - start, height, width, channels]`, or float32 points `[stop - start, 2]`."""
        ...


@dataclass(frozen=True)
class StoredExamples:
    """Real examples, or generated ones from any tool: a data set, a folder, an array.

    Attributes:
        whole: all that there are.
        about: where they come from, in words and plain JSON: {"name": "mnist", "split": "train"}.
        wanted: how many of them; None for all.
        progress: receives the number that is read, where all must be read to be known again.
    """

    whole: Examples
    about: dict[str, Any]
    wanted: int | None = None
    progress: Progress | None = None

    @property
    def data(self) -> DataSpec:
        return self.whole.spec

    @property
    def count(self) -> int:
        return min(self.whole.spec.examples, self.wanted or self.whole.spec.examples)

    @cached_property
    def order(self) -> np.ndarray:
        return random_order(self.whole.spec.examples)[: self.count]

    @cached_property
    def labels(self) -> np.ndarray | None:
        if self.data.classes == 0:
            return None
        step = chunk_length(self.data.example_bytes)  # examples that are streamed are decoded for their labels
        parts = (self.order[start : start + step] for start in range(0, self.count, step))
        return np.concatenate([self.whole.read_labels(part) for part in parts])

    @cached_property
    def identity(self) -> dict[str, Any]:
        return {
            **self.about,
            "shape": list(self.data.shape),
            "count": self.count,
            "of": self.data.examples,
            **({"skipped": len(self.whole.skipped)} if self.whole.skipped else {}),
            "sha256": self.fingerprint.content,
        }

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Of all that there are, wanted or not."""
        return fingerprint(self.whole, self.progress)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.whole.read(self.order[start:stop]).values


@dataclass(frozen=True)
class GeneratedExamples:
    """What a trained generator makes of the seeds `seed` .. `seed + count - 1`.

    Attributes:
        about: which generator, in plain JSON: run, step, weights.
        labels: int32 `[count]`, the class of each; None for a generator without classes.
        labels_about: how they were chosen, for the protocol.
    """

    generator: LoadedGenerator
    about: dict[str, Any]
    count: int
    seed: int = 0
    truncation: float = 1.0
    labels: np.ndarray | None = field(default=None, repr=False, compare=False)
    labels_about: str = ""
    last_block: dict[int, np.ndarray] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def data(self) -> DataSpec:
        return self.generator.metadata.data

    @cached_property
    def order(self) -> np.ndarray:
        return random_order(self.count)

    @property
    def identity(self) -> dict[str, Any]:
        labels = {"labels": self.labels_about} if self.labels_about else {}
        return {**self.about, "count": self.count, "seed": self.seed, "truncation": self.truncation, **labels}

    def read(self, start: int, stop: int) -> np.ndarray:
        """Reads across the generator's batches: the last one is kept, so that none is generated twice in a row."""
        first = start // BATCH
        parts = [self.block(number) for number in range(first, max(first, -(-stop // BATCH) - 1) + 1)]
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return whole[start - first * BATCH : stop - first * BATCH]

    def block(self, number: int) -> np.ndarray:
        """The examples of a batch of the generator, BATCH of them but for the last batch."""
        if number not in self.last_block:
            rows = slice(number * BATCH, (number + 1) * BATCH)
            plain = self.generator.latents((self.seed + self.order[rows]).tolist(), self.truncation)
            labels = None if self.labels is None else self.labels[rows]
            images = self.generator.render(replace(plain, labels=labels))
            self.last_block.clear()
            self.last_block[number] = images
        return self.last_block[number]


def random_order(count: int) -> np.ndarray:
    """int64 `[count]`, a permutation that is the same on every machine and for good (NumPy promises this stream)."""
    return np.random.RandomState(0).permutation(count)
