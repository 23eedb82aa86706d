"""Generates samples from latents, always in batches of one size.

A matrix product of 3 rows may round differently from one of 64. With a fixed number of rows a latent gives the same
pixels whether it is asked for alone or among thousands.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_cli.lazy import tf
from gan_cli.sampling.latents import Latents

if TYPE_CHECKING:
    import keras

BATCH = 64
SAMPLES = "samples"
"""The output's name where a generator has inner results besides its samples, and so returns a dictionary."""

_compiled: weakref.WeakKeyDictionary[keras.Model, Callable] = weakref.WeakKeyDictionary()


def generate(model: keras.Model, latents: Latents | np.ndarray, batch: int = BATCH) -> np.ndarray:
    """Samples of a generator in inference mode: moving averages in batch normalisation, no dropout.

    Args:
        model: a generator, from `[batch, latent_size]` to `[batch, ...]`. A conditional one takes `[z, labels]`. One
            that returns a dictionary has its samples under `samples`.
        latents: at least one; an array `[n, latent_size]` stands for latents without labels.
        batch: rows of a call. Other sizes may give other last bits, so leave it alone where pixels are compared.

    Returns:
        float32 `[n, ...]` as the model gives them: images in [-1, 1], points in their own units.

    Raises:
        ValueError: without any latent.
    """
    if not isinstance(latents, Latents):
        latents = Latents(np.asarray(latents))
    if len(latents) == 0:
        raise ValueError("There are no latents: expected at least one row.")
    forward = _forward(model)
    pieces = []
    for start in range(0, len(latents), batch):
        rows = latents[start : start + batch]
        samples = forward(*(tf.constant(array) for array in rows.padded(batch).arrays()))
        pieces.append(samples.numpy()[: len(rows)])
    return np.concatenate(pieces)


def _forward(model: keras.Model) -> Callable:
    """The model's graph, traced once a model and batch size and forgotten with the model."""
    if model not in _compiled:
        proxy = weakref.proxy(model)  # a strong reference here would keep the model alive for ever

        @tf.function(autograph=False)
        def forward(z: tf.Tensor, *labels: tf.Tensor) -> tf.Tensor:
            return tf.cast(samples_of(proxy([z, *labels] if labels else z, training=False)), tf.float32)

        _compiled[model] = forward
    return _compiled[model]


def samples_of(outputs: Any) -> Any:
    """The samples among the outputs of a generator."""
    return outputs[SAMPLES] if isinstance(outputs, Mapping) else outputs
