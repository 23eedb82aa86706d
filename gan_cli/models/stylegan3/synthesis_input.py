"""The input of StyleGAN3's synthesis network: a map of Fourier features, moved by w and by the user.

Karras et al. 2021, arXiv:2106.12423, section 3.2 and appendix F. Each feature is a plane wave whose frequency is drawn
once from a disc; moving the map moves the waves exactly, with nothing lost at the borders.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable("gan_cli")
class SynthesisInput(keras.layers.Layer):
    """Fourier features `[n, height, width, channels]`, for all w `[n, layers, size]`, of which it takes the first.

    The affine layer of w gives a rotation (cosine, sine) and a shift (x, y). `transform` is the user's own, from
    positions of the output to positions of the input, and not trained.

    Args:
        size: height and width of the map.
        channels: number of features.
        rate: samples a unit.
        bandwidth: radius of the disc of frequencies.
    """

    def __init__(self, size: tuple[int, int], channels: int, rate: float, bandwidth: float, **options: Any) -> None:
        super().__init__(**{"dtype": "float32", **options})
        self.size, self.channels, self.rate, self.bandwidth = (size[0], size[1]), channels, rate, bandwidth

    def build(self, w_shape: Any) -> None:
        def frequencies(shape: Any, dtype: Any = None) -> Any:
            return random_frequencies(shape[0]) * self.bandwidth

        uniform = keras.initializers.RandomUniform(-0.5, 0.5)
        self.frequencies = self.add_weight(
            shape=(self.channels, 2), initializer=frequencies, trainable=False, name="frequencies"
        )
        self.phases = self.add_weight(shape=(self.channels,), initializer=uniform, trainable=False, name="phases")
        self.transform = self.add_weight(
            shape=(3, 3), initializer=keras.initializers.Identity(), trainable=False, name="transform"
        )
        self.affine_kernel = self.add_weight(shape=(w_shape[-1], 4), initializer="zeros", name="affine_kernel")
        self.affine_bias = self.add_weight(shape=(4,), initializer=no_movement, name="affine_bias")
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.kernel = self.add_weight(shape=(self.channels, self.channels), initializer=normal, name="kernel")

    def call(self, w: Any) -> Any:
        ops = keras.ops
        rotation, shift = self.learned_movement(ops.cast(w[:, 0], "float32"))
        user = self.transform
        # Position p of the output lies at R (U p + u - t) of the input: U and u are the user's, R and t of w.
        moved = ops.matmul(rotation, user[:2, :2])  # [n, 2, 2]
        offset = ops.matmul(rotation, ops.expand_dims(user[:2, 2] - shift, 2))  # [n, 2, 1]
        phases = self.phases + ops.squeeze(ops.matmul(self.frequencies, offset), 2)  # [n, channels]
        frequencies = ops.matmul(self.frequencies, moved)  # [n, channels, 2]
        waves = ops.sin(2 * math.pi * (self.phase_map(frequencies) + phases[:, None, None, :]))
        features = waves * self.amplitudes(frequencies)[:, None, None, :]
        return ops.matmul(features, self.kernel / math.sqrt(self.channels))

    def learned_movement(self, w: Any) -> tuple[Any, Any]:
        """The rotation, `[n, 2, 2]`, and the shift, `[n, 2]`, of each example."""
        ops = keras.ops
        movement = ops.matmul(w, self.affine_kernel / math.sqrt(w.shape[-1])) + self.affine_bias
        movement = movement / ops.sqrt(ops.sum(ops.square(movement[:, :2]), axis=1, keepdims=True))
        cosine, sine = movement[:, 0], movement[:, 1]
        rows = ops.stack([ops.stack([cosine, -sine], axis=1), ops.stack([sine, cosine], axis=1)], axis=1)
        return rows, movement[:, 2:]

    def phase_map(self, frequencies: Any) -> Any:
        """Frequency times position at each pixel's centre, `[n, height, width, channels]`."""
        rows, columns = (
            (((np.arange(side) + 0.5) / side * 2 - 1) * 0.5 * side / self.rate).astype(np.float32) for side in self.size
        )
        along_x = columns[None, None, :, None] * frequencies[:, None, None, :, 0]
        return along_x + rows[None, :, None, None] * frequencies[:, None, None, :, 1]

    def amplitudes(self, frequencies: Any) -> Any:
        """1 within the bandwidth, down to 0 at half the sampling rate, for moved frequencies: `[n, channels]`."""
        radius = keras.ops.sqrt(keras.ops.sum(keras.ops.square(frequencies), axis=2))
        return keras.ops.clip(1 - (radius - self.bandwidth) / (self.rate / 2 - self.bandwidth), 0, 1)

    def compute_output_shape(self, w_shape: Any) -> Any:
        return (w_shape[0], *self.size, self.channels)

    def get_config(self) -> dict[str, Any]:
        own = {"size": list(self.size), "channels": self.channels, "rate": self.rate, "bandwidth": self.bandwidth}
        return {**super().get_config(), **own}


def random_frequencies(count: int) -> Any:
    """Frequencies that are spread evenly over the disc of radius 1: `[count, 2]`."""
    points = keras.random.normal((count, 2))
    squares = keras.ops.sum(keras.ops.square(points), axis=1, keepdims=True)
    # For normal points exp(-squares / 2) is uniform on [0, 1], and the root of a uniform number the radius in a disc.
    return points * keras.ops.rsqrt(squares) * keras.ops.exp(-squares / 4)


def no_movement(shape: Any, dtype: Any = None) -> Any:
    """The bias of the affine layer at first: rotation by 0 degrees, no shift."""
    return keras.ops.convert_to_tensor([1.0, 0.0, 0.0, 0.0], dtype or "float32")
