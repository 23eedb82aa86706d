"""Layers whose kernel is divided by its largest singular value, so that they can't steepen what they are given.

Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957, Algorithm 1: one
power iteration at each call in training. u and v are constants for the gradient, which gives equation 12. A
convolution's kernel counts as a matrix with one column for each output channel, its other axes flattened.

The iteration and the division are done in float32 whatever the compute type: in bfloat16 u would not settle.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

TINY = 1e-12
"""Keeps the direction of a zero vector finite."""


class SpectralLayer(keras.layers.Layer):
    """A kernel with its power iteration, and a bias; subclasses say the kernel's shape and what to do with it.

    Args:
        use_bias: whether a bias is added to each output channel.
        kernel_initializer: as in any Keras layer; glorot_uniform is Keras's own default.
        iterates_in_evaluation: whether a call outside training uses the result of an iteration too, without storing it
            (ajbrock/BigGAN-PyTorch). Averaged weights come with an averaged `u`, which is not quite theirs. Without it,
            the stored `u` is used as it is (PyTorch).

    `kernel` is the trained weight, `u` (float32 `[output channels]`) the running left singular vector.
    """

    output_axis = -1  # of the kernel: where its output channels are

    def __init__(
        self,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        iterates_in_evaluation: bool = True,
        **layer_options: Any,
    ) -> None:
        super().__init__(**layer_options)
        self.use_bias, self.iterates_in_evaluation = use_bias, iterates_in_evaluation
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def kernel_shape(self, input_channels: int) -> tuple[int, ...]:
        """The shape of the kernel for inputs of so many channels. Each layer defines it."""
        raise NotImplementedError

    def apply_kernel(self, inputs: Any, kernel: Any) -> Any:
        """The output of the layer with this kernel, without the bias. Each layer defines it."""
        raise NotImplementedError

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = self.kernel_shape(int(input_shape[-1]))  # type: ignore[arg-type]
        channels = shape[self.output_axis]
        self.kernel = self.add_weight(
            shape=shape, initializer=self.kernel_initializer, autocast=False, name="kernel"
        )  # fmt: skip
        self.bias = self.add_weight(shape=(channels,), initializer="zeros", name="bias") if self.use_bias else None
        self.u = self.add_weight(
            shape=(channels,),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            autocast=False,
            dtype="float32",
            name="u",
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        outputs = self.apply_kernel(inputs, ops.cast(self.normalised_kernel(training), self.compute_dtype))
        return outputs if self.bias is None else ops.add(outputs, self.bias)

    def normalised_kernel(self, training: bool) -> Any:
        """The kernel over its largest singular value, float32; an iteration in training is stored."""
        kernel = ops.cast(self.kernel, "float32")
        columns = ops.moveaxis(kernel, self.output_axis, -1)
        matrix = ops.reshape(columns, (-1, columns.shape[-1]))
        constant = ops.stop_gradient(matrix)
        u = ops.convert_to_tensor(self.u)
        v = direction(ops.matmul(constant, u))
        u = direction(ops.matmul(v, constant) if training or self.iterates_in_evaluation else u)
        if training and self.trainable:  # a frozen layer keeps its u
            self.u.assign(u)
        return kernel / ops.maximum(ops.sum(v * ops.matmul(matrix, u)), TINY)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "iterates_in_evaluation": self.iterates_in_evaluation,
        }


def direction(vector: Any) -> Any:
    """`vector` at length 1; a zero vector stays one."""
    return vector / ops.maximum(ops.sqrt(ops.sum(ops.square(vector))), TINY)


@keras.saving.register_keras_serializable(package="gan_cli")
class SpectralDense(SpectralLayer):
    """A dense layer with a spectrally normalised kernel `[input, units]`: `[batch, input]` to `[batch, units]`."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units

    def kernel_shape(self, input_channels: int) -> tuple[int, ...]:
        return (input_channels, self.units)

    def apply_kernel(self, inputs: Any, kernel: Any) -> Any:
        return ops.matmul(inputs, kernel)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="gan_cli")
class SpectralConv2D(SpectralLayer):
    """A convolution with a spectrally normalised kernel `[size, size, input, filters]`; "same" padding.

    `[batch, height, width, input]` to `[batch, height / strides, width / strides, filters]`, rounded up.
    """

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides

    def kernel_shape(self, input_channels: int) -> tuple[int, ...]:
        return (self.kernel_size, self.kernel_size, input_channels, self.filters)

    def apply_kernel(self, inputs: Any, kernel: Any) -> Any:
        return ops.conv(inputs, kernel, strides=self.strides, padding="same", data_format="channels_last")

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="gan_cli")
class SpectralConv2DTranspose(SpectralLayer):
    """A transposed convolution with a spectrally normalised kernel `[size, size, filters, input]`; "same" padding.

    `[batch, height, width, input]` to `[batch, height * strides, width * strides, filters]`.
    """

    output_axis = 2

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides

    def kernel_shape(self, input_channels: int) -> tuple[int, ...]:
        return (self.kernel_size, self.kernel_size, self.filters, input_channels)

    def apply_kernel(self, inputs: Any, kernel: Any) -> Any:
        return ops.conv_transpose(inputs, kernel, strides=self.strides, padding="same", data_format="channels_last")

    def get_config(self) -> dict[str, Any]:
        own = {"filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides}
        return {**super().get_config(), **own}
