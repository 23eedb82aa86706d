"""The pair of SAGAN: SNGAN's residual networks with self-attention, and spectral normalisation in both.

Zhang et al. 2019, "Self-Attention Generative Adversarial Networks", arXiv:1805.08318. As in PyTorch-StudioGAN, the
dense layers of the conditional batch normalisation are spectrally normalised too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.models.attention_places import check_attention, parse_attention
from gan_cli.models.condition import AUTO, BATCH_NORM, CONCAT, FIRST_MAP, PRODUCT, Condition
from gan_cli.models.model_checks import check_networks
from gan_cli.models.residual_shapes import check_size, generator_channels, largest_resolution, resolutions
from gan_cli.models.resnet import SIZES, check_residual_fields

SPECTRAL = "spectral"
ATTENTION = 32
"""The resolution of self-attention in the paper, for images of 128 pixels."""


@dataclass(frozen=True)
class SAGAN(ModelPair):
    """Residual blocks that double a small base, or halve the image, with self-attention.

    Attributes:
        latent_size: how many numbers the generator gets, at least 1.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        size: tiny, small or paper; it names the width: 16, 32 or 64.
        width: channels of which the tables have multiples, at least 1; None for that of `size`.
        attention: resolutions with self-attention, see `gan_cli.models.attention_places`; `auto` for the largest one of
            both networks up to 32, as in the paper.
        generator_normalization: batch or none, besides spectral normalisation of its kernels.
        discriminator_normalization: spectral or none.
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
    attention: Any = AUTO
    generator_normalization: str = "batch"
    discriminator_normalization: str = SPECTRAL
    initializer: str = "orthogonal"
    batch_norm_epsilon: float = 1e-5
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (BATCH_NORM, FIRST_MAP, CONCAT, PRODUCT)

    def __post_init__(self) -> None:
        check_networks(self, ("batch", "none"), (SPECTRAL, "none"))
        check_residual_fields(self, SIZES)
        if self.attention != AUTO:
            parse_attention(self.attention)

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, for image sizes that can't be halved down to a small base, and for attention
        at a resolution that no block has."""
        check_size("sagan", data)
        check_attention(self.resolutions(data), resolutions(data), f"{data.shape[0]}x{data.shape[1]}")

    def resolutions(self, data: DataSpec) -> Any:
        """Where self-attention is."""
        return largest_resolution(data, ATTENTION) if self.attention == AUTO else self.attention

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]` to float32 images `[batch, *data.shape]` in [-1, 1]."""
        from gan_cli.models.condition_layers import ConditionInput  # here, since it defines a Keras layer
        from gan_cli.models.layers.residual_block import ResidualBlocks
        from gan_cli.models.residual_networks import base_map, generate_images, plain_normalization

        self.check(data)
        first, *others = (self.channels * multiple for multiple in generator_channels(data))
        blocks = ResidualBlocks(SPECTRAL, self.initializer)
        latents = keras.Input((self.latent_size,), name="latents")
        given = ConditionInput(self, condition, self.batch_norm_epsilon, kernels=SPECTRAL)
        plain = plain_normalization(self.generator_normalization, self.batch_norm_epsilon)
        features = given.first_map(base_map(blocks, given.latents(latents), data, first))
        normalize = [given.normalize(plain)] * len(others)
        where = self.resolutions(data)
        images = generate_images(blocks, features, others, normalize, plain, where, data.shape[-1])
        return keras.Model(given.model_inputs(latents), images, name="generator")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        from gan_cli.models.layers.residual_block import ResidualBlocks
        from gan_cli.models.residual_networks import discriminator_network

        self.check(data)
        blocks = ResidualBlocks(self.discriminator_normalization, self.initializer)
        where = self.resolutions(data)
        return discriminator_network(blocks, data, self.channels, "none", where, outputs)

    @property
    def channels(self) -> int:
        """The width, given or that of `size`."""
        return SIZES[self.size] if self.width is None else self.width
