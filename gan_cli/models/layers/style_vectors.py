"""The way from w to the vectors of all layers: the average of w, style mixing, and truncation.

The average is a variable of the generator that calls in training update. Truncation moves w towards it when samples are
drawn (Karras et al. 2019, arXiv:1812.04948, section 3 and appendix B).
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from gan_cli.models.mapping_network import moving_average


@keras.saving.register_keras_serializable("gan_cli")
class AverageW(keras.layers.Layer):
    """Gives w `[n, size]` as it is. A call in training moves `average` by the batch's mean, with weight 1 - beta.

    A frozen layer (`trainable=False`) keeps it.
    """

    def __init__(self, beta: float = 0.995, **options: Any) -> None:
        super().__init__(**options)
        self.beta = beta

    def build(self, input_shape: Any) -> None:
        self.average = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", trainable=False, dtype="float32", name="average"
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if training and self.trainable:
            w = tf.stop_gradient(tf.cast(inputs, tf.float32))
            self.average.assign(moving_average(tf.convert_to_tensor(self.average), w, self.beta))
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta": self.beta}


@keras.saving.register_keras_serializable("gan_cli")
class StyleMixing(keras.layers.Layer):
    """w for each layer, `[n, layers, size]`; in training, layers from a random one on may get another w.

    Karras et al. 2019, arXiv:1812.04948, section 3.1. The inputs are w, or w, the other w and two normal numbers of
    each example, `[n, 2]`, which say whether and from which layer on.

    Args:
        layers: that get a w.
        probability: of mixing, for each example.
    """

    def __init__(self, layers: int, probability: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.layers, self.probability = layers, probability

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not isinstance(inputs, list | tuple):
            inputs = [inputs]
        w, *mixed = inputs
        same = tf.tile(w[:, None], [1, self.layers, 1])
        if not training or not mixed:
            return same
        other, numbers = mixed
        first = first_mixed_layer(numbers, self.layers, self.probability)
        return tf.where((tf.range(self.layers)[None] < first[:, None])[..., None], same, other[:, None])

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, size = input_shape[0] if isinstance(input_shape[0], list | tuple) else input_shape
        return (batch, self.layers, size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layers": self.layers, "probability": self.probability}


def first_mixed_layer(numbers: Any, layers: int, probability: float) -> Any:
    """The first layer that gets the other w, int32 `[n]`: uniform in 1 .. layers - 1, or `layers` for none.

    Args:
        numbers: normal, `[n, 2]`.
        layers: that get a w.
        probability: of mixing.
    """
    uniform = uniform_numbers(numbers)
    place = 1 + tf.cast(tf.floor(uniform[:, 1] * (layers - 1)), tf.int32)
    return tf.where(uniform[:, 0] < probability, tf.minimum(place, layers - 1), layers)


def uniform_numbers(normal: Any) -> Any:
    """Uniform numbers on [0, 1] from normal ones, by their distribution function."""
    return 0.5 * (1.0 + tf.math.erf(normal / math.sqrt(2.0)))


@keras.saving.register_keras_serializable("gan_cli")
class NoiseSlice(keras.layers.Layer):
    """Numbers `offset` .. `offset + size - 1` of a vector of normal numbers; `uniform` maps them to [-1, 1]."""

    def __init__(self, offset: int, size: int, uniform: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.offset, self.size, self.uniform = offset, size, uniform

    def call(self, inputs: Any) -> Any:
        numbers = inputs[:, self.offset : self.offset + self.size]
        return 2.0 * uniform_numbers(numbers) - 1.0 if self.uniform else numbers

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "offset": self.offset, "size": self.size, "uniform": self.uniform}
