"""A Keras layer with the network of a feature extractor: its weights are stored with the model and never trained."""

from __future__ import annotations

from typing import Any

import keras

from gan_cli.features import DifferentiableNetwork


class FixedFeatures(keras.layers.Layer):
    """From float32 images `[n, height, width, channels]` in [-1, 1] to features `[n, dimensions]`."""

    def __init__(self, network: DifferentiableNetwork, **layer_options: Any) -> None:
        super().__init__(trainable=False, **layer_options)
        self.function = network.apply
        self.arrays = {
            name: self.add_weight(
                shape=array.shape, initializer=keras.initializers.Constant(array), trainable=False, name=name
            )
            for name, array in network.weights.items()
        }

    def call(self, inputs: Any) -> Any:
        weights = {name: keras.ops.convert_to_tensor(variable) for name, variable in self.arrays.items()}
        return self.function(weights, inputs)
