"""The residual pair of SNGAN, with conditional batch normalisation where there are labels.

Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957, tables 4 to 6;
Miyato & Koyama 2018, "cGANs with Projection Discriminator", arXiv:1802.05637, for labels. The discriminator's first
convolution of a block has as many filters as its second (PyTorch-StudioGAN).

For 32x32x3 and a width of 64 (`size=paper`) the generator is dense 4x4x256 - 8x8x256 - 16x16x256 - 32x32x256 -
32x32x3, and the discriminator 16x16x128 - 8x8x128 - 8x8x128 - 8x8x128 - sum over positions - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.models.attention_places import check_attention, parse_attention
from gan_cli.models.condition import AUTO, BATCH_NORM, CONCAT, FIRST_MAP, PRODUCT, Condition
from gan_cli.models.model_checks import check_networks
from gan_cli.models.normalization import NORMALIZATIONS
from gan_cli.models.residual_shapes import check_size, generator_channels, resolutions

SIZES = {"tiny": 16, "small": 32, "paper": 64}
"""Channels next to the image."""
INITIALIZERS = ("glorot", "orthogonal")


@dataclass(frozen=True)
class ResNet(ModelPair):
    """Residual blocks that double a small base, or halve the image.

    Attributes:
        latent_size: how many numbers the generator gets, at least 1.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        size: tiny, small or paper; it names the width: 16, 32 or 64.
        width: channels of which the tables have multiples, at least 1; None for that of `size`.
        attention: resolutions with self-attention, see `gan_cli.models.attention_places`.
        generator_normalization: batch, layer, instance, spectral or none; not on the output.
        discriminator_normalization: the same.
        initializer: of kernels: glorot, with a gain of sqrt(2) for 3x3 kernels in blocks, or orthogonal.
        batch_norm_epsilon: added to the variance in the generator's batch normalisation, above 0.
        conditioning: how a label enters the generator: batch_norm, first_map, concat, product, or auto for the first
            one that goes with the normalization.

    Raises:
        ConfigError: where a value is outside its range.
    """

    latent_size: int = 128
    latent_distribution: str = "normal"
    size: str = "small"
    width: int | None = None
    attention: Any = ()
    generator_normalization: str = "batch"
    discriminator_normalization: str = "spectral"
    initializer: str = "glorot"
    batch_norm_epsilon: float = 2e-5
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (BATCH_NORM, FIRST_MAP, CONCAT, PRODUCT)

    def __post_init__(self) -> None:
        check_networks(self, NORMALIZATIONS, NORMALIZATIONS)
        check_residual_fields(self, SIZES)
        parse_attention(self.attention)

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, for image sizes that can't be halved down to a small base, and for attention
        at a resolution that no block has."""
        check_size("resnet", data)
        check_attention(self.attention, resolutions(data), f"{data.shape[0]}x{data.shape[1]}")

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]` to float32 images `[batch, *data.shape]` in [-1, 1]."""
        from gan_cli.models.condition_layers import ConditionInput  # here, since it defines a Keras layer
        from gan_cli.models.layers.residual_block import ResidualBlocks
        from gan_cli.models.residual_networks import base_map, generate_images, plain_normalization

        self.check(data)
        first, *others = (self.channels * multiple for multiple in generator_channels(data))
        blocks = ResidualBlocks(self.generator_normalization, self.initializer)
        latents = keras.Input((self.latent_size,), name="latents")
        given = ConditionInput(self, condition, self.batch_norm_epsilon)
        plain = plain_normalization(self.generator_normalization, self.batch_norm_epsilon)
        features = given.first_map(base_map(blocks, given.latents(latents), data, first))
        normalize = [given.normalize(plain)] * len(others)
        images = generate_images(blocks, features, others, normalize, plain, self.attention, data.shape[-1])
        return keras.Model(given.model_inputs(latents), images, name="generator")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        from gan_cli.models.layers.residual_block import ResidualBlocks
        from gan_cli.models.residual_networks import discriminator_network

        self.check(data)
        kind = self.discriminator_normalization
        blocks = ResidualBlocks(kind, self.initializer)
        return discriminator_network(blocks, data, self.channels, kind, self.attention, outputs)

    @property
    def channels(self) -> int:
        """The width, given or that of `size`."""
        return SIZES[self.size] if self.width is None else self.width


def check_residual_fields(pair: Any, sizes: dict[str, int]) -> None:
    """Raises ConfigError where a field that the residual models share is outside its range."""
    check_choice("size", pair.size, tuple(sizes))
    if pair.width is not None:
        check_number("width", pair.width, at_least=1)
    check_choice("initializer", pair.initializer, INITIALIZERS)
    check_number("batch_norm_epsilon", pair.batch_norm_epsilon, above=0.0)
