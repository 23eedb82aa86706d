"""The ways in which a condition (a one-hot label) enters a generator.

- `concat`: joined to the latents (Mirza & Osindero 2014, arXiv:1411.1784, equation 2);
- `product`: latents times an embedding of the condition, as in much code of AC-GAN (Odena et al. 2017,
  arXiv:1610.09585);
- `first_map`: a dense layer of an embedding, added to the first map (TF-GAN's `condition_tensor`);
- `batch_norm`: batch normalisation whose scale and offset are functions of the condition: x (1 + W c) + V c after
  normalisation (Dumoulin et al. 2017, arXiv:1610.07629; Miyato & Koyama 2018, arXiv:1802.05637).
"""

from __future__ import annotations

import math
from typing import Any

import keras

from gan_cli.models import ModelPair
from gan_cli.models.condition import BATCH_NORM, CONCAT, FIRST_MAP, PRODUCT, Condition
from gan_cli.models.model_checks import choose_way
from gan_cli.models.normalization import EPSILON

EMBEDDING_SIZE = 64
"""Of the embedding that `first_map` passes through a dense layer."""


@keras.saving.register_keras_serializable("gan_cli")
class Modulation(keras.layers.Layer):
    """x (1 + gain) + offset, for features `[n, ..., channels]` with a gain and an offset `[n, channels]` each."""

    def call(self, inputs: Any) -> Any:
        features, gain, offset = inputs
        shape = (-1, *[1] * (len(features.shape) - 2), features.shape[-1])
        gain, offset = (keras.ops.reshape(one, shape) for one in (gain, offset))
        return features * (1.0 + gain) + offset

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


class ConditionInput:
    """The condition of one generator, as a Keras input, and the layers through which it enters.

    Args:
        pair: the model, whose `conditioning` names the way.
        condition: its size; None for a generator without one, which none of the methods changes then.
    """

    def __init__(self, pair: ModelPair, condition: Condition | None) -> None:
        self.way = None if condition is None else choose_way(pair, condition)
        self.input = None if condition is None else keras.Input((condition.size,), name="condition")

    def model_inputs(self, latents: Any) -> Any:
        """The inputs of the generator."""
        return latents if self.input is None else [latents, self.input]

    def latents(self, latents: Any) -> Any:
        """Latents `[n, size]` with the condition, for the first layer."""
        if self.way == CONCAT:
            return keras.layers.Concatenate(name="conditional_latents")([latents, self.input])
        if self.way == PRODUCT:
            # Normal with variance 1, so that products have the variance of latents.
            initializer = keras.initializers.RandomNormal(stddev=1.0)
            embedding = keras.layers.Dense(
                latents.shape[-1], use_bias=False, kernel_initializer=initializer, name="embedding"
            )
            return keras.layers.Multiply(name="conditional_latents")([latents, embedding(self.input)])
        return latents

    def first_map(self, features: Any) -> Any:
        """The first map of features, `[n, height, width, channels]`, with the condition."""
        if self.way != FIRST_MAP:
            return features
        shape = tuple(features.shape[1:])
        embedding = keras.layers.Dense(EMBEDDING_SIZE, use_bias=False, name="embedding")(self.input)
        added = keras.layers.Dense(math.prod(shape), name="condition_map")(embedding)
        added = keras.layers.Reshape(shape, name="condition_map_image")(added)
        return keras.layers.Add(name="conditional_map")([features, added])

    def normalization(self, features: Any, name: str) -> Any | None:
        """Normalised and modulated features; None where the condition does not enter through normalisation."""
        if self.way != BATCH_NORM:
            return None
        layer = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=EPSILON, center=False, scale=False, name=f"{name}_normalization"
        )
        return conditional_modulation(layer(features), self.input, name)


def conditional_modulation(features: Any, condition: Any, name: str) -> Any:
    """x (1 + W c) + V c, with W and V zero at first, so that it begins as normalisation without a condition."""
    gain, offset = (
        keras.layers.Dense(features.shape[-1], use_bias=False, kernel_initializer="zeros", name=f"{name}_{part}")
        for part in ("gain", "offset")
    )
    return Modulation(name=f"{name}_modulation")([features, gain(condition), offset(condition)])


def chunk_conditions(latents: Any, embedding: Any, size: int) -> tuple[Any, list[Any]]:
    """Hierarchical latents of BigGAN (Brock et al. 2019, arXiv:1809.11096, appendix B).

    Args:
        latents: `[n, chunks * size]`.
        embedding: of the class, `[n, embedding_size]`, shared by all blocks.
        size: of a chunk.

    Returns:
        The first chunk, for the first layer, and the condition of each block: the embedding, then a chunk.
    """
    first, *others = keras.ops.split(latents, latents.shape[1] // size, axis=1)
    return first, [keras.ops.concatenate([embedding, chunk], axis=1) for chunk in others]
