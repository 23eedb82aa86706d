"""A small convolutional network that suits images of any size: from images to a hidden layer and the classes' logits.

3x3 convolutions, each followed by a leaky ReLU and 2x2 max pooling, until no side is longer than seven; then a hidden
layer, likewise with a leaky ReLU, whose values are the features, and one logit a class. As in LeNet-5 (LeCun et al.
1998, "Gradient-based learning applied to document recognition"), with today's nonlinearity and pooling. Sides longer
than 32 are shortened by the stride of the first convolution, so that the cost does not grow with the images.

The weights are plain arrays by name, and the operations TensorFlow's own: nothing here reads or moves what Keras or
TensorFlow keep globally (dtype policy, seeds, names of layers), so a training in the same process is not disturbed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_cli.lazy import tf

SHORT_ENOUGH = 7  # pixels a side that the hidden layer looks at: 28 and 32 become 7 and 4
TOO_LONG = 32  # pixels a side; beyond, the first convolution takes larger strides
WIDEST = 4  # times the first convolution's channels; they double from one to the next up to here

SLOPE = 0.1
"""Of the leaky ReLU below 0. With 0 most features died: of 128, 38 still varied on MNIST, and 4 on stacked digits,
whose 1,000 classes it could then not learn at all."""


def first_stride(shape: tuple[int, ...]) -> int:
    """Stride of the first convolution for images `(height, width, channels)`."""
    return math.ceil(max(shape[:2]) / TOO_LONG)


def weight_shapes(shape: tuple[int, ...], classes: int, width: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights.

    Args:
        shape: (height, width, channels) of the images, each at least 1.
        classes: number of logits.
        width: channels of the first convolution; the features have four times as many dimensions.
    """
    stride = first_stride(shape)
    height, wide, channels = math.ceil(shape[0] / stride), math.ceil(shape[1] / stride), shape[2]
    kernel, stage = stride + 2, 0
    shapes: dict[str, tuple[int, ...]] = {}
    while stage == 0 or max(height, wide) > SHORT_ENOUGH:
        out = width * min(2**stage, WIDEST)
        shapes[f"convolution_{stage}_kernel"] = (kernel, kernel, channels, out)
        shapes[f"convolution_{stage}_bias"] = (out,)
        height, wide, channels = math.ceil(height / 2), math.ceil(wide / 2), out
        kernel, stage = 3, stage + 1
    hidden = WIDEST * width
    shapes |= {"hidden_kernel": (height * wide * channels, hidden), "hidden_bias": (hidden,)}
    return shapes | {"logits_kernel": (hidden, classes), "logits_bias": (classes,)}


def initial_weights(shapes: Mapping[str, tuple[int, ...]], random: np.random.RandomState) -> dict[str, np.ndarray]:
    """float32 weights to begin with: biases 0, kernels normal, variance 2 / inputs (He et al., arXiv:1502.01852)."""
    weights = {}
    for name, shape in shapes.items():
        deviation = 0.0 if name.endswith("bias") else math.sqrt(2 / math.prod(shape[:-1]))
        weights[name] = (deviation * random.standard_normal(shape)).astype(np.float32)
    return weights


def apply(weights: Mapping[str, Any], images: Any) -> tuple[Any, Any]:
    """Features and logits of a batch.

    Args:
        weights: float32 tensors or variables by the names of `weight_shapes`.
        images: uint8 tensor `[batch, height, width, channels]` of a known shape.

    Returns:
        float32 tensors `[batch, dimensions]` and `[batch, classes]`.
    """
    return apply_to_floats(weights, tf.cast(images, tf.float32) / 127.5 - 1.0)


def apply_to_floats(weights: Mapping[str, Any], images: Any) -> tuple[Any, Any]:
    """The same of float32 images in [-1, 1], with a gradient."""
    values = images
    stage, stride = 0, first_stride(images.shape[1:])
    while f"convolution_{stage}_kernel" in weights:
        values = tf.nn.conv2d(values, weights[f"convolution_{stage}_kernel"], stride, "SAME")
        values = tf.nn.leaky_relu(values + weights[f"convolution_{stage}_bias"], SLOPE)
        values = tf.nn.max_pool2d(values, 2, 2, "SAME")
        stage, stride = stage + 1, 1
    flat = tf.reshape(values, [-1, math.prod(values.shape[1:])])
    features = tf.nn.leaky_relu(tf.matmul(flat, weights["hidden_kernel"]) + weights["hidden_bias"], SLOPE)
    return features, tf.matmul(features, weights["logits_kernel"]) + weights["logits_bias"]
