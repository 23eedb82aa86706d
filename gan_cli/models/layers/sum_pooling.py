"""The sum of features over all positions, with which SNGAN's and BigGAN's discriminators end."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("gan_cli")
class SumPooling2D(keras.layers.Layer):
    """`[n, height, width, channels]` to float32 `[n, channels]`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "dtype": "float32"})

    def call(self, inputs: Any) -> Any:
        return keras.ops.sum(inputs, axis=(1, 2))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[-1])
