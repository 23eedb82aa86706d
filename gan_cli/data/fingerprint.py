"""What a data set holds, as one hash: the same for the same content, wherever it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gan_cli.data import Examples, InMemory
from gan_cli.data.gathering import Streamed
from gan_cli.data.subsets import Subset

LOOKED_AT = 256  # examples that stand for all in the fingerprint of data that is streamed
PORTION = 4096  # examples hashed at once


def fingerprint(examples: Examples, with_labels: bool = True) -> str:
    """SHA-256 of the content: of every example in memory, or of 256 of them and their number where they are streamed.

    Args:
        examples: real examples.
        with_labels: whether other labels of the same pixels make another content.
    """
    count = examples.spec.examples
    indices = np.arange(count) if isinstance(examples, InMemory) else np.linspace(0, count - 1, LOOKED_AT).astype(int)
    digest = hashlib.sha256(f"{count} {examples.spec.shape}".encode())
    for start in range(0, len(indices), PORTION):
        values, labels = examples.read(indices[start : start + PORTION])
        digest.update(np.ascontiguousarray(values).tobytes())
        if with_labels:
            digest.update(labels.astype("<i4").tobytes())
    return digest.hexdigest()


def key_of_content(examples: Examples) -> str:
    """What is the same only where content and labels are: the fingerprint and, of streamed data, when files changed.

    For caches on this machine: copies of the same files may have other keys.
    """
    return fingerprint(examples) + stamp_of(examples)


def stamp_of(examples: Examples) -> str:
    """Names, sizes and times of the files behind streamed examples, as one hash; "" for those in memory."""
    if isinstance(examples, Subset):
        return stamp_of(examples.whole)
    return stamp(examples.undecoded.files()) if isinstance(examples, Streamed) else ""


def stamp(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        facts = path.stat()
        digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
