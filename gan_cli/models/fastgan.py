"""FastGAN's pair, for a few hundred images: skip-layer excitation, and a discriminator that reconstructs its input.

Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis",
arXiv:2101.04775, sections 3.1 and 3.2; odegeasslbc/FastGAN-pytorch. All convolutions are spectrally normalised, without
bias, and followed by batch normalisation.

The generator doubles a small base by nearest-neighbour resizing, a 3x3 convolution and a gated linear unit; every
other doubling has a second convolution. A map of few pixels gates the channels of one with many (skip-layer
excitation): at 256 pixels those of 4, 8 and 16 pixels gate 64, 128 and 256. Smaller images have as many gates with
shorter skips.

The discriminator halves by the mean of two paths, a 4x4 and a 3x3 convolution, and mean pooling with a 1x1. Its logit
is the mean over positions of those of patches. Decoders of four convolutions at most, and one to the image, reconstruct
the image from the last map, and a quarter of it from a quarter of the map before; the mean absolute error of real
images is a term of the loss. The repository's second branch for small images, its noise inputs and its LPIPS are not
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.models.condition import AUTO, BATCH_NORM, CONCAT, FIRST_MAP, PRODUCT, Condition
from gan_cli.models.image_sizes import RULE, halvings, nearest_sizes
from gan_cli.models.model_checks import check_image, image_size_error
from gan_cli.models.normalization import convolution, dense, logits_or_vectors, normalization

SLOPE = 0.2
SPECTRAL = "spectral"
SIZES = {"tiny": 4, "small": 16, "paper": 64}
"""Channels that the multiples below are of."""
GENERATOR_MULTIPLES = (16, 8, 4, 2, 2, 1, 0.5)
"""Channels of the generator's maps, from the base."""
LAST_MULTIPLE, HEAD_MULTIPLE = 8, 16
"""Channels of the discriminator's last map, which are half as many with each size before, and of its head."""
LAST_SIDE = 8
"""Images are halved until their shorter side has at most so many pixels."""
WINDOW = 4
"""Side of the head's convolution and of what an excitation pools to."""
LONGEST_SKIP, GATES = 4, 3
"""Doublings between a map and the one that it gates, and how many there are in smaller images."""
DECODER_WIDTH = 0.5
DECODER_DOUBLINGS = 4
ERROR = "reconstruction_error"
"""Name of the discriminator's layer with the error of each example."""
NORMALIZATIONS = ("batch", "layer", "none")


@dataclass(frozen=True)
class FastGAN(ModelPair):
    """Both networks as above.

    Attributes:
        latent_size: how many numbers the generator gets, at least 1.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        size: tiny, small or paper, from which `width` comes where it is None.
        width: channels of a 128-pixel map, of which all others are multiples; at least 2.
        generator_normalization: batch, layer or none.
        discriminator_normalization: the same.
        reconstruction_weight: of the reconstruction error in the discriminator's loss, at least 0; 0 for no decoders.
        conditioning: how a label enters the generator: batch_norm, first_map, concat, product, or auto for the first
            one that goes with the normalization.

    Raises:
        ConfigError: where a value is outside its range.
    """

    latent_size: int = 256
    latent_distribution: str = "normal"
    size: str = "small"
    width: int | None = None
    generator_normalization: str = "batch"
    discriminator_normalization: str = "batch"
    reconstruction_weight: float = 1.0
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (BATCH_NORM, FIRST_MAP, CONCAT, PRODUCT)

    def __post_init__(self) -> None:
        check_number("latent_size", self.latent_size, at_least=1)
        check_choice("latent_distribution", self.latent_distribution, ("normal", "uniform"))
        check_choice("size", self.size, SIZES)
        if self.width is not None:
            check_number("width", self.width, at_least=2)
        check_choice("generator_normalization", self.generator_normalization, NORMALIZATIONS)
        check_choice("discriminator_normalization", self.discriminator_normalization, NORMALIZATIONS)
        check_number("reconstruction_weight", self.reconstruction_weight, at_least=0.0)
        check_choice("conditioning", self.conditioning, (AUTO, *self.conditionings))

    def auxiliary_losses(self) -> Mapping[str, float]:
        return {ERROR: self.reconstruction_weight} if self.reconstruction_weight else {}

    def without_auxiliary_losses(self) -> FastGAN:
        return replace(self, reconstruction_weight=0.0)

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, and for sizes that can't be halved evenly."""
        check_image("fastgan", data)
        height, width, _ = data.shape
        if halvings(height, width) is None:
            raise image_size_error("fastgan", data, RULE, nearest_sizes(height, width))

    def channels(self, multiple: float) -> int:
        return max(round((self.width or SIZES[self.size]) * multiple), 1)

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]` to float32 images `[batch, *data.shape]` in [-1, 1]."""
        from gan_cli.models.condition_layers import ConditionInput  # here, since they define Keras layers
        from gan_cli.models.layers.gated_linear_unit import GatedLinearUnit

        self.check(data)
        height, width, image_channels = data.shape
        doublings = halvings(height, width) or 0
        latents, given = keras.Input((self.latent_size,), name="latents"), ConditionInput(self, condition)

        def normalized(features: Any, name: str) -> Any:
            conditional = given.normalization(features, name)
            return normalize(self.generator_normalization, features, name) if conditional is None else conditional

        def gated(features: Any, name: str) -> Any:
            return GatedLinearUnit(name=f"{name}_gates")(normalized(features, name))

        base = (height >> doublings, width >> doublings, 2 * self.channels(GENERATOR_MULTIPLES[0]))
        features = dense(SPECTRAL, base[0] * base[1] * base[2], use_bias=False, name="base")(given.latents(latents))
        features = gated(keras.layers.Reshape(base, name="base_image")(features), "base")
        maps = [given.first_map(features)]
        skip = min(LONGEST_SKIP, max(doublings + 1 - GATES, 1))
        for level in range(1, doublings + 1):
            name, filters = f"up_{level}", self.channels(GENERATOR_MULTIPLES[level])
            features = keras.layers.UpSampling2D(2, name=f"{name}_resize")(maps[-1])
            features = gated(convolved(features, 2 * filters, 3, name=name), name)
            if level % 2 == 1:
                features = gated(convolved(features, 2 * filters, 3, name=f"{name}_second"), f"{name}_second")
            if level >= skip:
                features = excitation(maps[level - skip], features, f"{name}_excitation")
            maps.append(features)
        images = convolved(maps[-1], image_channels, 3, name="output", dtype="float32")
        images = keras.layers.Activation("tanh", dtype="float32", name="tanh")(images)
        return keras.Model(given.model_inputs(latents), images, name="generator")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        self.check(data)
        sizes, kind = self.sizes(data), self.discriminator_normalization
        images = keras.Input(data.shape, name="examples")
        features = activated(convolved(images, self.map_channels(0, data), 3, name="input"), "input")
        maps = [features]
        for level in range(1, len(sizes)):
            maps.append(halved(maps[-1], self.map_channels(level, data), kind, f"down_{level}"))
        features = self.with_reconstruction(images, maps[-2], maps[-1]) if self.reconstruction_weight else maps[-1]
        features = convolved(features, self.channels(HEAD_MULTIPLE), 1, name="head")
        features = activated(normalize(kind, features, "head"), "head")
        # The mean over all positions of a convolution without padding is one product with the mean of its windows.
        windows = tuple(side - WINDOW + 1 for side in sizes[-1])
        features = keras.layers.AveragePooling2D(windows, strides=1, name="windows")(features)
        features = keras.layers.Flatten(name="flatten")(features)
        output = dense(SPECTRAL, outputs or 1, use_bias=False, dtype="float32", name="output")
        return keras.Model(images, logits_or_vectors(output(features), outputs), name="discriminator")

    def sizes(self, data: DataSpec) -> list[tuple[int, int]]:
        """Height and width of the discriminator's maps, from the image inwards."""
        height, width, _ = data.shape
        most, times = halvings(height, width) or 1, 1
        while times < most and min(height, width) >> times > LAST_SIDE:
            times += 1
        return [(height >> number, width >> number) for number in range(times + 1)]

    def map_channels(self, level: int, data: DataSpec) -> int:
        """Channels of the map whose sides were halved so many times."""
        return self.channels(LAST_MULTIPLE / 2 ** (len(self.sizes(data)) - 1 - level))

    def with_reconstruction(self, images: Any, before: Any, last: Any) -> Any:
        """The last map, with the decoders and their error attached to it."""
        from gan_cli.models.layers.reconstruction import Attached, MeanAbsoluteError, QuarterOfEach

        whole = self.decoded(last, images.shape, "whole")
        part = self.decoded(QuarterOfEach(name="quarter")(before), images.shape, "part")
        errors = [
            MeanAbsoluteError(dtype="float32", name="whole_error")([images, whole]),
            MeanAbsoluteError(dtype="float32", name="part_error")([QuarterOfEach(name="image_quarter")(images), part]),
        ]
        error = keras.layers.Add(dtype="float32", name=ERROR)(errors)
        return Attached(name="with_reconstruction")([last, error])

    def decoded(self, features: Any, image_shape: tuple[int, ...], name: str) -> Any:
        """Images of half the size of the data's, or of 16 times the features' if that is less."""
        from gan_cli.models.layers.gated_linear_unit import GatedLinearUnit
        from gan_cli.models.layers.reconstruction import BatchStatistics

        doublings = min((image_shape[1] // features.shape[1]).bit_length() - 2, DECODER_DOUBLINGS)
        for level in range(1, doublings + 1):
            filters = self.channels(DECODER_WIDTH * GENERATOR_MULTIPLES[min(level, DECODER_DOUBLINGS) + 1])
            features = keras.layers.UpSampling2D(2, name=f"{name}_{level}_resize")(features)
            features = convolved(features, 2 * filters, 3, name=f"{name}_{level}")
            features = BatchStatistics(name=f"{name}_{level}_normalization")(features)
            features = GatedLinearUnit(name=f"{name}_{level}_gates")(features)
        features = convolved(features, image_shape[-1], 3, name=f"{name}_image")
        return keras.layers.Activation("tanh", dtype="float32", name=f"{name}_tanh")(features)


def convolved(features: Any, filters: int, size: int, strides: int = 1, **options: Any) -> Any:
    return convolution(SPECTRAL, filters, size, strides, use_bias=False, **options)(features)


def normalize(kind: str, features: Any, name: str) -> Any:
    layer = normalization(kind, f"{name}_normalization")
    return features if layer is None else layer(features)


def activated(features: Any, name: str) -> Any:
    return keras.layers.LeakyReLU(SLOPE, name=f"{name}_activation")(features)


def halved(features: Any, filters: int, kind: str, name: str) -> Any:
    """The mean of two convolutions, and of mean pooling with a 1x1 (the residual down-sampling of figure 4)."""

    def step(values: Any, size: int, strides: int, part: str) -> Any:
        values = convolved(values, filters, size, strides, name=f"{name}_{part}")
        return activated(normalize(kind, values, f"{name}_{part}"), f"{name}_{part}")

    pooled = keras.layers.AveragePooling2D(2, name=f"{name}_pool")(features)
    paths = [step(step(features, 4, 2, "first"), 3, 1, "second"), step(pooled, 1, 1, "direct")]
    return keras.layers.Average(name=f"{name}_mean")(paths)


def excitation(small: Any, large: Any, name: str) -> Any:
    """Skip-layer excitation (equation 1): channels of the large map times gates, a function of the small one."""
    from gan_cli.models.layers.adaptive_pooling import AdaptivePooling

    channels = large.shape[-1]
    pooled = keras.layers.Flatten(name=f"{name}_flatten")(AdaptivePooling(WINDOW, name=f"{name}_pool")(small))
    gates = dense(SPECTRAL, channels, use_bias=False, name=f"{name}_first")(pooled)
    gates = keras.layers.Activation("silu", name=f"{name}_activation")(gates)
    gates = dense(SPECTRAL, channels, use_bias=False, name=f"{name}_second")(gates)
    gates = keras.layers.Activation("sigmoid", name=f"{name}_gates")(gates)
    return keras.layers.Multiply(name=name)([large, keras.layers.Reshape((1, 1, channels), name=f"{name}_map")(gates)])
