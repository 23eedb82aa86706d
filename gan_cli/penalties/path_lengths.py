"""Path lengths of a generator with styles w, and the penalty on their deviation from their mean.

Karras et al. 2020, arXiv:1912.04958, section 3.2: the length of the gradient of <image, y> with respect to w, where y
is normal noise with variance 1 / pixels; the penalty is (length - a)^2 with a the moving mean of lengths.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gan_cli.lazy import tf


class PathLengths(NamedTuple):
    """The penalty of each example, float32 `[n]`, and the new mean of lengths, which is to be stored."""

    penalties: Any
    mean: Any


def path_lengths(gradients: Any) -> Any:
    """The length of each example, `[n]`: the root of the mean over layers of the squared norm of its gradient.

    Args:
        gradients: of the sum of images * noise with respect to ws, `[n, layers, size]`.
    """
    return tf.sqrt(tf.reduce_mean(tf.reduce_sum(tf.square(gradients), axis=2), axis=1))


def path_length_penalty(lengths: Any, mean: Any, decay: float = 0.01) -> PathLengths:
    """The squared deviation of each length from the mean, which is moved by the batch before.

    The gradient flows through the moved mean; only the mean to store has none.

    Args:
        lengths: `[n]`.
        mean: of the lengths so far, a scalar; 0 at first.
        decay: weight of the batch in the mean.
    """
    moved = mean + decay * (tf.reduce_mean(lengths) - mean)
    return PathLengths(tf.square(lengths - moved), tf.stop_gradient(moved))


def path_noise(images: Any, normal: Any) -> Any:
    """The noise of the penalty: normal numbers of the images' shape over the root of the number of pixels."""
    _, height, width, _ = images.shape
    return normal / tf.sqrt(tf.cast(height * width, normal.dtype))
