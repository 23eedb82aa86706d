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

from gan_cli.checks import ConfigError
from gan_cli.data import DataSpec, Examples, InMemory, LeftOut, Progress
from gan_cli.data.pictures import UnreadablePictureError, warnings_as_errors

GIBIBYTE = 2**30
PORTION = 64  # examples decoded between two looks at the clock
THREADS = min(8, os.cpu_count() or 1)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Undecoded:
    """Examples that are decoded one at a time.

    Attributes:
        spec: what they are like once decoded; `spec.examples` of them.
        decode: from an index to uint8 `spec.shape` and a label; thread-safe; raises UnreadablePictureError.
        name: from an index to what a person would call the example.
        left_out: files found unusable so far.
        files: gives the files that they come from.
    """

    spec: DataSpec
    decode: Callable[[int], tuple[np.ndarray, int]]
    name: Callable[[int], str]
    left_out: list[LeftOut] = field(default_factory=list)
    files: Callable[[], Iterable[Path]] = tuple


def gather(undecoded: Undecoded, memory_limit: float, progress: Progress | None) -> Examples:
    """All of them in memory where they take up to `memory_limit` GiB as uint8, else on demand.

    Raises:
        ConfigError: where not one of them can be decoded.
    """
    size = undecoded.spec.examples * int(np.prod(undecoded.spec.shape))
    if size <= memory_limit * GIBIBYTE:
        return decode_all(undecoded, progress)
    return Streamed(undecoded)


def decode_all(undecoded: Undecoded, progress: Progress | None) -> InMemory:
    """Decodes every example, several at once; those that can't be decoded are left out."""
    count = undecoded.spec.examples
    values = np.empty((count, *undecoded.spec.shape), np.uint8)
    labels = np.zeros(count, np.int32)
    is_good = np.ones(count, bool)

    def decode_into_place(index: int) -> LeftOut | None:
        try:
            values[index], labels[index] = undecoded.decode(index)
        except UnreadablePictureError as error:
            is_good[index] = False
            return LeftOut(undecoded.name(index), str(error))
        return None

    broken = [found for found in over_all(decode_into_place, count, progress) if found]
    left_out = [*undecoded.left_out, *broken]
    if not is_good.any():
        raise nothing_usable(left_out)
    if broken:
        values, labels = values[is_good], labels[is_good]
    return InMemory(replace(undecoded.spec, examples=len(values)), values, labels, left_out)


def over_all(work: Callable[[int], Result], count: int, progress: Progress | None) -> list[Result]:
    """`[work(0), ..., work(count - 1)]`, computed by several threads."""
    results: list[Result] = []
    starts = range(0, count, PORTION)
    with warnings_as_errors(), ThreadPoolExecutor(THREADS, thread_name_prefix="decoder") as pool:
        portions = pool.map(lambda start: [work(index) for index in range(start, min(start + PORTION, count))], starts)
        for portion in portions:
            results += portion
            if progress:
                progress(len(results), count)
    return results


def nothing_usable(left_out: list[LeftOut]) -> ConfigError:
    first = left_out[0]
    problem = f"none of its {len(left_out):,} files or records is a usable image"
    return ConfigError("", problem, advice=f"The first of them, {first.name}: {first.reason}.")


class Streamed:
    """Examples that are decoded whenever they are read."""

    def __init__(self, undecoded: Undecoded) -> None:
        self.spec, self.left_out = undecoded.spec, list(undecoded.left_out)
        self.undecoded = undecoded
        self.broken: set[int] = set()
        self.lock = threading.Lock()

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values uint8 `[n, *spec.shape]` and int32 labels `[n]`; thread-safe.

        An example that proves broken is named in `left_out`, and the next good one stands in for it, each time.
        """
        values = np.empty((len(indices), *self.spec.shape), np.uint8)
        labels = np.empty(len(indices), np.int32)
        for row, index in enumerate(indices):
            values[row], labels[row] = self.decode_or_next(int(index))
        return values, labels

    def decode_or_next(self, index: int) -> tuple[np.ndarray, int]:
        count = self.spec.examples
        for candidate in (place % count for place in range(index, index + count)):
            if candidate in self.broken:
                continue
            try:
                return self.undecoded.decode(candidate)
            except UnreadablePictureError as error:
                self.leave_out(candidate, str(error))
        raise nothing_usable(self.left_out)

    def leave_out(self, index: int, reason: str) -> None:
        with self.lock:
            if index not in self.broken:  # another thread may have met it in the meantime
                self.broken.add(index)
                self.left_out.append(LeftOut(self.undecoded.name(index), reason))
