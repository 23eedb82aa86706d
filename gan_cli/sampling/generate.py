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
from gan_cli.sampling.latents import Latents, WTruncation

if TYPE_CHECKING:
    import keras

BATCH = 64
SAMPLES = "samples"
"""The output's name where a generator has inner results besides its samples, and so returns a dictionary."""

_compiled: weakref.WeakKeyDictionary[keras.Model, dict[WTruncation | None, Callable]] = weakref.WeakKeyDictionary()


def generate(model: keras.Model, latents: Latents | np.ndarray, batch: int = BATCH) -> np.ndarray:
    """Samples of a generator in inference mode: moving averages in batch normalisation, no dropout.

    Args:
        model: a generator, from `[batch, latent_size]` to `[batch, ...]`. One with conditions or noise takes a list:
            latents, conditions, noise. One that returns a dictionary has its samples under `samples`.
        latents: at least one; an array `[n, latent_size]` stands for latents without labels.
        batch: rows of a call. Other sizes may give other last bits, so leave it alone where pixels are compared.

    Returns:
        float32 `[n, ...]`: images in [-1, 1], clipped where a model without a last activation exceeds it, points as the
        model gives them, in their own units.

    Raises:
        ValueError: without any latent.
    """
    if not isinstance(latents, Latents):
        latents = Latents(np.asarray(latents))
    if len(latents) == 0:
        raise ValueError("There are no latents: expected at least one row.")
    forward = _forward(model, latents.truncation)
    pieces = []
    for start in range(0, len(latents), batch):
        rows = latents[start : start + batch]
        samples = forward(*(tf.constant(array) for array in rows.padded(batch).arrays()))
        pieces.append(samples.numpy()[: len(rows)])
    return np.concatenate(pieces)


def _forward(model: keras.Model, truncation: WTruncation | None) -> Callable:
    """The model's graph, traced once a model, truncation and batch size and forgotten with the model."""
    graphs = _compiled.setdefault(model, {})
    if truncation not in graphs:
        proxy = weakref.proxy(model)  # a strong reference here would keep the model alive for ever

        @tf.function(autograph=False)
        def forward(z: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
            if truncation is not None:
                return in_range(truncated_samples(proxy, truncation, [z, *others]))
            return in_range(samples_of(proxy([z, *others] if others else z, training=False)))

        graphs[truncation] = forward
    return graphs[truncation]


def in_range(samples: Any) -> Any:
    """float32 samples; images clipped to [-1, 1]."""
    samples = tf.cast(samples, tf.float32)
    return samples if samples.shape.rank == 2 else tf.clip_by_value(samples, -1.0, 1.0)


def truncated_samples(model: keras.Model, truncation: WTruncation, inputs: list[Any]) -> Any:
    """The samples of a generator with the layers `mapping`, `w_average` and `synthesis`, with truncated styles."""
    count = len(model.get_layer("mapping").inputs)
    return synthesize(model, styles_of(model, truncation, inputs), inputs[count] if len(inputs) > count else None)


def styles_of(model: keras.Model, truncation: WTruncation | None, inputs: list[Any]) -> Any:
    """The styles w of such a generator, float32 `[n, layers, size]`, truncated where that is asked for.

    Args:
        inputs: latents, and conditions where it takes them; noise behind them is not used.
    """
    from gan_cli.models.mapping_network import truncate_w  # here, since it defines Keras layers

    mapping, synthesis = model.get_layer("mapping"), model.get_layer("synthesis")
    average = tf.convert_to_tensor(model.get_layer("w_average").average)
    w = tf.cast(mapping(inputs[: len(mapping.inputs)], training=False), tf.float32)
    psi, cutoff = (1.0, None) if truncation is None else (truncation.psi, truncation.cutoff)
    return truncate_w(w, average, psi, synthesis.inputs[0].shape[1], cutoff)


def synthesize(model: keras.Model, styles: Any, noise: Any) -> Any:
    """The samples of styles `[n, layers, size]`, and of noise `[n, numbers]`, which is None where there is none."""
    synthesis = model.get_layer("synthesis")
    if len(synthesis.inputs) == 1:
        return synthesis([styles], training=False)
    return synthesis([styles, noise[:, : synthesis.inputs[1].shape[1]]], training=False)


def samples_of(outputs: Any) -> Any:
    """The samples among the outputs of a generator."""
    return outputs[SAMPLES] if isinstance(outputs, Mapping) else outputs
