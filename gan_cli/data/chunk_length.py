"""How many examples are read at once: the one rule by which memory stays bounded, however large an image is."""

from __future__ import annotations

CHUNK_BYTES = 2**24
"""Size of a chunk: 16 MiB, five images of 1024x1024 in colour. Up to 147x147, CHUNK_EXAMPLES is the limit."""
CHUNK_EXAMPLES = 256
"""Examples of a chunk, however small they are."""


def chunk_length(example_bytes: int, batch: int = 1) -> int:
    """The number of examples that are read at once.

    Args:
        example_bytes: of one example.
        batch: examples that a network takes in one call. A chunk is a multiple of it, and at least one batch, since a
            network that gets fewer computes on padding.
    """
    fitting = min(CHUNK_EXAMPLES, CHUNK_BYTES // max(example_bytes, 1))
    return max(batch, fitting // batch * batch, 1)
