"""Batch normalisation in one operation, for networks in training.

Keras 3 computes it from a dozen element-wise operations, each of which reads and writes the whole batch of features.
TensorFlow's FusedBatchNormV3 computes the same (Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 1) in one, which
takes 4 to 6 % off the processor time of a DCGAN's step (benchmarks/README.md). Its gradients of every order are exact.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gan_cli.training.exact_normalization import ExactBatchNormalization


class FusedBatchNormalization(ExactBatchNormalization):
    """Keras's layer for images `[batch, height, width, channels]`; float64 features, which the operation can't take,
    are normalised by several operations."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable) or mask is not None or inputs.dtype == tf.float64:
            return super().call(inputs, training=training, mask=mask)
        values = tf.cast(inputs, tf.float32)
        nothing = tf.zeros([0])  # the operation keeps no running statistics here
        channels = [values.shape[-1]]
        scale = self.gamma if self.scale else tf.ones(channels)  # of conditional normalisation, which adds its own
        offset = self.beta if self.center else tf.zeros(channels)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=values, scale=scale, offset=offset, mean=nothing, variance=nothing, epsilon=self.epsilon
        )
        # It returns the unbiased estimate, sum / (n - 1), where Keras stores the mean, sum / n.
        count = tf.cast(tf.size(values) // tf.size(mean), tf.float32)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance * ((count - 1.0) / count))):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return tf.cast(outputs, self.compute_dtype)


def is_fusible(layer: keras.layers.BatchNormalization) -> bool:
    """Returns whether a layer normalises the last of four axes, as the operation does."""
    over_images = layer.axis in (-1, 3) and layer.built and len(layer.input.shape) == 4
    return bool(over_images and not layer.renorm and not layer.synchronized)
