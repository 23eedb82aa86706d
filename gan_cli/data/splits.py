"""Some of the examples of another set: what training keeps aside, and what an evaluation takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gan_cli.data import DataSpec, Examples, InMemory, SkippedFile


@dataclass(frozen=True)
class Subset:
    """The examples of `whole` at `indices`, read from there when they are asked for."""

    whole: Examples
    indices: np.ndarray

    @property
    def spec(self) -> DataSpec:
        return replace(self.whole.spec, examples=len(self.indices))

    @property
    def skipped(self) -> list[SkippedFile]:
        return self.whole.skipped

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.whole.read(self.indices[indices])


def subset(examples: Examples, indices: np.ndarray) -> Examples:
    """The examples at `indices`, int64 `[n]`, in that order; in memory where the whole is."""
    if isinstance(examples, InMemory):
        spec = replace(examples.spec, examples=len(indices))
        return InMemory(spec, examples.values[indices], examples.labels[indices], examples.skipped)
    return Subset(examples, indices)


def split_held_out(examples: Examples, share: float) -> tuple[Examples, Examples | None]:
    """Training examples, and a random `share` of all, in [0, 1), kept aside: the same ones every time.

    The order of either is that of the whole. Without a share, or where it is less than one example, nothing is kept.
    """
    count = examples.spec.examples
    aside = int(count * share)
    if aside == 0:
        return examples, None
    order = np.random.RandomState(1).permutation(count)  # NumPy promises that this stream never changes
    return subset(examples, np.sort(order[aside:])), subset(examples, np.sort(order[:aside]))
