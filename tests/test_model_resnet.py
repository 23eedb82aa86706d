"""Residual pairs: every shape, their layers, and what they refuse."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models import ModelPair
from gan_cli.models.biggan import BigGAN
from gan_cli.models.condition import Condition
from gan_cli.models.convnet import ConvNet
from gan_cli.models.dcgan import DCGAN
from gan_cli.models.layers.box_resampled_convolution import convolve_and_pool, convolve_upsampled
from gan_cli.models.residual_shapes import discriminator_sizes
from gan_cli.models.resnet import ResNet
from gan_cli.models.sagan import SAGAN
from gan_cli.sampling.generator_metadata import metadata_of, parse_metadata

CONDITION = Condition(3)


def spec(*shape: int) -> DataSpec:
    return DataSpec(shape, examples=100, classes=3)


def resnet(**fields: Any) -> ResNet:
    return ResNet(latent_size=6, width=1, **fields)


PAIRS = [resnet(), SAGAN(latent_size=6, width=1), BigGAN(latent_size=6, width=1, embedding_size=3)]


def check_pair(pair: ModelPair, data: DataSpec) -> tuple[np.ndarray, np.ndarray]:
    """Builds both networks with labels, and returns images and logits."""
    keras.utils.set_random_seed(2)
    inputs = [tf.random.normal((3, pair.latent_size)), tf.constant(CONDITION.array(np.arange(3)))]
    images = pair.generator(data, CONDITION)(inputs, training=True)
    logits = pair.discriminator(data)(images, training=True)
    assert (images.shape, images.dtype, logits.shape, logits.dtype) == ((3, *data.shape), tf.float32, (3,), tf.float32)
    assert np.abs(images).max() <= 1.0
    assert np.ptp(logits) > 0.0
    return images.numpy(), logits.numpy()


plain_and_spectral = pytest.mark.parametrize(
    "pair", [resnet(discriminator_normalization="none"), PAIRS[-1]], ids=lambda pair: type(pair).__name__
)
"""Both kinds of every layer."""


@pytest.mark.parametrize(
    ("pair", "shape"),
    [(PAIRS[0], (60, 60, 2)), (PAIRS[0], (48, 48, 4)), (PAIRS[1], (32, 48, 3)), (PAIRS[2], (28, 28, 1))],
    ids=str,
)
def test_every_shape_and_number_of_channels_is_built(pair: ModelPair, shape: tuple[int, ...]) -> None:
    check_pair(pair, spec(*shape))


def test_a_generator_without_labels_is_built() -> None:
    for pair in (*PAIRS, BigGAN(latent_size=1, width=1)):
        images = pair.generator(spec(8, 8, 1))(tf.ones((2, pair.latent_size)))
        assert images.shape == (2, 8, 8, 1)


@pytest.mark.parametrize("kind", ["batch", "layer", "instance", "none"])
def test_every_normalization_is_built(kind: str) -> None:
    generator_kind = "spectral" if kind == "batch" else kind
    check_pair(resnet(generator_normalization=generator_kind, discriminator_normalization=kind), spec(8, 8, 1))


@plain_and_spectral
def test_outputs_are_float32_and_alike_where_layers_compute_in_bfloat16(pair: ModelPair) -> None:
    fine = check_pair(pair, spec(8, 8, 1))
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        rough = check_pair(pair, spec(8, 8, 1))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    for one, other in zip(fine, rough, strict=True):
        assert np.abs(one - other).max() < 0.05 * np.abs(one).max() + 0.01


@plain_and_spectral
def test_a_compiled_pair_gives_the_same_images_and_logits(pair: ModelPair) -> None:
    data = spec(8, 8, 1)
    generator, discriminator = pair.generator(data, CONDITION), pair.discriminator(data)
    inputs = [tf.random.normal((2, pair.latent_size)), tf.constant(CONDITION.array(np.arange(2)))]

    def both() -> tuple[Any, Any]:
        images = generator(inputs)
        return images, discriminator(images)

    for compiled, eager in zip(tf.function(both, jit_compile=True)(), both(), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
@plain_and_spectral
def test_a_saved_pair_comes_back_exactly(pair: ModelPair, tmp_path: Any) -> None:
    data = spec(8, 8, 1)
    inputs = [tf.random.normal((2, pair.latent_size)), tf.constant(CONDITION.array(np.arange(2)))]
    for model, given in ((pair.generator(data, CONDITION), inputs), (pair.discriminator(data), tf.ones((2, 8, 8, 1)))):
        model(given, training=True)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded(given), model(given))


def channels(model: keras.Model, start: str) -> list[int]:
    """Of the sums of blocks, from the first to the last."""
    return [one.output.shape[-1] for one in model.layers if one.name.startswith(start) and one.name.endswith("_sum")]


@pytest.mark.parametrize(
    ("side", "base", "generator", "discriminator", "sizes"),
    [
        (32, (4, 4, 4), [4, 4, 4], [2, 2, 2, 2], [32, 16, 8, 8, 8]),
        (48, (6, 6, 8), [4, 2, 1], [1, 2, 4, 8, 16], [48, 24, 12, 6, 3, 3]),
        (64, (4, 4, 16), [8, 4, 2, 1], [1, 2, 4, 8, 16], [64, 32, 16, 8, 4, 4]),
        (128, (4, 4, 16), [16, 8, 4, 2, 1], [1, 2, 4, 8, 16, 16], [128, 64, 32, 16, 8, 4, 4]),
    ],
)
def test_channels_are_those_of_the_papers_tables(
    side: int, base: tuple[int, ...], generator: list[int], discriminator: list[int], sizes: list[int]
) -> None:
    data = spec(side, side, 3)
    model = resnet().generator(data)
    assert model.get_layer("base_image").target_shape == base
    assert channels(model, "up_") == generator
    assert channels(resnet().discriminator(data), "down_") == discriminator
    assert [height for height, _ in discriminator_sizes(data)] == sizes


def test_the_size_names_the_width_and_a_width_goes_before_it() -> None:
    assert [ResNet(size=size).channels for size in ("tiny", "small", "paper")] == [16, 32, 64]
    assert ResNet(size="paper", width=5).channels == 5


def test_convolutions_that_resample_are_a_convolution_and_a_resampling() -> None:
    keras.utils.set_random_seed(1)
    kernel, features = tf.random.normal((3, 3, 3, 2)), tf.random.normal((2, 4, 6, 3))
    larger = tf.repeat(tf.repeat(features, 2, axis=1), 2, axis=2)
    expected = tf.nn.conv2d(larger, kernel, 1, "SAME")
    np.testing.assert_allclose(convolve_upsampled(features, kernel), expected, rtol=1e-4, atol=1e-5)
    expected = tf.nn.avg_pool2d(tf.nn.conv2d(features, kernel, 1, "SAME"), 2, 2, "VALID")
    np.testing.assert_allclose(convolve_and_pool(features, kernel), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "key", "advice"),
    [
        ((2,), "model", "model=mlp"),
        ((17, 17, 1), "dataset.image_size", "16x16 and 18x18"),
        ((512, 512, 3), "dataset.image_size", "256x256"),
    ],
)
def test_what_can_not_be_built_is_refused_with_what_can(shape: tuple[int, ...], key: str, advice: str) -> None:
    for pair in PAIRS:
        with pytest.raises(ConfigError) as refused:
            pair.check(spec(*shape))
        assert refused.value.key == key
        assert advice in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"size": "smal"}, "small"),
        ({"width": 0}, "at least 1"),
        ({"attention": [1]}, "at least 2"),
        ({"attention": "16"}, "such as"),
        ({"initializer": "normal"}, "glorot"),
        ({"batch_norm_epsilon": 0.0}, "above 0"),
    ],
)
def test_a_field_out_of_range_is_refused(fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        ResNet(**fields)


@pytest.mark.parametrize("model", [ResNet, DCGAN, ConvNet])
def test_attention_is_at_each_resolution_of_the_list_once_in_each_network(model: Any) -> None:
    pair, data = model(latent_size=6, width=1, attention=[16, 8]), spec(32, 32, 3)
    for network in (pair.generator(data), pair.discriminator(data)):
        sums = [layer.name for layer in network.layers if layer.name.startswith("attention") and "sum" in layer.name]
        assert sorted(sums) == ["attention_16_sum", "attention_8_sum"]


@pytest.mark.parametrize("pair", [ResNet(attention=20), DCGAN(attention=[20]), ConvNet(attention=[8, 20])], ids=str)
def test_attention_at_a_resolution_that_no_network_has_is_refused_with_the_nearest(pair: ModelPair) -> None:
    with pytest.raises(ConfigError, match=r"Did you mean \[16\]") as refused:
        pair.check(spec(32, 32, 3))
    assert refused.value.key == "model.attention"


@pytest.mark.parametrize(
    ("side", "sagan", "biggan"), [(8, [], []), (28, [14], [14]), (32, [16], [16]), (128, [32], [64])]
)
def test_attention_is_where_the_papers_have_it_or_at_the_largest_resolution_of_both_networks(
    side: int, sagan: list[int], biggan: list[int]
) -> None:
    data = spec(side, side, 3)
    assert (SAGAN().resolutions(data), BigGAN().resolutions(data)) == (sagan, biggan)


def test_channels_of_biggan_that_do_not_fit_are_refused_with_the_tables() -> None:
    with pytest.raises(ConfigError, match=r"\[16, 8, 4, 2, 1\]"):
        BigGAN(generator_channels=[4, 4]).check(spec(64, 64, 3))
    with pytest.raises(ConfigError, match="whole numbers"):
        BigGAN(generator_channels=[4, 0.5])


def test_chunks_of_latents_that_do_not_divide_leave_the_rest_to_the_first_layer() -> None:
    model = BigGAN(latent_size=11, width=1).generator(spec(8, 8, 1))  # a block, so two chunks
    assert [model.get_layer(f"chunk_{number}").output.shape[1] for number in (0, 1)] == [6, 5]


def test_samples_of_biggan_are_truncated_and_normalized_as_in_its_paper() -> None:
    metadata = metadata_of(BigGAN(), spec(8, 8, 1), 7, CONDITION)
    assert (metadata.method_of(0.5, None), metadata.standing_statistics) == ("resample", 16)
    assert (metadata.method_of(1.0, None), metadata.method_of(0.5, "scale")) == ("scale", "scale")
    assert parse_metadata(json.loads(json.dumps(asdict(metadata)))) == metadata
    other = metadata_of(ResNet(), spec(8, 8, 1), 7, None)
    assert (other.method_of(0.5, None), other.standing_statistics) == ("scale", 0)
