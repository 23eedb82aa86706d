"""Hierarchical latents: the first layer and each block of a generator get a chunk of their own.

Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", arXiv:1809.11096, appendix B.
"""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("gan_cli")
class LatentChunk(keras.layers.Layer):
    """Columns `start` to `start + size` of latents: `[n, latent_size]` to `[n, size]`."""

    def __init__(self, start: int, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.start, self.size = start, size

    def call(self, inputs: Any) -> Any:
        return inputs[:, self.start : self.start + self.size]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start, "size": self.size}


def chunk_conditions(latents: Any, embedding: Any | None, blocks: int) -> tuple[Any, list[Any]]:
    """The first chunk of latents, and the condition of each block: the embedding, then a chunk.

    Args:
        latents: `[n, size]`. A block's chunk has `size // (blocks + 1)` numbers, the first chunk the rest.
        embedding: of the class, `[n, embedding_size]`, shared by all blocks; None for no classes.
        blocks: how many blocks there are.

    Returns:
        The first chunk `[n, size - blocks * chunk]` and conditions `[n, embedding_size + chunk]`; a condition is None
        where there are neither classes nor enough latents.
    """
    size = latents.shape[1] // (blocks + 1)
    first = latents.shape[1] - blocks * size
    conditions = []
    for number in range(blocks):
        parts = [] if embedding is None else [embedding]
        if size:
            parts.append(LatentChunk(first + number * size, size, name=f"chunk_{number + 1}")(latents))
        joined = keras.layers.Concatenate(name=f"condition_{number + 1}")(parts) if len(parts) > 1 else None
        conditions.append(joined if len(parts) > 1 else next(iter(parts), None))
    return LatentChunk(0, first, name="chunk_0")(latents), conditions
