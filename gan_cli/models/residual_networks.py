"""The parts that the generators, and the discriminators, of SNGAN, SAGAN and BigGAN have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from gan_cli.data import DataSpec
from gan_cli.models.attention_places import Attention
from gan_cli.models.layers.residual_block import GLOROT, Normalize, ResidualBlocks, activated
from gan_cli.models.layers.sum_pooling import SumPooling2D
from gan_cli.models.normalization import logits_or_vectors, normalization
from gan_cli.models.residual_shapes import discriminator_channels, discriminator_sizes, generator_sizes


def base_map(blocks: ResidualBlocks, latents: Any, data: DataSpec, channels: int) -> Any:
    """The first map of a generator, `[n, height, width, channels]`."""
    height, width = generator_sizes(data)[0]
    features = blocks.dense(latents, height * width * channels, "base")
    return keras.layers.Reshape((height, width, channels), name="base_image")(features)


def generate_images(
    blocks: ResidualBlocks,
    features: Any,
    channels: Sequence[int],
    normalize: Sequence[Normalize],
    last_normalize: Normalize,
    attention: Any,
    image_channels: int,
) -> Any:
    """From the first map to float32 images in [-1, 1].

    Args:
        blocks: builds the layers.
        features: the first map.
        channels: of each block.
        normalize: in each block, before its activations.
        last_normalize: before the last activation.
        attention: as `model.attention`.
        image_channels: of the images.
    """
    attend = attention_of(blocks, attention)
    for number, (filters, one) in enumerate(zip(channels, normalize, strict=True), start=1):
        features = attend(blocks.up(features, filters, f"up_{number}", one))
    features = activated(features, "output", last_normalize)
    features = blocks.convolution(features, image_channels, 3, "output")
    return keras.layers.Activation("tanh", dtype="float32", name="tanh")(features)


def discriminator_network(
    blocks: ResidualBlocks, data: DataSpec, width: int, kind: str, attention: Any, outputs: int | None
) -> Any:
    """The discriminator, as `ModelPair.discriminator` has it.

    Args:
        blocks: builds the layers.
        data: what it gets.
        width: channels of which the table has multiples.
        kind: its normalization.
        attention: as `model.attention`.
        outputs: as of `ModelPair.discriminator`.
    """
    images = features = keras.Input(data.shape, name="examples")
    attend, normalize, sizes = attention_of(blocks, attention), plain_normalization(kind), discriminator_sizes(data)
    for number, multiple in enumerate(discriminator_channels(data), start=1):
        halves = sizes[number] != sizes[number - 1]
        features = blocks.down(features, width * multiple, f"down_{number}", normalize, halves, number > 1)
        features = attend(features)
    features = SumPooling2D(name="sum_pooling")(activated(features, "features", normalize))
    output = blocks.dense(features, outputs or 1, "output", dtype="float32")
    return keras.Model(images, logits_or_vectors(output, outputs), name="discriminator")


def attention_of(blocks: ResidualBlocks, attention: Any) -> Attention:
    return Attention(attention, blocks.kind, "glorot_uniform" if blocks.initializer == GLOROT else "orthogonal")


def plain_normalization(kind: str, epsilon: float | None = None) -> Normalize:
    """Normalisation without a condition; features as they are where `kind` has none between layers."""

    def normalize(features: Any, name: str) -> Any:
        options = {} if epsilon is None else {"epsilon": epsilon}
        layer = normalization(kind, f"{name}_normalization", **options)
        return layer(features) if layer else features

    return normalize
