"""The layers of StyleGAN2's synthesis network (Karras et al. 2020, arXiv:1912.04958, figure 2d).

Each gets the vectors w of all layers, `[n, layers, size]`, and picks its own; an affine map turns it into the styles
of its modulated convolution. A layer with noise gets the normal numbers of all layers, `[n, numbers]`, and takes a
plane of its own size from its place on, the same for all channels.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from gan_cli.models.layers.bias_activation import bias_activation
from gan_cli.models.layers.modulated_convolution import modulated_convolution
from gan_cli.models.layers.upfirdn import TAPS, downsample2d, normalize_taps, upsample2d

SIDE = 3
"""Of the kernels."""


def affine(ws: Any, layer: int, kernel: Any, bias: Any) -> Any:
    """The styles of a layer, `[n, inputs]`: an equalised dense layer of its w."""
    return tf.matmul(ws[:, layer], kernel * (1.0 / math.sqrt(ws.shape[2]))) + bias


@keras.saving.register_keras_serializable("gan_cli")
class SynthesisLayer(keras.layers.Layer):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU; its inputs are features, ws and, with noise, the noise.

    Args:
        filters: outputs.
        style: index of its w.
        up: 2 to double the size, with the filter of StyleGAN2.
        noise_offset: where its noise plane begins; None for a layer without noise.
        gain: further gain after that of the activation.
        clamp: bound of the outputs before that further gain; None for none.
    """

    def __init__(
        self,
        filters: int,
        style: int,
        up: int = 1,
        noise_offset: int | None = None,
        gain: float = 1.0,
        clamp: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.filters, self.style, self.up, self.noise_offset = filters, style, up, noise_offset
        self.gain, self.clamp = gain, clamp
        self.activation = "leaky_relu"

    def build(self, input_shape: Any) -> None:
        features, ws = input_shape[:2]
        normal = keras.initializers.RandomNormal
        shape = (SIDE, SIDE, features[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=normal(stddev=1.0), name="kernel")
        self.noise_strength = None
        if self.noise_offset is not None:
            self.noise_strength = self.add_weight(shape=(), initializer="zeros", name="noise_strength")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        self.style_kernel = self.add_weight(
            shape=(ws[-1], features[-1]), initializer=normal(stddev=1.0), name="style_kernel"
        )
        self.style_bias = self.add_weight(shape=(features[-1],), initializer="ones", name="style_bias")

    def call(self, inputs: Any) -> Any:
        features, ws, *noise = inputs
        gain = self.gain * math.sqrt(2.0)  # of the leaky ReLU; a = relu(g x) = g relu(x), and weights are small
        styles = affine(ws, self.style, self.style_kernel, self.style_bias)
        features = modulated_convolution(
            features, self.kernel, styles, up=self.up, taps=normalize_taps(TAPS), gain=gain
        )  # fmt: skip
        if self.noise_strength is not None:
            features = features + self.noise_plane(noise[0], features) * (self.noise_strength * gain)
        clamp = None if self.clamp is None else self.clamp * self.gain
        return bias_activation(features, self.bias * gain, self.activation, gain=1.0, clamp=clamp)

    def noise_plane(self, noise: Any, features: Any) -> Any:
        """`[n, height, width, 1]`."""
        height, width = features.shape[1:3]
        start = self.noise_offset or 0
        return tf.reshape(noise[:, start : start + height * width], [-1, height, width, 1])

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, height, width, _ = input_shape[0]
        return (batch, height * self.up, width * self.up, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "style": self.style,
            "up": self.up,
            "noise_offset": self.noise_offset,
            "gain": self.gain,
            "clamp": self.clamp,
        }


@keras.saving.register_keras_serializable("gan_cli")
class ImageLayer(keras.layers.Layer):
    """Features to an image by a modulated 1x1 convolution without demodulation ("ToRGB"); inputs: features and ws.

    Args:
        channels: of the image.
        style: index of its w.
        clamp: bound of the outputs; None for none.
    """

    def __init__(self, channels: int, style: int, clamp: float | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.channels, self.style, self.clamp = channels, style, clamp

    def build(self, input_shape: Any) -> None:
        features, ws = input_shape
        normal = keras.initializers.RandomNormal
        shape = (1, 1, features[-1], self.channels)
        self.kernel = self.add_weight(shape=shape, initializer=normal(stddev=1.0), name="kernel")
        self.bias = self.add_weight(shape=(self.channels,), initializer="zeros", name="bias")
        self.style_kernel = self.add_weight(
            shape=(ws[-1], features[-1]), initializer=normal(stddev=1.0), name="style_kernel"
        )
        self.style_bias = self.add_weight(shape=(features[-1],), initializer="ones", name="style_bias")

    def call(self, inputs: Any) -> Any:
        features, ws = inputs
        styles = affine(ws, self.style, self.style_kernel, self.style_bias)
        gain = 1.0 / math.sqrt(features.shape[-1])
        image = modulated_convolution(features, self.kernel, styles, demodulate=False, gain=gain)
        return bias_activation(image, self.bias, "linear", clamp=self.clamp)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[0][:-1], self.channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "channels": self.channels, "style": self.style, "clamp": self.clamp}


@keras.saving.register_keras_serializable("gan_cli")
class LearnedConstant(keras.layers.Layer):
    """A learned array of `shape`, normal with variance 1 at first, for each example of its input."""

    def __init__(self, shape: Any, **options: Any) -> None:
        super().__init__(**options)
        self.shape = tuple(shape)

    def build(self, input_shape: Any) -> None:
        initializer = keras.initializers.RandomNormal(stddev=1.0)
        self.constant = self.add_weight(shape=self.shape, initializer=initializer, name="constant")

    def call(self, inputs: Any) -> Any:
        return tf.tile(tf.convert_to_tensor(self.constant)[None], [tf.shape(inputs)[0], 1, 1, 1])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *self.shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shape": self.shape}


@keras.saving.register_keras_serializable("gan_cli")
class FilteredResampling(keras.layers.Layer):
    """Images of twice or half the size by the filter of StyleGAN2; one of `up` and `down` is 2."""

    def __init__(self, up: int = 1, down: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.up, self.down = up, down

    def call(self, inputs: Any) -> Any:
        taps = normalize_taps(TAPS)
        return upsample2d(inputs, taps, self.up) if self.up > 1 else downsample2d(inputs, taps, self.down)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, height, width, channels = input_shape
        return (batch, height * self.up // self.down, width * self.up // self.down, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "up": self.up, "down": self.down}
