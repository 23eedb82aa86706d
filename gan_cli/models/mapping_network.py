"""The mapping network of StyleGAN2: from latents, labels or both to vectors w.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", arXiv:1912.04958, after Karras et al. 2019,
arXiv:1812.04948; with labels as in NVlabs/stylegan2-ada-pytorch.
"""

from __future__ import annotations

from typing import Any

import keras

from gan_cli.models.layers.equalized import EqualizedDense

EPSILON = 1e-8
RATE_MULTIPLIER = 0.01
"""Of the hidden layers: they learn a hundred times slower than others."""


@keras.saving.register_keras_serializable("gan_cli")
class UnitMoment(keras.layers.Layer):
    """Divides vectors `[n, size]` by their root mean square."""

    def call(self, inputs: Any) -> Any:
        return inputs * keras.ops.rsqrt(keras.ops.mean(keras.ops.square(inputs), axis=-1, keepdims=True) + EPSILON)


def map_condition(
    latents: Any, condition: Any, size: int, layers: int, name: str = "mapping", dtype: str | None = None
) -> Any:
    """w, `[n, size]`.

    Args:
        latents: `[n, latent_size]`; None for a network of the condition alone.
        condition: `[n, condition_size]`, a one-hot label, say; None for one of latents alone.
        size: of the embedding of the condition, of hidden layers and of w.
        layers: hidden layers, the last one of which gives w.
        name: the beginning of the names of layers: NAME_embedding, NAME_0, NAME_1, ...
        dtype: of all layers; None for the policy's.
    """
    parts = [] if latents is None else [UnitMoment(dtype=dtype, name=f"{name}_latents")(latents)]
    if condition is not None:
        embedded = EqualizedDense(size, dtype=dtype, name=f"{name}_embedding")(condition)
        parts.append(UnitMoment(dtype=dtype, name=f"{name}_condition")(embedded))
    features = parts[0] if len(parts) == 1 else keras.layers.Concatenate(dtype=dtype, name=f"{name}_input")(parts)
    for number in range(layers):
        layer = EqualizedDense(size, RATE_MULTIPLIER, activation="leaky_relu", dtype=dtype, name=f"{name}_{number}")
        features = layer(features)
    return features


def moving_average(average: Any, w: Any, beta: float) -> Any:
    """The average of w `[size]` after a batch `[n, size]`, of which the mean has weight 1 - beta."""
    return beta * average + (1.0 - beta) * keras.ops.mean(w, axis=0)


def truncate_w(w: Any, average: Any, psi: float, layers: int = 1, cutoff: int | None = None) -> Any:
    """w of each layer moved to the average: average + psi (w - average), `[n, layers, size]`.

    Args:
        w: `[n, size]`.
        average: `[size]`.
        psi: 1 leaves w as it is.
        layers: that get w.
        cutoff: how many of the first layers get the moved one; None for all.
    """
    factor = [psi if cutoff is None or layer < cutoff else 1.0 for layer in range(layers)]
    factors = keras.ops.cast(keras.ops.reshape(keras.ops.array(factor), (1, layers, 1)), w.dtype)
    return average + factors * (keras.ops.expand_dims(w, 1) - average)
