"""The ways in which a condition (a one-hot label) enters a generator.

- `concat`: joined to the latents (Mirza & Osindero 2014, arXiv:1411.1784, equation 2);
- `embedding`: an embedding of the condition, joined to the latents (R3GAN, arXiv:2501.05441; brownvc/R3GAN);
- `product`: latents times an embedding of the condition, as in much code of AC-GAN (Odena et al. 2017,
  arXiv:1610.09585);
- `first_map`: a dense layer of an embedding, added to the first map (TF-GAN's `condition_tensor`);
- `batch_norm`: batch normalisation whose scale and offset are functions of the condition: x (1 + W c) + V c after
  normalisation (Dumoulin et al. 2017, arXiv:1610.07629; Miyato & Koyama 2018, arXiv:1802.05637).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras

from gan_cli.models import ModelPair
from gan_cli.models.condition import BATCH_NORM, CONCAT, EMBEDDING, FIRST_MAP, PRODUCT, Condition
from gan_cli.models.model_checks import choose_way
from gan_cli.models.normalization import EPSILON, dense

EMBEDDING_SIZE = 64
"""Of the embedding that `first_map` passes through a dense layer, and of `embedding` where a model has no other."""


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
        epsilon: of conditional batch normalisation.
        kernels: kind of its dense layers, see `conditional_modulation`.
    """

    def __init__(
        self, pair: ModelPair, condition: Condition | None, epsilon: float = EPSILON, kernels: str = "none"
    ) -> None:
        self.epsilon, self.kernels = epsilon, kernels
        self.way = None if condition is None else choose_way(pair, condition)
        self.size = 0 if condition is None else condition.size
        self.input = None if condition is None else keras.Input((condition.size,), name="condition")

    def model_inputs(self, latents: Any) -> Any:
        """The inputs of the generator."""
        return latents if self.input is None else [latents, self.input]

    def latents(self, latents: Any, embedding_size: int = EMBEDDING_SIZE) -> Any:
        """Latents `[n, size]` with the condition, for the first layer; `embedding_size` is that of `embedding`."""
        if self.way == CONCAT:
            return keras.layers.Concatenate(name="conditional_latents")([latents, self.input])
        if self.way == EMBEDDING:
            # Variance 1 / classes, as a dense layer whose fan-in is the number of classes (brownvc/R3GAN).
            initializer = keras.initializers.RandomNormal(stddev=1.0 / math.sqrt(self.size))
            embedding = keras.layers.Dense(
                embedding_size, use_bias=False, kernel_initializer=initializer, name="embedding"
            )
            return keras.layers.Concatenate(name="conditional_latents")([latents, embedding(self.input)])
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

    def normalize(self, plain: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
        """A function from features and a name to normalised features, by `plain` where no condition enters there."""

        def conditional_or_plain(features: Any, name: str) -> Any:
            conditional = self.normalization(features, name)
            return plain(features, name) if conditional is None else conditional

        return conditional_or_plain

    def normalization(self, features: Any, name: str) -> Any | None:
        """Normalised and modulated features; None where the condition does not enter through normalisation."""
        if self.way != BATCH_NORM:
            return None
        return conditional_batch_norm(features, self.input, name, self.epsilon, self.kernels)


def conditional_batch_norm(features: Any, condition: Any, name: str, epsilon: float, kernels: str = "none") -> Any:
    """Batch normalisation whose scale and offset are functions of a condition `[n, size]`."""
    layer = keras.layers.BatchNormalization(
        momentum=0.9, epsilon=epsilon, center=False, scale=False, name=f"{name}_normalization"
    )
    return conditional_modulation(layer(features), condition, name, kernels)


def conditional_modulation(features: Any, condition: Any, name: str, kernels: str = "none") -> Any:
    """x (1 + W c) + V c.

    W and V are zero at first, so that it begins as normalisation without a condition. With `kernels=spectral` they are
    spectrally normalised, which zeros can't be, and begin orthogonal, as in BigGAN.
    """
    initializer = "orthogonal" if kernels == "spectral" else "zeros"
    gain, offset = (
        dense(kernels, features.shape[-1], use_bias=False, kernel_initializer=initializer, name=f"{name}_{part}")
        for part in ("gain", "offset")
    )
    return Modulation(name=f"{name}_modulation")([features, gain(condition), offset(condition)])
