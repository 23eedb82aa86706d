"""From examples that are decoded one at a time to `Examples`: kept in memory if they fit, else decoded on demand."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from gan_cli.data import DataSpec, Examples, InMemory, Progress, SkippedFile
from gan_cli.data.image_decoding import UnreadablePictureError, warnings_as_errors
from gan_cli.errors import ConfigError

GIBIBYTE = 2**30
CHUNK_BYTES = 64  # examples decoded between two looks at the clock
THREADS = min(8, os.cpu_count() or 1)

Result = TypeVar("Result")


@dataclass(frozen=True)
class UndecodedExamples:
    """Examples that are decoded one at a time.

    Attributes:
        spec: what they are like once decoded; `spec.examples` of them.
        decode: from an index to uint8 `spec.shape` and a label; thread-safe; raises UnreadablePictureError.
        name: from an index to what a person would call the example.
        skipped: files found unusable so far.
        files: gives the files that they come from.
    """

    spec: DataSpec
    decode: Callable[[int], tuple[np.ndarray, int]]
    name: Callable[[int], str]
    skipped: list[SkippedFile] = field(default_factory=list)
    files: Callable[[], Iterable[Path]] = tuple


def load_examples(undecoded: UndecodedExamples, memory_limit: float, progress: Progress | None) -> Examples:
    """All of them in memory where they take up to `memory_limit` GiB as uint8, else on demand.

    Raises:
        ConfigError: where not one of them can be decoded.
    """
    size = undecoded.spec.examples * int(np.prod(undecoded.spec.shape))
    if size <= memory_limit * GIBIBYTE:
        return decode_into_memory(undecoded, progress)
    return Streamed(undecoded)


def decode_into_memory(undecoded: UndecodedExamples, progress: Progress | None) -> InMemory:
    """Decodes every example, several at once; those that can't be decoded are left out."""
    count = undecoded.spec.examples
    values = np.empty((count, *undecoded.spec.shape), np.uint8)
    labels = np.zeros(count, np.int32)
    is_good = np.ones(count, bool)

    def decode_into_place(index: int) -> SkippedFile | None:
        try:
            values[index], labels[index] = undecoded.decode(index)
        except UnreadablePictureError as error:
            is_good[index] = False
            return SkippedFile(undecoded.name(index), str(error))
        return None

    broken = [found for found in map_in_threads(decode_into_place, count, progress) if found]
    skipped = [*undecoded.skipped, *broken]
    if not is_good.any():
        raise no_usable_files_error(skipped)
    if broken:
        values, labels = values[is_good], labels[is_good]
    return InMemory(replace(undecoded.spec, examples=len(values)), values, labels, skipped)


def map_in_threads(work: Callable[[int], Result], count: int, progress: Progress | None) -> list[Result]:
    """`[work(0), ..., work(count - 1)]`, computed by several threads."""
    results: list[Result] = []
    starts = range(0, count, CHUNK_BYTES)
    with warnings_as_errors(), ThreadPoolExecutor(THREADS, thread_name_prefix="decoder") as pool:
        chunks = pool.map(
            lambda start: [work(index) for index in range(start, min(start + CHUNK_BYTES, count))], starts
        )
        for portion in chunks:
            results += portion
            if progress:
                progress(len(results), count)
    return results


def no_usable_files_error(skipped: list[SkippedFile]) -> ConfigError:
    first = skipped[0]
    problem = f"none of its {len(skipped):,} files or records is a usable image"
    return ConfigError("", problem, advice=f"The first of them, {first.name}: {first.reason}.")


class Streamed:
    """Examples that are decoded whenever they are read."""

    def __init__(self, undecoded: UndecodedExamples) -> None:
        self.spec, self.skipped = undecoded.spec, list(undecoded.skipped)
        self.undecoded = undecoded
        self.broken: set[int] = set()
        self.lock = threading.Lock()

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values uint8 `[n, *spec.shape]` and int32 labels `[n]`; thread-safe.

        An example that proves broken is named in `skipped`, and the next good one stands in for it, each time.
        """
        values = np.empty((len(indices), *self.spec.shape), np.uint8)
        labels = np.empty(len(indices), np.int32)
        for row, index in enumerate(indices):
            values[row], labels[row] = self.decode_or_substitute(int(index))
        return values, labels

    def decode_or_substitute(self, index: int) -> tuple[np.ndarray, int]:
        count = self.spec.examples
        for candidate in (place % count for place in range(index, index + count)):
            if candidate in self.broken:
                continue
            try:
                return self.undecoded.decode(candidate)
            except UnreadablePictureError as error:
                self.skip_file(candidate, str(error))
        raise no_usable_files_error(self.skipped)

    def skip_file(self, index: int, reason: str) -> None:
        with self.lock:
            if index not in self.broken:  # another thread may have met it in the meantime
                self.broken.add(index)
                self.skipped.append(SkippedFile(self.undecoded.name(index), reason))
