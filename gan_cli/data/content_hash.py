"""What a data set holds, as one hash: the same for the same content, wherever it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_cli.cache import cache_folder
from gan_cli.data import Examples, InMemory, Progress
from gan_cli.data.loading import Streamed
from gan_cli.data.splits import Subset
from gan_cli.runs.atomic_files import write_json

CHUNK_BYTES = 256  # examples hashed at once
LOOKED_AT = 256  # examples that are hashed, beside the times of files, to find what is known of streamed ones


class Fingerprint(NamedTuple):
    """SHA-256 of every example of a data set, in hexadecimal.

    Attributes:
        content: of their values and their number.
        labelled: of their labels as well.
    """

    content: str
    labelled: str


def fingerprint(examples: Examples, progress: Progress | None = None) -> Fingerprint:
    """The same for the same examples in the same order, wherever they come from.

    Of streamed ones, which must all be decoded for it, it is kept in the cache until their files change.
    """
    count = examples.spec.examples
    if isinstance(examples, InMemory):
        return hashed(examples, np.arange(count))
    known = hashed(examples, np.linspace(0, count - 1, LOOKED_AT).astype(int)).labelled + stamp_of(examples)
    path = cache_folder() / "fingerprints" / f"{hashlib.sha256(known.encode()).hexdigest()}.json"
    try:
        content, labelled = json.loads(path.read_text())
        return Fingerprint(str(content), str(labelled))
    except (OSError, ValueError, RecursionError):
        found = hashed(examples, np.arange(count), progress)
    with suppress(OSError):  # without a cache it is found anew each time
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, found)
    return found


def hashed(examples: Examples, indices: np.ndarray, progress: Progress | None = None) -> Fingerprint:
    first = f"{examples.spec.examples} {examples.spec.shape}".encode()
    values_digest, labels_digest = hashlib.sha256(first), hashlib.sha256()
    for start in range(0, len(indices), CHUNK_BYTES):
        values, labels = examples.read(indices[start : start + CHUNK_BYTES])
        values_digest.update(np.ascontiguousarray(values).tobytes())
        labels_digest.update(labels.astype("<i4").tobytes())
        if progress:
            progress(min(start + CHUNK_BYTES, len(indices)), len(indices))
    content = values_digest.hexdigest()
    return Fingerprint(content, hashlib.sha256((content + labels_digest.hexdigest()).encode()).hexdigest())


def stamp_of(examples: Examples) -> str:
    """Names, sizes and times of the files behind streamed examples, as one hash; "" for those in memory."""
    if isinstance(examples, Subset):
        return stamp_of(examples.whole) + hashlib.sha256(examples.indices.tobytes()).hexdigest()
    return stamp(examples.undecoded.files()) if isinstance(examples, Streamed) else ""


def stamp(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        facts = path.stat()
        digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
