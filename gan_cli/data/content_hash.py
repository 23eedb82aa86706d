"""Content hash of a data set: the same for the same examples, from whichever source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_cli.cache import cache_folder, write_json_to_cache
from gan_cli.data import Examples, Progress
from gan_cli.data.chunk_length import chunk_length
from gan_cli.data.class_selection import Renumbered
from gan_cli.data.loading import Streamed
from gan_cli.data.splits import Subset

SAMPLED_EXAMPLES = 256  # hashed, together with the times of the files, to find the cached hash of streamed examples


class Fingerprint(NamedTuple):
    """SHA-256 of every example of a data set, in hexadecimal.

    Attributes:
        content: of the values and their number.
        labelled: of the labels as well.
    """

    content: str
    labelled: str


def fingerprint(examples: Examples, progress: Progress | None = None) -> Fingerprint:
    """The hash of the same examples in the same order, from whichever source they come.

    Streamed examples must all be decoded for it, so their hash is cached until their files change.
    """
    count = examples.spec.examples
    if examples.is_in_memory:
        return hash_examples(examples, np.arange(count))
    sampled = np.linspace(0, count - 1, SAMPLED_EXAMPLES).astype(int)
    known = hash_examples(examples, sampled).labelled + hash_source_files(examples)
    path = cache_folder() / "fingerprints" / f"{hashlib.sha256(known.encode()).hexdigest()}.json"
    try:
        content, labelled = json.loads(path.read_text("utf-8"))
        return Fingerprint(str(content), str(labelled))
    except (OSError, ValueError, RecursionError):
        found = hash_examples(examples, np.arange(count), progress)
    write_json_to_cache(path, found)
    return found


def hash_examples(examples: Examples, indices: np.ndarray, progress: Progress | None = None) -> Fingerprint:
    first = f"{examples.spec.examples} {examples.spec.shape}".encode()
    values_digest, labels_digest = hashlib.sha256(first), hashlib.sha256()
    step = chunk_length(examples.spec.example_bytes)
    for start in range(0, len(indices), step):
        batch = examples.read(indices[start : start + step])
        values_digest.update(np.ascontiguousarray(batch.values).tobytes())
        labels_digest.update(batch.labels.astype("<i4").tobytes())
        if progress:
            progress(min(start + step, len(indices)), len(indices))
    content = values_digest.hexdigest()
    return Fingerprint(content, hashlib.sha256((content + labels_digest.hexdigest()).encode()).hexdigest())


def hash_source_files(examples: Examples) -> str:
    """Hash of names, sizes and times of the files of streamed examples; "" for examples in memory."""
    if isinstance(examples, Subset):
        return hash_source_files(examples.whole) + hashlib.sha256(examples.indices.tobytes()).hexdigest()
    if isinstance(examples, Renumbered):
        return hash_source_files(examples.whole)
    return hash_file_facts(examples.undecoded.files()) if isinstance(examples, Streamed) else ""


def hash_file_facts(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        facts = path.stat()
        digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
