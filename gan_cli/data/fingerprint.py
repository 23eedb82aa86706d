"""What a data set holds, as one hash: the same for the same content, wherever it came from."""

from __future__ import annotations

import hashlib

import numpy as np

from gan_cli.data import Examples, InMemory

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
