"""Minibatch standard deviation: a channel that tells a discriminator how much the examples of a batch differ.

Karras et al. 2018, "Progressive Growing of GANs", arXiv:1710.10196, section 3, in the form of StyleGAN2.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

EPSILON = 1e-8


def minibatch_std(features: Any, group: int | None, channels: int) -> Any:
    """The standard deviation over a group of examples, its mean over positions and a part of the channels.

    Example i of n is in group i mod (n / group): the members of a group are n / group apart.

    Args:
        features: `[n, height, width, inputs]`.
        group: examples of a group at most; the largest divisor of n up to it is taken. None for n.
        channels: parts of the inputs, which they divide.

    Returns:
        float32 `[n, height, width, channels]`, the same at all positions and for all examples of a group.
    """
    _, height, width, inputs = features.shape
    count = features.shape[0] or tf.shape(features)[0]
    members = count if group is None else largest_divisor(count, group)
    values = tf.cast(features, tf.float64 if features.dtype == tf.float64 else tf.float32)
    grouped = tf.reshape(values, [members, -1, height, width, channels, inputs // channels])
    centred = grouped - tf.reduce_mean(grouped, axis=0, keepdims=True)
    deviation = tf.sqrt(tf.reduce_mean(tf.square(centred), axis=0) + EPSILON)
    statistic = tf.reduce_mean(deviation, axis=[1, 2, 4])
    return tf.tile(statistic[:, None, None], [members, height, width, 1])


def largest_divisor(count: Any, limit: int) -> Any:
    """The largest divisor of `count`, a whole number or a scalar tensor, up to `limit`."""
    if isinstance(count, int):
        return max(one for one in range(1, limit + 1) if count % one == 0)
    candidates = tf.range(1, limit + 1)
    return tf.reduce_max(tf.where(count % candidates == 0, candidates, 1))


@keras.saving.register_keras_serializable("gan_cli")
class MinibatchStd(keras.layers.Layer):
    """Appends `channels` of `minibatch_std` to features `[n, height, width, inputs]`."""

    def __init__(self, group: int | None = 4, channels: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.group, self.channels = group, channels

    def call(self, inputs: Any) -> Any:
        statistic = minibatch_std(inputs, self.group, self.channels)
        return tf.concat([inputs, tf.cast(statistic, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], input_shape[-1] + self.channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "group": self.group, "channels": self.channels}
