"""The gated linear unit: half of the channels times the sigmoid of the other half.

Dauphin et al. 2017, "Language Modeling with Gated Convolutional Networks", arXiv:1612.08083, equation 1.
"""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("gan_cli")
class GatedLinearUnit(keras.layers.Layer):
    """`[..., 2 channels]` to `[..., channels]`: the first half times the sigmoid of the second."""

    def call(self, inputs: Any) -> Any:
        values, gates = keras.ops.split(inputs, 2, axis=-1)
        return values * keras.ops.sigmoid(gates)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], input_shape[-1] // 2)
