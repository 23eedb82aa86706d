"""The layers that networks have in training in place of Keras's: exact second gradients, and fused operations.

A layer changes its class in place. Names, variables and their order stay, so checkpoints do too. What is saved as a
file is another copy of the network with Keras's own layers, which any Keras can read.
"""

from __future__ import annotations

import keras

from gan_cli.training.exact_normalization import (
    ExactBatchNormalization,
    ExactGroupNormalization,
    ExactLayerNormalization,
)
from gan_cli.training.fused_batch_norm import FusedBatchNormalization, is_fusible


def use_training_layers(model: keras.Model) -> keras.Model:
    """Replaces the normalisation layers of a model, nested models included, and returns the model."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            use_training_layers(layer)
        else:
            layer.__class__ = training_class(layer)
    return model


def training_class(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    """Returns the class that a layer has in training; its own where there is no replacement."""
    layers = keras.layers
    if type(layer) is layers.BatchNormalization:
        return FusedBatchNormalization if is_fusible(layer) else ExactBatchNormalization
    if type(layer) is layers.LayerNormalization:
        return ExactLayerNormalization
    if type(layer) is layers.GroupNormalization and is_on_last_axis(layer):
        return ExactGroupNormalization
    return type(layer)


def is_on_last_axis(layer: keras.layers.GroupNormalization) -> bool:
    """Returns whether the channels of a layer are the last axis and all positions are known."""
    shape = layer.input.shape
    return layer.axis in (-1, len(shape) - 1) and None not in shape[1:]
