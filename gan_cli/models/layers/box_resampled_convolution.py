"""A 3x3 convolution after nearest upsampling, or before 2x2 mean pooling, as one strided convolution.

Both are linear, so that a kernel of 4x4, the sum of four shifted copies of the 3x3 one, gives the same values: with
stride 2 for mean pooling, transposed with stride 2 for upsampling. There are 16 products in place of 36 for four pixels
of the larger image, and no image in between. The trained weight stays the 3x3 kernel, which is what spectral
normalisation is about.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gan_cli.models.spectral_normalization import SpectralConv2D

SIZE = 3
"""Side of the trained kernel, in pixels."""


def shifted_sum(kernel: Any) -> Any:
    """`[3, 3, input, filters]` to `[4, 4, input, filters]`: the sum of the kernel at four places, a pixel apart."""
    for axis in (0, 1):
        before, after = ([(0, 0)] * 4 for _ in range(2))
        before[axis], after[axis] = (1, 0), (0, 1)
        kernel = ops.pad(kernel, before) + ops.pad(kernel, after)
    return kernel


def convolve_upsampled(inputs: Any, kernel: Any) -> Any:
    """Nearest upsampling by 2, then the convolution: `[n, h, w, input]` to `[n, 2 h, 2 w, filters]`."""
    transposed = ops.transpose(ops.flip(shifted_sum(kernel), (0, 1)), (0, 1, 3, 2))
    return ops.conv_transpose(inputs, transposed, strides=2, padding="same", data_format="channels_last")


def convolve_and_pool(inputs: Any, kernel: Any) -> Any:
    """The convolution, then the mean of 2x2: `[n, 2 h, 2 w, input]` to `[n, h, w, filters]`, for even sides."""
    return ops.conv(inputs, shifted_sum(kernel) / 4.0, strides=2, padding="same", data_format="channels_last")


class PlainConv2D(keras.layers.Conv2D):
    """A convolution of 3x3 whose subclasses say how it is computed."""

    def __init__(self, filters: int, kernel_size: Any = SIZE, **options: Any) -> None:
        super().__init__(filters, kernel_size, **{**options, "padding": "same"})


@keras.saving.register_keras_serializable("gan_cli")
class UpsampledConv2D(PlainConv2D):
    """`convolve_upsampled` with a bias."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return convolve_upsampled(inputs, kernel)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return upsampled_shape(input_shape, self.filters)


@keras.saving.register_keras_serializable("gan_cli")
class PooledConv2D(PlainConv2D):
    """`convolve_and_pool` with a bias."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return convolve_and_pool(inputs, kernel)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return pooled_shape(input_shape, self.filters)


@keras.saving.register_keras_serializable("gan_cli")
class SpectralUpsampledConv2D(SpectralConv2D):
    """`UpsampledConv2D` with a spectrally normalised kernel."""

    def __init__(self, filters: int, kernel_size: int = SIZE, **options: Any) -> None:
        super().__init__(filters, kernel_size, **options)

    def apply_kernel(self, inputs: Any, kernel: Any) -> Any:
        return convolve_upsampled(inputs, kernel)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return upsampled_shape(input_shape, self.filters)


@keras.saving.register_keras_serializable("gan_cli")
class SpectralPooledConv2D(SpectralConv2D):
    """`PooledConv2D` with a spectrally normalised kernel."""

    def __init__(self, filters: int, kernel_size: int = SIZE, **options: Any) -> None:
        super().__init__(filters, kernel_size, **options)

    def apply_kernel(self, inputs: Any, kernel: Any) -> Any:
        return convolve_and_pool(inputs, kernel)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return pooled_shape(input_shape, self.filters)


def upsampled_shape(shape: Any, filters: int) -> tuple[Any, ...]:
    return (shape[0], 2 * shape[1], 2 * shape[2], filters)


def pooled_shape(shape: Any, filters: int) -> tuple[Any, ...]:
    return (shape[0], shape[1] // 2, shape[2] // 2, filters)
