"""Batch normalisation in one operation, for networks in training.

Keras 3 computes it from a dozen element-wise operations, each of which reads and writes the whole batch of features.
TensorFlow's FusedBatchNormV3 does the same (Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 1) in one, which takes
4 to 6 % off the processor time of a DCGAN's step (benchmarks/README.md). Outside training, the layers do what Keras
does.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer for images `[batch, height, width, channels]`; never saved, see `fuse_batch_normalization`."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable) or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        values = tf.cast(inputs, tf.float32)
        nothing = tf.zeros([0])  # the operation keeps no running statistics here
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=values, scale=self.gamma, offset=self.beta, mean=nothing, variance=nothing, epsilon=self.epsilon
        )
        # It gives the unbiased estimate, sum / (n - 1), where Keras keeps the mean, sum / n.
        count = tf.cast(tf.size(values) // tf.size(mean), tf.float32)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance * ((count - 1.0) / count))):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return tf.cast(outputs, self.compute_dtype)


def fuse_batch_normalization(model: keras.Model) -> keras.Model:
    """Makes the batch normalisation over images in `model` compute in one operation, and gives the model.

    The layers change their class in place: names, weights and their order stay, so checkpoints do too. What is saved as
    a file is another copy of the network, which any Keras can read.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            fuse_batch_normalization(layer)
        elif type(layer) is keras.layers.BatchNormalization and is_over_images(layer):
            layer.__class__ = FusedBatchNormalization
    return model


def is_over_images(layer: keras.layers.BatchNormalization) -> bool:
    """Whether a layer normalises the last of four axes, with a scale and an offset, as the operation wants it."""
    last = layer.axis in (-1, 3) and layer.built and len(layer.input.shape) == 4
    return bool(last and layer.scale and layer.center and not layer.renorm and not layer.synchronized)
