"""Layers with which a discriminator reconstructs its input, so that its features hold what is in it.

Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis" (FastGAN),
arXiv:2101.04775, section 3.2. The error of each example is computed inside the network, which sees images as they are
augmented, and is an auxiliary loss (`ModelPair.auxiliary_losses`).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

EPSILON = 1e-5


@keras.saving.register_keras_serializable("gan_cli")
class QuarterOfEach(keras.layers.Layer):
    """One quarter of each map: top left, top right, bottom left, bottom right, by the example's place in the batch.

    Batches are shuffled, so every example is seen in all quarters in the course of training, without random numbers.
    Features and images `[n, height, width, channels]` of one batch give the same quarters.
    """

    def call(self, inputs: Any) -> Any:
        _, height, width, channels = inputs.shape
        halves = tf.reshape(inputs, (-1, 2, height // 2, 2, width // 2, channels))
        quarters = tf.reshape(tf.transpose(halves, (0, 1, 3, 2, 4, 5)), (-1, 4, height // 2, width // 2, channels))
        places = tf.range(tf.shape(inputs)[0]) % 4
        return tf.gather(quarters, places, batch_dims=1, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, height, width, channels = input_shape
        return (batch, height // 2, width // 2, channels)


@keras.saving.register_keras_serializable("gan_cli")
class BatchStatistics(keras.layers.Layer):
    """Batch normalisation by the statistics of the batch alone, in training and outside.

    It keeps no averages: what nothing reads of a network with it, a compiled step leaves out.
    """

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(shape=input_shape[-1:], initializer="ones", autocast=False, name="gamma")
        self.beta = self.add_weight(shape=input_shape[-1:], initializer="zeros", autocast=False, name="beta")

    def call(self, inputs: Any) -> Any:
        values, scale, offset = (tf.cast(one, tf.float32) for one in (inputs, self.gamma, self.beta))
        nothing = tf.zeros([0])
        outputs, *_ = tf.raw_ops.FusedBatchNormV3(
            x=values, scale=scale, offset=offset, mean=nothing, variance=nothing, epsilon=EPSILON
        )
        return tf.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@keras.saving.register_keras_serializable("gan_cli")
class MeanAbsoluteError(keras.layers.Layer):
    """The mean absolute difference of each pair, float32 `[n]`; images are averaged down to the size of the decoded.

    Inputs are images `[n, height, width, channels]` and what was decoded, `[n, height / k, width / k, channels]`.
    """

    def call(self, inputs: Any) -> Any:
        images, decoded = (tf.cast(one, tf.float32) for one in inputs)
        times = images.shape[1] // decoded.shape[1]
        smaller = images if times == 1 else tf.nn.avg_pool2d(images, times, times, "VALID")
        return tf.reduce_mean(tf.abs(smaller - decoded), axis=(1, 2, 3))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0][:1]


@keras.saving.register_keras_serializable("gan_cli")
class Attached(keras.layers.Layer):
    """Its first input, unchanged. The second one becomes part of the network, so that a penalty finds it there."""

    def call(self, inputs: Any) -> Any:
        return inputs[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]
