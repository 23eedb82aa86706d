"""The pair of BigGAN: residual networks in which every block gets the class and a part of the latents.

Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", arXiv:1809.11096, appendix B.
One embedding of the class is shared by all blocks; the gain and the offset of each batch normalisation are dense layers
of it and of a chunk of the latents. Every kernel of both networks is spectrally normalised, except the embedding.
`model.discriminator_width` and `model.generator_channels` reach the shapes of PyTorch-StudioGAN and of
ajbrock/BigGAN-PyTorch, whose networks differ for small images.

In sampling, latents are truncated by drawing them from a normal distribution within a threshold (section 3.1), and the
moments of batch normalisation are computed anew (appendix C; 16 batches in ajbrock's code).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.lazy import keras
from gan_cli.models import RESAMPLE_LATENTS, ModelPair
from gan_cli.models.attention_places import check_attention, parse_attention
from gan_cli.models.condition import AUTO, BATCH_NORM, Condition
from gan_cli.models.model_checks import check_networks, choose_way
from gan_cli.models.residual_shapes import check_size, generator_channels, largest_resolution, resolutions
from gan_cli.models.resnet import check_residual_fields

SPECTRAL = "spectral"
SIZES = {"tiny": 16, "small": 32, "paper": 96}
"""Channels next to the image."""
ATTENTION = 64
"""The resolution of self-attention in the paper, for images of 128 pixels."""


@dataclass(frozen=True)
class BigGAN(ModelPair):
    """Residual blocks with hierarchical latents and a shared embedding of the class.

    Attributes:
        latent_size: how many numbers the generator gets, at least 1; each block gets as many as the others, and the
            first layer the rest.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        size: tiny, small or paper; it names the width: 16, 32 or 96.
        width: channels of which the tables have multiples, at least 1; None for that of `size`.
        discriminator_width: that of the discriminator; None for the same.
        generator_channels: multiples of the width, of the base and of each block; None for the table's.
        embedding_size: of the class, at least 1.
        attention: resolutions with self-attention, see `gan_cli.models.attention_places`; `auto` for the largest one of
            both networks up to 64, as in the paper.
        generator_normalization: batch, besides spectral normalisation of its kernels.
        discriminator_normalization: spectral or none.
        initializer: of kernels: orthogonal, or glorot with a gain of sqrt(2) for 3x3 kernels in blocks.
        batch_norm_epsilon: added to the variance in the generator's batch normalisation, above 0.
        conditioning: how a label enters the generator: batch_norm or auto, which is the same.

    Raises:
        ConfigError: where a value is outside its range.
    """

    latent_size: int = 120
    latent_distribution: str = "normal"
    size: str = "small"
    width: int | None = None
    discriminator_width: int | None = None
    generator_channels: Any = None
    embedding_size: int = 128
    attention: Any = AUTO
    generator_normalization: str = "batch"
    discriminator_normalization: str = SPECTRAL
    initializer: str = "orthogonal"
    batch_norm_epsilon: float = 1e-5
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (BATCH_NORM,)
    truncation: ClassVar[str] = RESAMPLE_LATENTS
    standing_statistics: ClassVar[int] = 16

    def __post_init__(self) -> None:
        check_networks(self, ("batch",), (SPECTRAL, "none"))
        check_residual_fields(self, SIZES)
        if self.discriminator_width is not None:
            check_number("discriminator_width", self.discriminator_width, at_least=1)
        if self.generator_channels is not None:
            check_multiples(self.generator_channels)
        check_number("embedding_size", self.embedding_size, at_least=1)
        if self.attention != AUTO:
            parse_attention(self.attention)

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, for image sizes that can't be halved down to a small base, for attention at a
        resolution that no block has, and for another number of channels than blocks need."""
        check_size("biggan", data)
        check_attention(self.resolutions(data), resolutions(data), f"{data.shape[0]}x{data.shape[1]}")
        needed, given = len(generator_channels(data)), self.generator_channels
        if given is not None and len(given) != needed:
            problem = f"images of {data.shape[0]}x{data.shape[1]} need {needed} numbers, of the base and of each block"
            advice = f"The table's are {list(generator_channels(data))}."
            raise ConfigError("model.generator_channels", problem, given, advice)

    def resolutions(self, data: DataSpec) -> Any:
        """Where self-attention is."""
        return largest_resolution(data, ATTENTION) if self.attention == AUTO else self.attention

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]` to float32 images `[batch, *data.shape]` in [-1, 1]."""
        from gan_cli.models.layers.latent_chunks import chunk_conditions  # here, since it defines a Keras layer
        from gan_cli.models.layers.residual_block import ResidualBlocks
        from gan_cli.models.residual_networks import base_map, generate_images, plain_normalization

        self.check(data)
        channels = self.generator_channels or generator_channels(data)
        first, *others = (self.channels * multiple for multiple in channels)
        blocks = ResidualBlocks(SPECTRAL, self.initializer)
        latents, embedding = keras.Input((self.latent_size,), name="latents"), None
        inputs = latents
        if condition is not None:
            choose_way(self, condition)
            classes = keras.Input((condition.size,), name="condition")
            embedding = keras.layers.Dense(
                self.embedding_size, use_bias=False, kernel_initializer=blocks.kernel(), name="class_embedding"
            )(classes)
            inputs = [latents, classes]
        chunk, conditions = chunk_conditions(latents, embedding, len(others))
        features = base_map(blocks, chunk, data, first)
        plain = plain_normalization("batch", self.batch_norm_epsilon)
        normalize = [plain if one is None else self.normalize_with(one) for one in conditions]
        where = self.resolutions(data)
        images = generate_images(blocks, features, others, normalize, plain, where, data.shape[-1])
        return keras.Model(inputs, images, name="generator")

    def normalize_with(self, condition: Any) -> Any:
        """A function from features and a name to features after conditional batch normalisation."""
        from gan_cli.models.condition_layers import conditional_batch_norm

        def normalize(features: Any, name: str) -> Any:
            return conditional_batch_norm(features, condition, name, self.batch_norm_epsilon, SPECTRAL)

        return normalize

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        from gan_cli.models.layers.residual_block import ResidualBlocks
        from gan_cli.models.residual_networks import discriminator_network

        self.check(data)
        blocks = ResidualBlocks(self.discriminator_normalization, self.initializer)
        width = self.channels if self.discriminator_width is None else self.discriminator_width
        return discriminator_network(blocks, data, width, "none", self.resolutions(data), outputs)

    @property
    def channels(self) -> int:
        """The width, given or that of `size`."""
        return SIZES[self.size] if self.width is None else self.width


def check_multiples(value: Any) -> None:
    """Raises ConfigError unless the value is a list of whole numbers of at least 1."""
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if not is_list or not all(isinstance(one, int) and not isinstance(one, bool) and one >= 1 for one in value):
        raise ConfigError("generator_channels", "expected whole numbers of at least 1, such as [16,16,8,4,2]", value)
