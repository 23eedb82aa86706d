"""A plain convolutional pair: dense layers that mix globally, convolutions between them and the image, nothing else.

The generator is dense - dense to a small base image - one doubling after the other - convolution to the image; the
discriminator is its mirror image and ends in a dense layer before its output. There is no normalisation: the
penalties that go with the pair keep it in bounds, as in R3GAN (Huang et al. 2025, arXiv:2501.05441, section 3.3).
Dense layers of this kind are in the pair of InfoGAN (Chen et al. 2016, arXiv:1606.03657, appendix C.1).

For 28x28x1 and a width of 32 the generator is dense 512 - dense 4x4x64 - 7x7x64 - 14x14x32 - 28x28x1; with a stem it is
dense 512 - dense 4x4x64 - 7x7x64 - 14x14x64 - 28x28x32 - 28x28x1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.models.attention_places import Attention, check_attention, parse_attention
from gan_cli.models.condition import AUTO, BATCH_NORM, CONCAT, FIRST_MAP, PRODUCT, Condition
from gan_cli.models.image_sizes import LARGEST_SIDE, SMALLEST_SIDE
from gan_cli.models.model_checks import check_fields, check_image, image_size_error
from gan_cli.models.normalization import (
    NORMALIZATIONS,
    convolution,
    dense,
    has_offset,
    logits_or_vectors,
    normalization,
    transposed_convolution,
)

if TYPE_CHECKING:
    from gan_cli.models.condition_layers import ConditionInput

# Instance normalisation takes a mean over positions: of a dense layer it leaves nothing but zeros.
ALLOWED = tuple(kind for kind in NORMALIZATIONS if kind != "instance")
UPSAMPLING = ("transposed", "nearest", "bilinear")
SIZES = {"tiny": 0.5, "small": 1.0, "medium": 2.0, "large": 4.0}
LARGEST_FACTOR = 64.0


@dataclass(frozen=True)
class ConvNet(ModelPair):
    """Doubles a small base image until it has the data's size; the discriminator halves it as often.

    Attributes:
        latent_size: how many numbers the generator gets, at least 1.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        size: tiny, small, medium or large, or the factor that they stand for; it multiplies `width` and `hidden`.
        width: channels of the layer next to the image, at least 1.
        growth: channels are doubled with each halving up to this many times `width`, at least 1.
        hidden: units of the dense layers, at least 1.
        depth: convolutions at each size, at least 1.
        stem: whether there are features of the image's own size, between a 3x3 convolution and the first halving (and
            in the generator after the last doubling); otherwise the layers that halve and double touch the image.
        base: sides are halved until the shorter one is at most this many pixels, at least 2.
        upsampling: `transposed` convolutions, or `nearest` or `bilinear` resizing before a convolution.
        kernel_size: of the layers that double or halve, in pixels, at least 2.
        generator_normalization: batch, layer, spectral or none; not on the output.
        discriminator_normalization: the same.
        discriminator_dropout: share of features left out before the discriminator's output in training, in [0, 1).
        leaky_slope: slope of the activations below 0, in [0, 1].
        attention: resolutions with self-attention, see `gan_cli.models.attention_places`.
        conditioning: how a label enters the generator: batch_norm, first_map, concat, product, or auto for the first
            one that goes with the normalization.

    Raises:
        ConfigError: where a value is outside its range.
    """

    latent_size: int = 64
    latent_distribution: str = "normal"
    size: str = "small"
    width: int = 32
    growth: int = 2
    hidden: int = 512
    depth: int = 1
    stem: bool = False
    base: int = 4
    upsampling: str = "transposed"
    kernel_size: int = 4
    generator_normalization: str = "none"
    discriminator_normalization: str = "none"
    discriminator_dropout: float = 0.0
    leaky_slope: float = 0.2
    attention: Any = ()
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (BATCH_NORM, FIRST_MAP, CONCAT, PRODUCT)

    def __post_init__(self) -> None:
        check_fields(self, ALLOWED)
        if self.size not in SIZES:
            check_size(self.size)
        for name in ("growth", "hidden", "depth"):
            check_number(name, getattr(self, name), at_least=1)
        check_number("base", self.base, at_least=2)
        check_choice("upsampling", self.upsampling, UPSAMPLING)
        check_number("kernel_size", self.kernel_size, at_least=2)
        parse_attention(self.attention)

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, for images with a side outside 8 to 256 pixels, and for attention at a
        resolution that no layer has."""
        check_image("convnet", data)
        height, width, _ = data.shape
        if not SMALLEST_SIDE <= min(height, width) <= max(height, width) <= LARGEST_SIDE:
            nearest = "x".join(str(min(max(side, SMALLEST_SIDE), LARGEST_SIDE)) for side in (height, width))
            raise image_size_error("convnet", data, f"each side {SMALLEST_SIDE} to {LARGEST_SIDE} pixels", [nearest])
        sizes = self.sizes(data)
        inner = sizes if self.stem or len(sizes) == 1 else sizes[1:]
        check_attention(self.attention, {min(size) for size in inner}, f"{height}x{width}")

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]` to float32 images `[batch, *data.shape]` in [-1, 1]."""
        from gan_cli.models.condition_layers import ConditionInput  # here, since it defines a Keras layer

        self.check(data)
        kind, sizes = self.generator_normalization, self.sizes(data)
        attend = Attention(self.attention, kind, "glorot_uniform")
        stem = self.stem or len(sizes) == 1  # an image that nothing doubles
        base = (*sizes[-1], self.channels(len(sizes) - 1))
        latents, given = keras.Input((self.latent_size,), name="latents"), ConditionInput(self, condition)
        features = self.hidden_layer(given.latents(latents), self.scaled(self.hidden), kind, "dense", given)
        features = self.hidden_layer(features, math.prod(base), kind, "base", given)
        features = given.first_map(keras.layers.Reshape(base, name="base_image")(features))
        for level in range(len(sizes) - 2, -1 if stem else 0, -1):
            name, filters = f"up_{len(sizes) - 1 - level}", self.channels(level)
            options = self.options(self.products(features.shape[-1]), kind)
            features = self.activated(self.doubled(features, filters, name, options), kind, name, given)
            features = cropped(features, sizes[level], f"{name}_crop")
            features = attend(self.more_convolutions(features, filters, kind, name, given))
        features = cropped(self.image(features, data.shape[-1], stem), sizes[0], "output_crop")
        images = keras.layers.Activation("tanh", dtype="float32", name="tanh")(features)
        return keras.Model(given.model_inputs(latents), images, name="generator")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        self.check(data)
        kind, sizes = self.discriminator_normalization, self.sizes(data)
        attend = Attention(self.attention, kind, "glorot_uniform")
        stem = self.stem or len(sizes) == 1  # an image that nothing halves
        images = keras.Input(data.shape, name="examples")
        features = self.convolved(images, self.channels(0), 3, 1, kind, "input") if stem else images
        for level in range(1, len(sizes)):
            name = f"down_{level}"
            if stem or level > 1:
                features = self.more_convolutions(features, self.channels(level - 1), kind, name)
            features = attend(self.convolved(features, self.channels(level), self.kernel_size, 2, kind, name))
        features = keras.layers.Flatten(name="flatten")(features)
        features = self.hidden_layer(features, self.scaled(self.hidden), kind, "dense")
        if self.discriminator_dropout:
            features = keras.layers.Dropout(self.discriminator_dropout, name="dropout")(features)
        output = dense(
            kind, outputs or 1, dtype="float32", name="output", kernel_initializer=normal(self.scaled(self.hidden), 1.0)
        )
        return keras.Model(images, logits_or_vectors(output(features), outputs), name="discriminator")

    def sizes(self, data: DataSpec) -> list[tuple[int, int]]:
        """Height and width of the features, from the image inwards; halves are rounded up."""
        sizes = [(data.shape[0], data.shape[1])]
        while min(sizes[-1]) > self.base:
            sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
        return sizes

    def channels(self, level: int) -> int:
        """Channels of the features whose sides were halved so many times."""
        doublings = level if self.stem else max(level - 1, 0)
        return self.scaled(self.width) * min(2**doublings, self.growth)

    def scaled(self, units: int) -> int:
        """How many channels or units `size` makes of so many, at least 1."""
        return max(round(units * (SIZES.get(self.size) or float(self.size))), 1)

    def hidden_layer(self, features: Any, units: int, kind: str, name: str, given: ConditionInput | None = None) -> Any:
        layer = dense(kind, units, name=name, **self.options(features.shape[-1], kind))
        return self.activated(layer(features), kind, name, given)

    def more_convolutions(
        self, features: Any, filters: int, kind: str, name: str, given: ConditionInput | None = None
    ) -> Any:
        for number in range(2, self.depth + 1):
            features = self.convolved(features, filters, 3, 1, kind, f"{name}_{number}", given)
        return features

    def convolved(
        self,
        features: Any,
        filters: int,
        size: int,
        stride: int,
        kind: str,
        name: str,
        given: ConditionInput | None = None,
    ) -> Any:
        layer = convolution(kind, filters, size, stride, name=name, **self.options(size**2 * features.shape[-1], kind))
        return self.activated(layer(features), kind, name, given)

    def image(self, features: Any, channels: int, stem: bool) -> Any:
        """The image before its tanh."""
        kind, inputs = self.generator_normalization, features.shape[-1]
        if stem:
            return convolution(kind, channels, 3, 1, name="output", kernel_initializer=normal(9 * inputs, 1.0))(
                features
            )
        return self.doubled(features, channels, "output", {"kernel_initializer": normal(self.products(inputs), 1.0)})

    def doubled(self, features: Any, filters: int, name: str, options: dict[str, Any]) -> Any:
        """Features of twice the height and width, before their activation."""
        kind = self.generator_normalization
        if self.upsampling == "transposed":
            return transposed_convolution(kind, filters, self.kernel_size, 2, name=name, **options)(features)
        larger = keras.layers.UpSampling2D(2, interpolation=self.upsampling, name=f"{name}_resize")(features)
        return convolution(kind, filters, 3, 1, name=name, **options)(larger)

    def products(self, inputs: int) -> float:
        """Products in each sum of a doubling: of a transposed kernel's values, every fourth meets an input."""
        return self.kernel_size**2 * inputs / 4 if self.upsampling == "transposed" else 9 * inputs

    def activated(self, features: Any, kind: str, name: str, given: ConditionInput | None = None) -> Any:
        conditional = given.normalization(features, name) if given else None
        if conditional is None:
            normalize = normalization(kind, f"{name}_normalization")
            features = normalize(features) if normalize else features
        else:
            features = conditional
        return keras.layers.ReLU(negative_slope=self.leaky_slope, name=f"{name}_activation")(features)

    def options(self, inputs: float, kind: str) -> dict[str, Any]:
        """Of a layer before an activation whose outputs are sums of `inputs` products."""
        gain = math.sqrt(2 / (1 + self.leaky_slope**2))
        return {"use_bias": not has_offset(kind), "kernel_initializer": normal(inputs, gain)}


def check_size(size: str) -> None:
    """Raises ConfigError for what is neither the name of a size nor a factor."""
    try:
        factor = float(size)
    except ValueError:
        check_choice("size", size, tuple(SIZES))
    else:
        check_number("size", factor, above=0, at_most=LARGEST_FACTOR)


def normal(inputs: float, gain: float) -> Any:
    """Normal initial weights that keep the variance of features (He et al. 2015, arXiv:1502.01852, equation 14)."""
    return keras.initializers.RandomNormal(stddev=gain / math.sqrt(inputs))


def cropped(features: Any, size: tuple[int, int], name: str) -> Any:
    """The first rows and columns of features, as many as `size` has."""
    rows, columns = features.shape[1] - size[0], features.shape[2] - size[1]
    if rows == columns == 0:
        return features
    return keras.layers.Cropping2D(((0, rows), (0, columns)), name=name)(features)
