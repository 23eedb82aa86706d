"""Layers with an equalised learning rate: weights are normal with variance 1 over the rate multiplier, and scaled at
each call by the multiplier over the root of the number of inputs, so that all layers learn equally fast.

Karras et al. 2018, "Progressive Growing of GANs", arXiv:1710.10196, section 4.1.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from gan_cli.models.layers.bias_activation import bias_activation, gain_of_weights
from gan_cli.models.layers.resampled_convolution import resampled_convolution
from gan_cli.models.layers.upfirdn import TAPS, normalize_taps

LINEAR = "linear"


@keras.saving.register_keras_serializable("gan_cli")
class EqualizedDense(keras.layers.Layer):
    """gain f(x (m / sqrt(inputs)) W + m b), with the rate multiplier m.

    Args:
        units: outputs.
        rate_multiplier: m.
        use_bias: whether there is b.
        bias_start: first value of b.
        activation: f, one of `gan_cli.models.layers.bias_activation.ACTIVATIONS`.
        gain: None for that of the activation.
    """

    def __init__(
        self,
        units: int,
        rate_multiplier: float = 1.0,
        use_bias: bool = True,
        bias_start: float = 0.0,
        activation: str = "linear",
        gain: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units, self.rate_multiplier, self.use_bias, self.bias_start = units, rate_multiplier, use_bias, bias_start
        self.activation, self.gain = nonlinear(activation), gain

    def build(self, input_shape: Any) -> None:
        initializer = keras.initializers.RandomNormal(stddev=1.0 / self.rate_multiplier)
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer=initializer, name="kernel")
        self.bias = None
        if self.use_bias:
            start = keras.initializers.Constant(self.bias_start)
            self.bias = self.add_weight(shape=(self.units,), initializer=start, name="bias")

    def call(self, inputs: Any) -> Any:
        before, after = gain_of_weights(name_of(self.activation), self.gain)
        scale = self.rate_multiplier * before
        features = tf.matmul(inputs, self.kernel * (scale / math.sqrt(inputs.shape[-1])))
        bias = None if self.bias is None else scale * self.bias
        return bias_activation(features, bias, name_of(self.activation), gain=after)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "rate_multiplier": self.rate_multiplier,
            "use_bias": self.use_bias,
            "bias_start": self.bias_start,
            "activation": name_of(self.activation),
            "gain": self.gain,
        }


@keras.saving.register_keras_serializable("gan_cli")
class EqualizedConv2D(keras.layers.Layer):
    """clip(gain f(x * (1 / sqrt(inputs side^2)) W + b), -clamp, clamp), doubled or halved by the filter of StyleGAN2.

    Args:
        filters: outputs.
        side: of the kernel, odd.
        up, down: see `resampled_convolution`.
        use_bias: whether there is b.
        activation: f, one of `gan_cli.models.layers.bias_activation.ACTIVATIONS`.
        gain: further gain after that of the activation.
        clamp: bound of the outputs before that further gain; None for none.
    """

    def __init__(
        self,
        filters: int,
        side: int = 3,
        up: int = 1,
        down: int = 1,
        use_bias: bool = True,
        activation: str = "leaky_relu",
        gain: float = 1.0,
        clamp: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.filters, self.side, self.up, self.down, self.use_bias = filters, side, up, down, use_bias
        self.activation, self.gain, self.clamp = nonlinear(activation), gain, clamp

    def build(self, input_shape: Any) -> None:
        initializer = keras.initializers.RandomNormal(stddev=1.0)
        shape = (self.side, self.side, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=initializer, name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias") if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        gain = self.gain * gain_of_activation(name_of(self.activation))
        before, after = gain_of_weights(name_of(self.activation), gain)
        kernel = self.kernel * (before / math.sqrt(inputs.shape[-1] * self.side**2))
        features = resampled_convolution(inputs, kernel, self.up, self.down, normalize_taps(TAPS))
        bias = None if self.bias is None else self.bias * before
        clamp = None if self.clamp is None else self.clamp * self.gain
        return bias_activation(features, bias, name_of(self.activation), gain=after, clamp=clamp)

    def compute_output_shape(self, input_shape: Any) -> Any:
        height, width = (None if one is None else one * self.up // self.down for one in input_shape[1:3])
        return (input_shape[0], height, width, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "side": self.side,
            "up": self.up,
            "down": self.down,
            "use_bias": self.use_bias,
            "activation": name_of(self.activation),
            "gain": self.gain,
            "clamp": self.clamp,
        }


def gain_of_activation(activation: str) -> float:
    """The gain of an activation by itself."""
    before, after = gain_of_weights(activation)
    return before * after


def nonlinear(activation: str) -> str | None:
    """The name of an activation; None for `linear`, as layers without an activation function have it."""
    return None if activation == LINEAR else activation


def name_of(activation: str | None) -> str:
    return activation or LINEAR
