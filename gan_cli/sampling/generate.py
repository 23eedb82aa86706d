"""From latents to examples, always in batches of one size.

A matrix product of 3 rows may round differently from one of 64. With a fixed number of rows a latent gives the same
pixels whether it is asked for alone or among thousands.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gan_cli.lazy import tf

if TYPE_CHECKING:
    import keras

_compiled: weakref.WeakKeyDictionary[keras.Model, Callable] = weakref.WeakKeyDictionary()


def generate(model: keras.Model, latents: np.ndarray, batch: int = 64) -> np.ndarray:
    """What the generator makes of latents, in inference mode (moving averages in batch norm, no dropout).

    Args:
        model: a generator, from `[batch, latent_size]` to `[batch, ...]`.
        latents: `[n, latent_size]`, at least one.
        batch: rows of a call. Other sizes may give other last bits, so leave it alone where pixels are compared.

    Returns:
        float32 `[n, ...]` as the model gives them: images in [-1, 1], points in their own units.

    Raises:
        ValueError: without any latent.
    """
    if len(latents) == 0:
        raise ValueError("There are no latents: expected at least one row.")
    forward = _forward(model)
    pieces = []
    for start in range(0, len(latents), batch):
        rows = np.asarray(latents[start : start + batch], np.float32)
        fill = np.repeat(rows[-1:], batch - len(rows), axis=0)
        examples = forward(tf.constant(np.concatenate([rows, fill])))
        pieces.append(examples.numpy()[: len(rows)])
    return np.concatenate(pieces)


def _forward(model: keras.Model) -> Callable:
    """The model's graph, traced once a model and batch size and forgotten with the model."""
    if model not in _compiled:
        proxy = weakref.proxy(model)  # a strong reference here would keep the model alive for ever

        @tf.function
        def forward(latents: tf.Tensor) -> tf.Tensor:
            return tf.cast(proxy(latents, training=False), tf.float32)

        _compiled[model] = forward
    return _compiled[model]
