"""Layers with one weight for each channel and position: where R3GAN's networks begin and end.

Huang et al. 2025, arXiv:2501.05441, section 3.4; brownvc/R3GAN, `GenerativeBasis` and `DiscriminativeBasis`. Features
are `[n, height, width, channels]`.
"""

from __future__ import annotations

import math
from typing import Any

import keras


@keras.saving.register_keras_serializable("gan_cli")
class ScaledMap(keras.layers.Layer):
    """A learnt map `[height, width, channels]`, each channel times the factor that an example has for it.

    Inputs are factors `[n, channels]`. The map is normal with variance 1 at first.
    """

    def __init__(self, height: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.height, self.width = height, width

    def build(self, input_shape: Any) -> None:
        shape = (self.height, self.width, input_shape[-1])
        self.map = self.add_weight(shape=shape, initializer=keras.initializers.RandomNormal(stddev=1.0), name="map")

    def call(self, inputs: Any) -> Any:
        return keras.ops.expand_dims(inputs, (1, 2)) * self.map

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("gan_cli")
class SpatialSum(keras.layers.Layer):
    """The weighted sum of each channel over all positions, `[n, channels]`.

    It is a depthwise convolution without padding whose kernel is as large as the map, computed as a product and a sum,
    so that no second gradient of a depthwise convolution is needed. The kernel is normal with variance
    1 / (height width) at first.
    """

    def build(self, input_shape: Any) -> None:
        height, width, channels = input_shape[1:]
        initializer = keras.initializers.RandomNormal(stddev=1.0 / math.sqrt(height * width))
        self.kernel = self.add_weight(shape=(height, width, channels), initializer=initializer, name="kernel")

    def call(self, inputs: Any) -> Any:
        return keras.ops.sum(inputs * self.kernel, axis=(1, 2))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[-1])
