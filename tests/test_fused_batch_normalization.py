"""Batch normalisation in one operation does what Keras's does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.training.exact_normalization import ExactBatchNormalization
from gan_cli.training.fused_batch_norm import FusedBatchNormalization
from gan_cli.training.training_layers import use_training_layers


def network(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    images = keras.Input((6, 6, 2))
    features = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, beta_initializer="normal")(images)
    features = keras.layers.BatchNormalization(name="flat")(keras.layers.Flatten()(keras.ops.tanh(features)))
    return keras.Model(images, features)


@pytest.fixture
def pair() -> tuple[keras.Model, keras.Model]:
    return network(), use_training_layers(network())


def images(seed: int = 1) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(2.0, 3.0, (5, 6, 6, 2)), tf.float32)


def test_only_layers_over_images_are_fused(pair: tuple[keras.Model, keras.Model]) -> None:
    kinds = [type(layer) for layer in pair[1].layers if "Normalization" in type(layer).__name__]
    assert kinds == [FusedBatchNormalization, ExactBatchNormalization]


@pytest.mark.parametrize("training", [True, False])
def test_outputs_and_moving_statistics_are_those_of_keras(
    pair: tuple[keras.Model, keras.Model], training: bool
) -> None:
    plain, fused = pair
    for seed in range(3):
        np.testing.assert_allclose(
            plain(images(seed), training=training), fused(images(seed), training=training), atol=2e-5
        )
    for expected, found in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(expected, found, rtol=1e-5, atol=1e-6)


def test_first_and_second_gradients_are_those_of_the_exact_layer(pair: tuple[keras.Model, keras.Model]) -> None:
    for layer in pair[0].layers:
        if type(layer) is keras.layers.BatchNormalization:
            layer.__class__ = ExactBatchNormalization
    found = []
    for model in pair:
        values = images()
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(values)
                total = tf.reduce_sum(tf.square(model(values, training=True)) * tf.range(72.0))
            slopes = inner.gradient(total, values)
            steepness = tf.reduce_sum(tf.square(slopes))
        scale = model.layers[1].gamma.value
        found.append((slopes, outer.gradient(steepness, scale)))
    for expected, fused in zip(*found, strict=True):
        np.testing.assert_allclose(expected, fused, rtol=2e-3, atol=2e-3 * float(tf.reduce_max(tf.abs(expected))))


def test_bfloat16_features_are_normalised_in_float32() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        plain, fused = network(), use_training_layers(network())
    finally:
        keras.config.set_dtype_policy("float32")
    found = [layer(tf.cast(images(), tf.bfloat16), training=True) for layer in (plain.layers[1], fused.layers[1])]
    assert found[1].dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(found[0], tf.float32), tf.cast(found[1], tf.float32), rtol=2**-7)
