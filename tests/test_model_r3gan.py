"""R3GAN's pair: which images it builds, its recipe, and what is the same after saving."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models.condition import Condition
from gan_cli.models.layers.fixed_resampling import Doubling, Halving
from gan_cli.models.layers.grouped_convolution import GroupedConvolution
from gan_cli.models.r3gan import R3GAN
from gan_cli.sampling.generate import generate
from gan_cli.sampling.generator_file import load_generator_file, save_generator

WAYS = ["embedding", "concat", "product", "first_map"]


def spec(*shape: int) -> DataSpec:
    return DataSpec(shape, examples=100, classes=3)


def thin(**fields: object) -> R3GAN:
    return R3GAN(**{"latent_size": 6, "widths": [8], "blocks": [1], **fields})


@pytest.mark.parametrize("shape", [(8, 8, 2), (28, 28, 1), (32, 48, 3), (30, 30, 4)], ids=str)
def test_images_of_every_reachable_size_and_number_of_channels_are_built(shape: tuple[int, ...]) -> None:
    keras.utils.set_random_seed(1)
    generator, discriminator = thin().generator(spec(*shape)), thin().discriminator(spec(*shape))
    images = generator(tf.random.normal((3, 6)), training=True)
    logits = discriminator(images, training=True)
    assert (images.shape, images.dtype) == ((3, *shape), tf.float32)
    assert (logits.shape, logits.dtype) == ((3,), tf.float32)
    assert np.ptp(logits) > 0.0
    assert discriminator.get_layer("output").input.shape == (None, 8)


@pytest.mark.parametrize(
    ("shape", "fields", "key", "advice"),
    [
        ((2,), {}, "model", "model=mlp"),
        ((50, 50, 3), {}, "dataset.image_size", "48x48 and 52x52"),
        ((16, 16, 3), {"widths": [8, 8]}, "model.widths", "3 stages"),
        ((16, 16, 3), {"cardinality": [3]}, "model.cardinality", "divisor of 16"),
    ],
)
def test_what_can_not_be_built_is_refused_with_what_can(
    shape: tuple[int, ...], fields: dict[str, object], key: str, advice: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        thin(**fields).check(spec(*shape))
    assert refused.value.key == key
    assert advice in str(refused.value)


@pytest.mark.parametrize(
    "fields", [{"size": "papr"}, {"blocks": [0]}, {"kernel_size": 2}, {"conditioning": "batch_norm"}]
)
def test_a_value_outside_its_range_is_refused_by_its_key(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"^{next(iter(fields))}="):
        R3GAN(**fields)


def test_the_paper_sized_pair_has_the_published_widths() -> None:
    """CIFAR-10: 768 channels, 2 blocks and 96 groups in each of 4 stages; FFHQ-256 narrows from 64 pixels on."""
    assert R3GAN(size="paper").stages(spec(32, 32, 3)) == [(768, 2, 96)] * 4
    assert R3GAN(size="paper").stages(spec(256, 256, 3))[4:] == [(384, 2, 48), (192, 2, 24), (96, 2, 12)]


@pytest.mark.parametrize("way", WAYS)
def test_a_label_enters_the_generator(way: str) -> None:
    keras.utils.set_random_seed(1)
    generator = thin(conditioning=way).generator(spec(8, 8, 1), Condition(3))
    latents = np.ones((2, 6), np.float32)
    images = generator([latents, np.eye(3, dtype=np.float32)[:2]])
    assert np.abs(images[0] - images[1]).max() > 0.0


def test_a_saved_generator_comes_back_exactly(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    pair, data = thin(widths=[16]), spec(16, 16, 3)
    generator = pair.generator(data)
    path = tmp_path / "generator.keras"
    save_generator(path, generator, pair, data, step=7)
    loaded, _ = load_generator_file(path, trust=False)
    latents = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_array_equal(loaded(latents), generator(latents))


def test_outputs_are_float32_where_the_compute_type_is_bfloat16() -> None:
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        generator, discriminator = (
            thin(widths=[16]).generator(spec(8, 8, 1)),
            thin(widths=[16]).discriminator(spec(8, 8, 1)),
        )
        images = generator(tf.random.normal((3, 6)))
        assert (images.dtype, discriminator(images).dtype) == (tf.float32, tf.float32)
        assert generator.get_layer("stage_0_block_1_grouped").compute_dtype == "bfloat16"
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_both_networks_give_the_same_when_compiled_by_xla() -> None:
    keras.utils.set_random_seed(1)
    pair, data = thin(widths=[16]), spec(8, 8, 3)
    generator, discriminator = pair.generator(data), pair.discriminator(data)
    for variable in (*generator.trainable_variables, *discriminator.trainable_variables):
        variable.assign(tf.random.normal(variable.shape, stddev=0.2))
    latents = tf.random.normal((3, 6))

    def gradients() -> list[tf.Tensor]:
        images = generator(latents)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                tape.watch(images)
                logits = discriminator(images)
            penalty = tf.reduce_sum(tf.square(tape.gradient(logits, images)))
        return [images, logits, *outer.gradient(penalty, [discriminator.get_layer("input").kernel.value])]

    for one, other in zip(gradients(), tf.function(gradients, jit_compile=True)(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_grouped_convolution_equals_a_dense_one_with_a_block_diagonal_kernel() -> None:
    keras.utils.set_random_seed(1)
    layer = GroupedConvolution(6, 3, groups=2)
    features = tf.random.normal((2, 5, 4, 4))
    found = layer(features)
    dense = np.zeros((3, 3, 4, 6), np.float32)
    for group in range(2):
        dense[:, :, 2 * group : 2 * group + 2, 3 * group : 3 * group + 3] = layer.kernel[..., 3 * group : 3 * group + 3]
    np.testing.assert_allclose(found, tf.nn.conv2d(features, dense, 1, "SAME"), atol=1e-5)


def test_doubling_and_halving_weigh_neighbours_one_to_three() -> None:
    line = np.zeros((1, 1, 4, 1), np.float32)
    line[0, 0, 1] = 8
    doubled = Doubling()(np.repeat(line, 2, axis=1)).numpy()
    np.testing.assert_allclose(doubled[0, 1, :, 0], [0, 2, 6, 6, 2, 0, 0, 0])
    row = np.repeat(np.arange(8, dtype=np.float32).reshape(1, 1, 8, 1), 4, axis=1)
    np.testing.assert_allclose(Halving()(row)[0, 0, 1:3, 0] * 8 / 7, [2.5, 4.5], rtol=1e-6)


def test_samples_are_clipped_to_the_range_of_images() -> None:
    generator = thin().generator(spec(8, 8, 1))
    output = generator.get_layer("output")
    output.set_weights([np.full(output.kernel.shape, 100.0, np.float32)])
    samples = generate(generator, np.ones((2, 6), np.float32))
    assert np.abs(samples).max() == 1.0
