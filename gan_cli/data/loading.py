"""Loads examples that are decoded one at a time: into memory where they fit, else streamed from disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from gan_cli.data import DataSpec, ExampleBatch, Examples, InMemory, Progress, SkippedFile
from gan_cli.data.aligned_array import aligned_empty
from gan_cli.data.contrast_warnings import contrast_warnings
from gan_cli.data.image_decoding import UnreadableImageError, ignore_pillow_warnings
from gan_cli.data.png_decoding import FILES_AT_ONCE
from gan_cli.errors import ConfigError

GIBIBYTE = 2**30
THREADS = min(8, os.cpu_count() or 1)

Result = TypeVar("Result")


def decode_none(indices: range) -> None:
    """The default of `UndecodedExamples.decode_many`."""


@dataclass(frozen=True)
class UndecodedExamples:
    """Examples that are decoded one at a time.

    Attributes:
        spec: shape, number and classes of the decoded examples.
        decode: from an index to uint8 `spec.shape` and a label; thread-safe; raises UnreadableImageError.
        name: from an index to the name of the example in messages.
        skipped: files found unusable so far.
        files: gives the files that hold the examples.
        decode_many: from up to FILES_AT_ONCE indices to what `decode` gives for each, uint8 `[n, *spec.shape]` and
            labels; None where that is not faster, or where one of them can't be decoded. Thread-safe.
        label: from an index to the label, without decoding the example; raises UnreadableImageError. None: `decode`
            has to find it.
    """

    spec: DataSpec
    decode: Callable[[int], tuple[np.ndarray, int]]
    name: Callable[[int], str]
    skipped: list[SkippedFile] = field(default_factory=list)
    files: Callable[[], Iterable[Path]] = tuple
    decode_many: Callable[[range], tuple[np.ndarray, Sequence[int]] | None] = decode_none
    label: Callable[[int], int] | None = None


def load_examples(undecoded: UndecodedExamples, memory_limit: float, progress: Progress | None) -> Examples:
    """Decodes all examples into memory where they take up to `memory_limit` GiB as uint8, else streams them.

    Raises:
        ConfigError: where no example can be decoded.
    """
    if fits_in_memory(undecoded.spec, memory_limit):
        return decode_into_memory(undecoded, progress)
    return Streamed(undecoded)


def fits_in_memory(spec: DataSpec, memory_limit: float) -> bool:
    return spec.total_bytes <= memory_limit * GIBIBYTE


def decode_into_memory(undecoded: UndecodedExamples, progress: Progress | None) -> InMemory:
    """Decodes every example, several at once, and leaves out those that can't be decoded."""
    count = undecoded.spec.examples
    values = aligned_empty((count, *undecoded.spec.shape), np.uint8)
    labels = np.zeros(count, np.int32)
    is_good = np.ones(count, bool)

    def decode_into_place(index: int) -> SkippedFile | None:
        try:
            values[index], labels[index] = undecoded.decode(index)
        except UnreadableImageError as error:
            is_good[index] = False
            return SkippedFile(undecoded.name(index), str(error))
        return None

    def decode_chunk(indices: range) -> list[SkippedFile | None]:
        decoded = undecoded.decode_many(indices)
        if decoded is None:
            return [decode_into_place(index) for index in indices]
        part = slice(indices.start, indices.stop)
        values[part], labels[part] = decoded
        return [None] * len(indices)

    broken = [found for found in map_chunks_in_threads(decode_chunk, count, progress) if found]
    skipped = [*undecoded.skipped, *broken]
    if not is_good.any():
        raise no_usable_files_error(skipped)
    if broken:
        values, labels = drop_rows(values, is_good), labels[is_good]
    spec = replace(undecoded.spec, examples=len(values))
    return InMemory(spec, values, labels, skipped, contrast_warnings(values.__getitem__, len(values)))


def drop_rows(values: np.ndarray, is_kept: np.ndarray) -> np.ndarray:
    """`values[is_kept]` in the same memory."""
    rows = np.flatnonzero(is_kept)
    for place, row in enumerate(rows):
        if place != row:
            values[place] = values[row]
    return values[: len(rows)]


def map_in_threads(work: Callable[[int], Result], count: int, progress: Progress | None) -> list[Result]:
    """`[work(0), ..., work(count - 1)]`, computed by several threads."""
    return map_chunks_in_threads(lambda indices: [work(index) for index in indices], count, progress)


def map_chunks_in_threads(work: Callable[[range], list[Result]], count: int, progress: Progress | None) -> list[Result]:
    """The results of `work` for 0 to count - 1, which it gets in ranges of up to FILES_AT_ONCE, by several threads."""
    results: list[Result] = []
    chunks = [range(start, min(start + FILES_AT_ONCE, count)) for start in range(0, count, FILES_AT_ONCE)]
    with ignore_pillow_warnings(), ThreadPoolExecutor(THREADS, thread_name_prefix="decoder") as pool:
        for found in pool.map(work, chunks):
            results += found
            if progress:
                progress(len(results), count)
    return results


def no_usable_files_error(skipped: list[SkippedFile]) -> ConfigError:
    first = skipped[0]
    problem = f"none of its {len(skipped):,} files or records is a usable image"
    return ConfigError("", problem, advice=f"The first of them, {first.name}: {first.reason}.")


class Streamed(Examples):
    """Examples that are decoded each time they are read."""

    def __init__(self, undecoded: UndecodedExamples) -> None:
        self.spec, self.skipped = undecoded.spec, list(undecoded.skipped)
        self.undecoded = undecoded
        self.broken: set[int] = set()
        self.lock = threading.Lock()
        with ignore_pillow_warnings():
            self.warnings = contrast_warnings(lambda index: self.decode_or_substitute(index)[0], self.spec.examples)

    def read(self, indices: np.ndarray) -> ExampleBatch:
        """Values uint8 `[n, *spec.shape]` and int32 labels `[n]`; thread-safe.

        A broken example is added to `skipped`, and the next good one takes its place each time it is read.
        """
        values = np.empty((len(indices), *self.spec.shape), np.uint8)
        labels = np.empty(len(indices), np.int32)
        for row, index in enumerate(indices):
            values[row], labels[row] = self.decode_or_substitute(int(index))
        return ExampleBatch(values, labels)

    def read_labels(self, indices: np.ndarray) -> np.ndarray:
        """The labels at `indices`. An example that has not proved to be broken yet counts with its own label."""
        if self.undecoded.label is None:
            return super().read_labels(indices)
        return np.array([self.label_or_substitute(int(index)) for index in indices], np.int32)

    def label_or_substitute(self, index: int) -> int:
        count, label = self.spec.examples, self.undecoded.label
        assert label is not None
        for candidate in (place % count for place in range(index, index + count)):
            if candidate in self.broken:
                continue
            try:
                return label(candidate)
            except UnreadableImageError as error:
                self.skip_file(candidate, str(error))
        raise no_usable_files_error(self.skipped)

    def decode_or_substitute(self, index: int) -> tuple[np.ndarray, int]:
        count = self.spec.examples
        for candidate in (place % count for place in range(index, index + count)):
            if candidate in self.broken:
                continue
            try:
                return self.undecoded.decode(candidate)
            except UnreadableImageError as error:
                self.skip_file(candidate, str(error))
        raise no_usable_files_error(self.skipped)

    def skip_file(self, index: int, reason: str) -> None:
        with self.lock:
            if index not in self.broken:  # another thread may have found it in the meantime
                self.broken.add(index)
                self.skipped.append(SkippedFile(self.undecoded.name(index), reason))
