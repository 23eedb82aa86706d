"""A convolution that doubles or halves images with a filter (`conv2d_resample` of NVlabs/stylegan2-ada-pytorch).

The filter and the convolution are ordered so that the larger of both works on the smaller images: to double, a
transposed convolution and then the filter; to halve, the filter and then a strided convolution.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_cli.lazy import tf
from gan_cli.models.layers.upfirdn import upfirdn2d


def resampled_convolution(
    images: Any,
    kernel: Any,
    up: int = 1,
    down: int = 1,
    taps: Any = None,
    padding: int | None = None,
    flip: bool = False,
) -> Any:
    """A convolution after or before resampling by a filter.

    Args:
        images: `[n, height, width, inputs]`, all but n known.
        kernel: `[side, side, inputs, outputs]`, an odd side.
        up: factor of the size, with `down` 1.
        down: divisor of the size, with `up` 1.
        taps: `[taps]` of sum 1, of the filter; needed with `up` or `down` above 1.
        padding: zeros at each side of the convolution; None for as many as keep the size.
        flip: whether the kernel is rotated by 180 degrees first. Without, it is a correlation, as TensorFlow's, and
            with `up` above 1 a true convolution, as a transposed convolution is.

    Returns:
        `[n, height * up / down, width * up / down, outputs]` with the default padding.
    """
    side = kernel.shape[0]
    padding = (side - 1) // 2 if padding is None else padding
    kernel = kernel[::-1, ::-1] if flip and side > 1 else kernel
    if up == 1 and down == 1:
        return convolve(images, kernel, padding)
    size = len(np.asarray(taps))
    if up > 1:
        before, after = padding + (size + up - 1) // 2, padding + (size - up) // 2
        if side == 1:
            features = tf.nn.conv2d(images, kernel, 1, "VALID")
        else:
            features = transposed_convolution(images, kernel, up)
            before, after = before - (side - 1), after - (side - up)
        return upfirdn2d(features, taps, up if side == 1 else 1, 1, ((before, after),) * 2, gain=up**2)
    pads = ((padding + (size - down + 1) // 2, padding + (size - down) // 2),) * 2
    if side == 1:
        return tf.nn.conv2d(upfirdn2d(images, taps, 1, down, pads), kernel, 1, "VALID")
    return tf.nn.conv2d(upfirdn2d(images, taps, 1, 1, pads), kernel, down, "VALID")


def convolve(images: Any, kernel: Any, padding: int) -> Any:
    """A correlation with so many zeros at each side."""
    if 2 * padding == kernel.shape[0] - 1:
        return tf.nn.conv2d(images, kernel, 1, "SAME")
    return tf.nn.conv2d(tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]]), kernel, 1, "VALID")


def transposed_convolution(images: Any, kernel: Any, stride: int) -> Any:
    """A transposed convolution without padding: `[n, (height - 1) * stride + side, ..., outputs]`."""
    _, height, width, _ = images.shape
    side, outputs = kernel.shape[0], kernel.shape[3]
    batch = images.shape[0] or tf.shape(images)[0]
    shape = [batch, (height - 1) * stride + side, (width - 1) * stride + side, outputs]
    return tf.nn.conv2d_transpose(images, tf.transpose(kernel, [0, 1, 3, 2]), shape, stride, "VALID")
