"""Splits of a data set: training and held-out examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gan_cli.data import ExampleBatch, Examples


class Subset(Examples):
    """The examples of `whole` at `indices`, int64 `[n]`, in that order. Nothing is copied."""

    def __init__(self, whole: Examples, indices: np.ndarray) -> None:
        self.whole: Examples = whole.whole if isinstance(whole, Subset) else whole
        self.indices: np.ndarray = whole.indices[indices] if isinstance(whole, Subset) else indices
        self.spec = replace(whole.spec, examples=len(indices))
        self.skipped = whole.skipped  # the same list, which grows while files are streamed
        self.warnings = whole.warnings

    def read(self, indices: np.ndarray) -> ExampleBatch:
        return self.whole.read(self.indices[indices])

    def read_labels(self, indices: np.ndarray) -> np.ndarray:
        return self.whole.read_labels(self.indices[indices])

    @property
    def is_in_memory(self) -> bool:
        return self.whole.is_in_memory

    @property
    def memory_bytes(self) -> int:
        return self.whole.memory_bytes + self.indices.nbytes


def split_held_out(examples: Examples, share: float) -> tuple[Examples, Examples | None]:
    """Training examples, and a random `share` of all, in [0, 1), that is held out: the same ones every time.

    Both keep the order of the whole. The second is None where the share is less than one example.
    """
    count = examples.spec.examples
    held_out = int(count * share)
    if held_out == 0:
        return examples, None
    order = np.random.RandomState(1).permutation(count)  # NumPy promises that this stream never changes
    return Subset(examples, np.sort(order[held_out:])), Subset(examples, np.sort(order[:held_out]))
