"""Modulated convolution: the inputs of a kernel are scaled by a style of each example, and its outputs normalised.

Karras et al. 2020, arXiv:1912.04958, section 2.2: w' = s w, w'' = w' / sqrt(sum of w'^2 over inputs and positions).

Two forms. Kernels larger than 1x1 are shared by all examples: scales of inputs and outputs commute with the
convolution, so both multiply features. A 1x1 kernel is scaled for each example, and applied by one batched matrix
product. Processor time in ms, forward, with first gradients, and with gradients of a gradient (8 images of 16x16x64,
one thread, AMD EPYC):

- 3x3 to 64 channels: scaled features 3.3, 10.6, 19.4; a batched product with patches of the images 7.5, 17.1, 34.9; one
  grouped convolution has no gradient on a CPU;
- 1x1 to 3 channels: scaled features 1.3, 2.1, 2.8; a batched product 1.5, 1.8, 2.6.
"""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import tf
from gan_cli.models.layers.resampled_convolution import resampled_convolution

EPSILON = 1e-8


def modulated_convolution(
    images: Any,
    kernel: Any,
    styles: Any,
    demodulate: bool = True,
    up: int = 1,
    down: int = 1,
    taps: Any = None,
    padding: int | None = None,
    flip: bool = False,
    gain: Any = 1.0,
) -> Any:
    """A convolution whose kernel is scaled by a style.

    Args:
        images: `[n, height, width, inputs]`.
        kernel: `[side, side, inputs, outputs]`.
        styles: `[n, inputs]`.
        demodulate: whether each output is divided by the norm of its scaled kernel.
        up, down, taps, padding, flip: see `resampled_convolution`.
        gain: by which all outputs are multiplied, a number or a scalar tensor.
    """
    is_plain = kernel.shape[0] == 1 and up == down == 1 and not padding
    scale = demodulation(kernel, styles) if demodulate else None
    if is_plain:
        scaled = kernel[0, 0] * (styles * gain)[:, :, None]
        scaled = scaled if scale is None else scaled * tf.cast(scale, scaled.dtype)[:, None]
        _, height, width, inputs = images.shape
        pixels = tf.matmul(tf.reshape(images, [-1, height * width, inputs]), tf.cast(scaled, images.dtype))
        return tf.reshape(pixels, [-1, height, width, kernel.shape[3]])
    if scale is None:
        styles = styles * gain
    images = images * tf.cast(styles, images.dtype)[:, None, None]
    features = resampled_convolution(images, tf.cast(kernel, images.dtype), up, down, taps, padding, flip)
    return features if scale is None else features * tf.cast(scale * gain, features.dtype)[:, None, None]


def demodulation(kernel: Any, styles: Any) -> Any:
    """1 / norm of the scaled kernel of each output, float32 at least, `[n, outputs]`."""
    wide = tf.float64 if kernel.dtype == tf.float64 else tf.float32
    squares = tf.reduce_sum(tf.square(tf.cast(kernel, wide)), axis=[0, 1])
    return tf.math.rsqrt(tf.matmul(tf.square(tf.cast(styles, wide)), squares) + EPSILON)
