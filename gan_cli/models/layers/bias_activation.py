"""Bias, activation, gain and clamp, in this order, as one operation (`bias_act` of NVlabs/stylegan2-ada-pytorch).

The gain keeps the variance of features: sqrt(2) after the activations that lose half of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from gan_cli.lazy import tf

SLOPE = 0.2
"""Of the leaky ReLU below 0."""


class Activation(NamedTuple):
    """An activation function of features and of the slope below 0.

    Attributes:
        function: maps features and a slope to features.
        gain: by which its outputs are multiplied where none is named.
        is_homogeneous: whether f(a x) = a f(x) for a > 0, so that a gain may be taken into the weights before it.
    """

    function: Callable[[Any, float], Any]
    gain: float
    is_homogeneous: bool = False


ACTIVATIONS = {
    "linear": Activation(lambda x, _: x, 1.0, True),
    "relu": Activation(lambda x, _: tf.nn.relu(x), math.sqrt(2), True),
    "leaky_relu": Activation(lambda x, slope: tf.nn.leaky_relu(x, slope), math.sqrt(2), True),
    "tanh": Activation(lambda x, _: tf.tanh(x), 1.0),
    "sigmoid": Activation(lambda x, _: tf.sigmoid(x), 1.0),
    "elu": Activation(lambda x, _: tf.nn.elu(x), 1.0),
    "selu": Activation(lambda x, _: tf.nn.selu(x), 1.0),
    "softplus": Activation(lambda x, _: tf.nn.softplus(x), 1.0),
    "swish": Activation(lambda x, _: x * tf.sigmoid(x), math.sqrt(2)),
}


def bias_activation(
    features: Any,
    bias: Any = None,
    activation: str = "leaky_relu",
    slope: float = SLOPE,
    gain: float | None = None,
    clamp: float | None = None,
) -> Any:
    """clip(gain * f(x + b), -clamp, clamp).

    Args:
        features: `[n, ..., channels]`.
        bias: `[channels]`; None for none.
        activation: one of `ACTIVATIONS`.
        slope: of the leaky ReLU below 0.
        gain: None for that of the activation.
        clamp: None for none.
    """
    kind = ACTIVATIONS[activation]
    gain = kind.gain if gain is None else gain
    features = kind.function(features if bias is None else tf.nn.bias_add(features, bias), slope)
    features = features if gain == 1 else features * gain
    return features if clamp is None else tf.clip_by_value(features, -clamp, clamp)


def gain_of_weights(activation: str, gain: float | None = None) -> tuple[float, float]:
    """The gain to multiply the weights and the bias before an activation by, and the gain that is left after it.

    Features are larger than weights, so a gain costs less there.
    """
    kind = ACTIVATIONS[activation]
    gain = kind.gain if gain is None else gain
    return (gain, 1.0) if kind.is_homogeneous and gain > 0 else (1.0, gain)
