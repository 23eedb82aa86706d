"""StyleGAN3: sizes, contracts of its networks, and images that are moved where the input is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models.condition import Condition
from gan_cli.models.image_sizes import halvings
from gan_cli.models.layers.filtered_leaky_relu import COLUMNS, LONGEST_DENSE, ROWS, multiply, multiply_dense
from gan_cli.models.layers.upfirdn import resampling_matrix
from gan_cli.models.stylegan3.layer_schedule import LARGEST_SIDE, layer_schedule
from gan_cli.models.stylegan3.model import StyleGAN3
from gan_cli.models.stylegan3.synthesis_network import INPUT
from gan_cli.models.stylegan3.user_transform import inverse_transform

SMALLEST: dict[str, Any] = {"latent_size": 6, "style_size": 8, "layers": 3, "channel_base": 32, "channel_max": 4}
DISCRIMINATOR = {"discriminator_channel_base": 64, "discriminator_channel_max": 4}


def spec(*shape: int) -> DataSpec:
    return DataSpec(shape, examples=100)


def smallest(**fields: Any) -> StyleGAN3:
    return StyleGAN3(**{**SMALLEST, **DISCRIMINATOR, **fields})


def test_every_size_that_can_be_halved_has_a_schedule_of_whole_numbers() -> None:
    shapes = [(side, side) for side in range(8, 1025) if halvings(side, side, LARGEST_SIDE)] + [
        (32, 48),
        (256, 128),
        (36, 180),
    ]
    for shape in shapes:
        schedule = layer_schedule(shape, 3, 32768, 512)
        assert (schedule[-1].after.size, schedule[-1].after.rate) == (shape, min(shape))
        for before, after in pairwise(schedule):
            assert before.after == after.before
            assert after.after.rate >= after.before.rate
        for plan in schedule:
            assert all(isinstance(side, int) for side in (*plan.before.size, *plan.after.size))
            assert plan.after.cutoff + plan.after.half_width >= plan.after.rate / 2  # what filters pass is held


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (24, 36, 3), (16, 16, 4)], ids=str)
def test_both_networks_are_built_for_every_size_and_number_of_channels(shape: tuple[int, ...]) -> None:
    keras.utils.set_random_seed(2)
    pair = smallest(variant="r" if shape[2] == 4 else "t")
    generator, discriminator = pair.generator(spec(*shape)), pair.discriminator(spec(*shape))
    images = generator(tf.random.normal((4, 6)), training=True)
    logits = discriminator(images)
    assert (images.shape, images.dtype) == ((4, *shape), tf.float32)
    assert (logits.shape, logits.dtype) == ((4,), tf.float32)
    assert np.isfinite(logits).all()
    assert np.ptp(images, axis=0).max() > 0.0
    assert discriminator.get_layer("output").units == 1


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({}, (2,), "^model=stylegan3: .*model=mlp"),
        ({}, (50, 50, 3), r"50x50.*The nearest sizes are 48x48 and 52x52"),
        ({}, (256, 256, 3), "^model.layers=3: are too few for images of 256x256"),
        ({"layers": 2}, (8, 8, 1), "^layers=2"),
        ({"critical": 3}, (8, 8, 1), "^critical=3"),
        ({"variant": "q"}, (8, 8, 1), "^variant=q"),
        ({"size": "huge"}, (8, 8, 1), "^size=huge"),
        ({"latent_distribution": "gaussian"}, (8, 8, 1), "^latent_distribution=gaussian"),
    ],
)
def test_what_can_not_be_built_is_refused(fields: dict[str, Any], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        smallest(**fields).check(spec(*shape))


def test_a_size_stands_for_the_numbers_that_are_not_given() -> None:
    paper = StyleGAN3(size="paper", layers=10)
    assert (paper.latent_size, paper.style_size, paper.layers, paper.channel_base, paper.channel_max) == (
        512, 512, 10, 32768, 512,
    )  # fmt: skip
    assert [plan.after.channels for plan in StyleGAN3(size="paper", variant="r").schedule(spec(256, 256, 3))][:3] == [
        1024,
        1024,
        1024,
    ]


def test_weights_start_as_published_and_training_moves_the_averages_alone() -> None:
    keras.utils.set_random_seed(2)
    generator = StyleGAN3(size="tiny", layers=3, channel_base=1024, channel_max=64).generator(spec(16, 16, 3))
    waves, layer = (
        generator.get_layer("synthesis").get_layer(INPUT),
        generator.get_layer("synthesis").get_layer("layer_1"),
    )
    radii = np.linalg.norm(waves.frequencies, axis=1) / waves.bandwidth
    assert radii.max() <= 1.0
    assert np.square(radii).mean() == pytest.approx(0.5, abs=0.1)  # of points spread evenly over a disc
    assert np.abs(waves.phases).max() <= 0.5
    assert float(np.std(layer.kernel)) == pytest.approx(1.0, abs=0.05)
    np.testing.assert_array_equal(layer.affine.bias, np.ones(64))
    np.testing.assert_array_equal(waves.affine_bias, [1.0, 0.0, 0.0, 0.0])
    before = [variable.numpy() for variable in generator.non_trainable_variables]
    generator(tf.random.normal((16, 64)), training=False)
    for variable, first in zip(generator.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, first)
    generator(tf.random.normal((16, 64)), training=True)
    moved = {
        variable.name
        for variable, first in zip(generator.non_trainable_variables, before, strict=True)
        if not np.array_equal(variable, first)
    }
    assert moved == {"average", "magnitude"}


@pytest.mark.parametrize("axis", [ROWS, COLUMNS])
def test_products_of_long_axes_and_their_gradients_are_those_of_the_whole_matrix(axis: int) -> None:
    size = LONGEST_DENSE + 5
    matrix = resampling_matrix(size, (0.1, 0.5, 0.3, 0.1), 2, 1, 3, -4)
    features = tf.random.stateless_normal((1, size, 2, 3) if axis == ROWS else (1, 2, size, 3), (0, 1))

    def results(product: Any) -> list[Any]:
        with tf.GradientTape() as outer:
            outer.watch(features)
            with tf.GradientTape() as tape:
                tape.watch(features)
                loss = tf.reduce_sum(product(features, matrix, axis) ** 3)
            slope = tape.gradient(loss, features)
            second = tf.reduce_sum(slope**2)
        return [product(features, matrix, axis), slope, outer.gradient(second, features)]

    for found, expected in zip(results(multiply), results(multiply_dense), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def moved(generator: Any, latents: Any, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    waves = generator.get_layer("synthesis").get_layer(INPUT)
    waves.transform.assign(inverse_transform(degrees, shift))
    images: np.ndarray = generator(latents).numpy()
    waves.transform.assign(np.eye(3))
    return images


def test_a_moved_input_moves_the_image() -> None:
    keras.utils.set_random_seed(4)
    generator = smallest(variant="r", channel_base=512, channel_max=16).generator(spec(16, 16, 1))
    latents = tf.random.normal((2, 6))
    plain = moved(generator, latents, 0, (0, 0))
    scale = plain.std()
    turned = moved(generator, latents, 90, (0, 0))
    assert np.abs(turned - np.rot90(plain, axes=(1, 2))).max() < 0.05 * scale
    right = moved(generator, latents, 0, (4 / 16, 0))
    assert np.sqrt(np.mean(np.square(right[:, :, 4:] - plain[:, :, :-4]))) < 0.1 * scale
    down = moved(generator, latents, 0, (0, 4 / 16))
    assert np.sqrt(np.mean(np.square(down[:, 4:] - plain[:, :-4]))) < 0.1 * scale
    both = moved(generator, latents, 90, (4 / 16, 0))
    assert np.sqrt(np.mean(np.square(both[:, :, 4:] - turned[:, :, :-4]))) < 0.1 * scale


def test_bfloat16_and_xla_agree_with_float32() -> None:
    data, latents = spec(16, 16, 3), tf.random.stateless_normal((2, 6), (0, 1))
    keras.utils.set_random_seed(2)
    generator = smallest().generator(data)
    images = generator(latents)
    compiled = tf.function(lambda z: generator(z, training=False), jit_compile=True)(latents)
    np.testing.assert_allclose(compiled, images, atol=1e-4 * np.abs(images).max())
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        coarse = smallest().generator(data)
        discriminator = smallest().discriminator(data)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    coarse.set_weights(generator.get_weights())
    found = coarse(latents)
    assert found.dtype == discriminator(found).dtype == tf.float32
    assert np.abs(found - images).max() < 0.1 * np.abs(images).max()


def test_a_label_enters_the_mapping_network() -> None:
    keras.utils.set_random_seed(2)
    generator = smallest().generator(spec(8, 8, 1), Condition(3))
    latents = np.repeat(np.random.default_rng(0).normal(size=(1, 6)).astype(np.float32), 3, axis=0)
    images = generator([latents, np.eye(3, dtype=np.float32)])
    assert min(np.abs(images[one] - images[other]).max() for one, other in ((0, 1), (0, 2), (1, 2))) > 1e-3
