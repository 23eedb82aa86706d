"""The plain convolutional pair: every shape, its layers, its first activations, and what it refuses."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models.convnet import ALLOWED, UPSAMPLING, ConvNet

SHAPES = [(8, 8, 1), (13, 8, 4), (28, 28, 1), (30, 45, 3)]


def spec(*shape: int) -> DataSpec:
    return DataSpec(shape, examples=100)


def small(**fields: object) -> ConvNet:
    return ConvNet(latent_size=6, width=4, hidden=8, **fields)


def check_pair(pair: ConvNet, data: DataSpec) -> None:
    keras.utils.set_random_seed(2)
    images = pair.generator(data)(tf.random.normal((3, pair.latent_size)), training=True)
    logits = pair.discriminator(data)(images, training=True)
    assert (images.shape, images.dtype, logits.shape, logits.dtype) == ((3, *data.shape), tf.float32, (3,), tf.float32)
    assert np.abs(images).max() <= 1.0
    assert np.ptp(logits) > 0.0


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_is_built(shape):
    check_pair(small(), spec(*shape))


@pytest.mark.parametrize("kind", ALLOWED)
def test_every_normalisation_is_built(kind):
    check_pair(small(generator_normalization=kind, discriminator_normalization=kind), spec(13, 8, 4))


@pytest.mark.parametrize("upsampling", UPSAMPLING)
def test_every_way_of_doubling_is_built_at_every_depth(upsampling):
    for depth, stem in ((1, False), (2, False), (2, True)):
        check_pair(small(upsampling=upsampling, depth=depth, stem=stem), spec(13, 8, 4))


def kernels(model: keras.Model) -> list[tuple[int, ...]]:
    return [tuple(variable.shape) for variable in model.variables if variable.name == "kernel"]


def test_the_layers_for_28x28_are_those_of_the_docstring():
    pair, data = ConvNet(), spec(28, 28, 1)
    up, down = [(4, 4, 64, 64), (4, 4, 32, 64), (4, 4, 1, 32)], [(4, 4, 1, 32), (4, 4, 32, 64), (4, 4, 64, 64)]
    assert kernels(pair.generator(data)) == [(64, 512), (512, 4 * 4 * 64), *up]
    assert kernels(pair.discriminator(data)) == [*down, (4 * 4 * 64, 512), (512, 1)]


def test_a_stem_has_features_of_the_size_of_the_image():
    pair, data = ConvNet(stem=True), spec(28, 28, 1)
    up = [(4, 4, 64, 64), (4, 4, 64, 64), (4, 4, 32, 64), (3, 3, 32, 1)]
    down = [(3, 3, 1, 32), (4, 4, 32, 64), (4, 4, 64, 64), (4, 4, 64, 64)]
    assert kernels(pair.generator(data)) == [(64, 512), (512, 4 * 4 * 64), *up]
    assert kernels(pair.discriminator(data)) == [*down, (4 * 4 * 64, 512), (512, 1)]


def test_an_image_that_nothing_halves_has_a_stem():
    data = spec(8, 8, 1)
    for stem in (False, True):
        pair = ConvNet(stem=stem, base=8)
        assert kernels(pair.generator(data)) == [(64, 512), (512, 8 * 8 * 32), (3, 3, 32, 1)]
        assert kernels(pair.discriminator(data)) == [(3, 3, 1, 32), (8 * 8 * 32, 512), (512, 1)]


@pytest.mark.parametrize(("size", "factor"), [("tiny", 0.5), ("small", 1), ("medium", 2), ("large", 4), ("1.5", 1.5)])
def test_the_size_multiplies_width_and_hidden_units(size, factor):
    data = spec(28, 28, 1)
    expected = ConvNet(width=int(8 * factor), hidden=int(16 * factor))
    pair = ConvNet(width=8, hidden=16, size=size)
    assert kernels(pair.generator(data)) == kernels(expected.generator(data))
    assert kernels(pair.discriminator(data)) == kernels(expected.discriminator(data))


@pytest.mark.parametrize(("size", "expected"), [("smal", "Did you mean small"), ("0", "above 0"), ("nan", "above 0")])
def test_a_size_that_is_none_is_refused(size, expected):
    with pytest.raises(ConfigError, match=expected):
        ConvNet(size=size)


@pytest.mark.parametrize("upsampling", UPSAMPLING)
def test_first_activations_keep_their_size_through_both_networks(upsampling):
    keras.utils.set_random_seed(4)
    pair, data = ConvNet(upsampling=upsampling, depth=2, stem=True), spec(64, 64, 3)
    generator, discriminator = pair.generator(data), pair.discriminator(data)
    examples = tf.random.normal((8, 64, 64, 3))
    for model, inputs in ((generator, tf.random.normal((32, 64))), (discriminator, examples)):
        layers = [layer for layer in model.layers if layer.name.endswith("_activation")]
        outputs = keras.Model(model.inputs, [layer.output for layer in layers])(inputs)
        sizes = [float(tf.sqrt(tf.reduce_mean(tf.square(output)))) for output in outputs]
        assert len(sizes) >= 9
        # 1 at the centre of an image; zero padding takes some at its border, resizing averages neighbours.
        assert 0.35 < min(sizes) < max(sizes) < 1.5, sizes


def test_dropout_is_active_in_training_alone():
    discriminator = small(discriminator_dropout=0.5).discriminator(spec(8, 8, 1))
    images = tf.random.normal((4, 8, 8, 1))
    assert np.ptp([discriminator(images, training=True).numpy() for _ in range(2)], axis=0).max() > 0.0
    np.testing.assert_array_equal(discriminator(images), discriminator(images))


@pytest.mark.parametrize(
    ("shape", "key", "advice"),
    [
        ((2,), "model", "model=mlp"),
        ((7, 28, 1), "dataset.image_size", "8x28"),
        ((300, 4, 3), "dataset.image_size", "256x8"),
    ],
)
def test_what_can_not_be_built_is_refused_with_what_can(shape, key, advice):
    with pytest.raises(ConfigError) as refused:
        ConvNet().check(spec(*shape))
    assert refused.value.key == key
    assert advice in str(refused.value)
