"""Mean pooling to a map of a given size, whatever the size of the features (PyTorch's `AdaptiveAvgPool2d`)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from gan_cli.models.layers.fixed_resampling import resample


def pooling_matrix(side: int, pooled: int) -> np.ndarray:
    """float32 `[pooled, side]`: row i is a mean from position floor(i side / pooled) to ceil((i + 1) side / pooled).

    >>> pooling_matrix(3, 2).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    """
    matrix = np.zeros((pooled, side), np.float32)
    for row in range(pooled):
        first, end = row * side // pooled, -(-(row + 1) * side // pooled)
        matrix[row, first:end] = 1 / (end - first)
    return matrix


@keras.saving.register_keras_serializable("gan_cli")
class AdaptivePooling(keras.layers.Layer):
    """Features `[n, height, width, channels]` to `[n, side, side, channels]`."""

    def __init__(self, side: int, **options: Any) -> None:
        super().__init__(**options)
        self.side = side

    def call(self, inputs: Any) -> Any:
        _, height, width, _ = inputs.shape
        if (height, width) == (self.side, self.side):
            return inputs
        return resample(inputs, pooling_matrix(height, self.side), pooling_matrix(width, self.side))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.side, self.side, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "side": self.side}
