"""StyleGAN2: a mapping network to styles w, a synthesis network of modulated convolutions, and its discriminator.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", arXiv:1912.04958, and "Training Generative
Adversarial Networks with Limited Data" (ADA), arXiv:2006.06676; in the form of NVlabs/stylegan2-ada-pytorch.

    latents, label -> `mapping` -> w -> `w_average` -> `style_mixing` -> ws -> `synthesis` -> images

Images are doubled from a base whose shorter side is 4 to 15 pixels: 4x4 to 32x32 and 64x64, 7x7 to 28x28, 4x6 to 32x48.
They are not bounded: training keeps them close to the range of the data, and what is shown or stored is clipped.

The further input `noise` holds the normal numbers of an example: the noise planes of the layers, in their order, and in
training, for style mixing, another latent and two numbers that say whether and where the styles change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

from gan_cli.data import DataSpec
from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import keras
from gan_cli.models import TRUNCATE_W, ModelPair
from gan_cli.models.condition import AUTO, MAPPING, Condition
from gan_cli.models.image_sizes import halvings, nearest_sizes, rule
from gan_cli.models.model_checks import DISTRIBUTIONS, check_image, choose_way, image_size_error
from gan_cli.models.normalization import logits_or_vectors

LARGEST_SIDE = 1024
SKIP, RESNET, ORIG = ARCHITECTURES = ("skip", "resnet", "orig")
HALF = math.sqrt(0.5)
"""The gain of both branches of a residual sum."""


class Widths(NamedTuple):
    """What `size` stands for."""

    channel_base: int
    channel_max: int
    style_size: int


SIZES = {
    "tiny": Widths(512, 32, 64),
    "small": Widths(1024, 64, 128),
    "medium": Widths(4096, 256, 256),
    "paper": Widths(16384, 512, 512),
}
PAPER_BASE_FROM_512 = 32768
"""`channel_base` of the paper for images of 512 pixels and more."""


@dataclass(frozen=True)
class StyleGAN2(ModelPair):
    """The networks above.

    Attributes:
        size: tiny, small, medium or paper, for the widths below that are None.
        channel_base: channels of a layer times the shorter side of its features.
        channel_max: channels at most.
        latent_size: how many numbers the generator gets; None for `style_size`.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        style_size: of w and of the layers of the mapping network.
        mapping_layers: of the mapping network, at least 1.
        generator_architecture: `skip` (an image from each size, added up), `resnet` or `orig` (neither).
        discriminator_architecture: `resnet`, `skip` or `orig`.
        noise: whether the layers of the synthesis network add noise.
        style_mixing: probability that layers from a random one on get another w in training.
        w_average_beta: weight of the average of w in its update.
        minibatch_std_group: examples that the discriminator compares; 0 for no comparison.
        minibatch_std_channels: parts of the channels that it compares by themselves.
        clamp: bound of features, for float16; None for none.
        conditioning: `mapping` (a label enters through the mapping network) or auto.

    Raises:
        ConfigError: where a value is outside its range.
    """

    size: str = "small"
    channel_base: int | None = None
    channel_max: int | None = None
    latent_size: int | None = None  # type: ignore[assignment]  # a number after __post_init__
    latent_distribution: str = "normal"
    style_size: int | None = None
    mapping_layers: int = 2
    generator_architecture: str = SKIP
    discriminator_architecture: str = RESNET
    noise: bool = True
    style_mixing: float = 0.9
    w_average_beta: float = 0.995
    minibatch_std_group: int = 4
    minibatch_std_channels: int = 1
    clamp: float | None = None
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (MAPPING,)
    truncation: ClassVar[str] = TRUNCATE_W
    r1_weight_per_pixel: ClassVar[float | None] = 0.0002
    ema_batches: ClassVar[float | None] = 312.5  # 10,000 images over batches of 32

    def __post_init__(self) -> None:
        check_choice("size", self.size, SIZES)
        for name in ("channel_base", "channel_max", "latent_size", "style_size"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), at_least=1)
        check_choice("latent_distribution", self.latent_distribution, DISTRIBUTIONS)
        check_number("mapping_layers", self.mapping_layers, at_least=1)
        check_choice("generator_architecture", self.generator_architecture, ARCHITECTURES)
        check_choice("discriminator_architecture", self.discriminator_architecture, ARCHITECTURES)
        check_number("style_mixing", self.style_mixing, at_least=0.0, at_most=1.0)
        check_number("w_average_beta", self.w_average_beta, at_least=0.0, below=1.0)
        check_number("minibatch_std_group", self.minibatch_std_group, at_least=0)
        check_number("minibatch_std_channels", self.minibatch_std_channels, at_least=1)
        if self.clamp is not None:
            check_number("clamp", self.clamp, above=0)
        check_choice("conditioning", self.conditioning, (AUTO, *self.conditionings))
        if self.latent_size is None:
            object.__setattr__(self, "latent_size", self.width_of_w)

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, and for images that no doubling of a small base gives."""
        check_image("stylegan2", data)
        height, width, _ = data.shape
        if halvings(height, width, LARGEST_SIDE) is None:
            sizes = nearest_sizes(height, width, LARGEST_SIDE)
            raise image_size_error("stylegan2", data, rule(LARGEST_SIDE), sizes)

    def noise_size(self, data: DataSpec) -> int:
        """Numbers of the noise planes, and of style mixing."""
        return self.plane_numbers(data) + (self.latents + 2 if self.style_mixing else 0)

    def without_noise(self) -> StyleGAN2:
        return replace(self, noise=False, style_mixing=0.0)

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]`, conditions and noise to float32 images."""
        from gan_cli.models.layers.style_vectors import AverageW, NoiseSlice, StyleMixing
        from gan_cli.models.mapping_network import map_condition  # here, since these define Keras layers

        if condition is not None:
            choose_way(self, condition)
        sizes = self.sizes(data)
        given = [keras.Input((self.latents,), name="latents")]
        given += [] if condition is None else [keras.Input((condition.size,), name="condition")]
        label = None if condition is None else given[-1]
        w = map_condition(given[0], label, self.width_of_w, self.mapping_layers, dtype="float32")
        mapping = keras.Model(given, w, name="mapping")
        inputs = [keras.Input(one.shape[1:], name=one.name) for one in given]
        w, planes = AverageW(self.w_average_beta, dtype="float32", name="w_average")(mapping(inputs)), []
        mixing = StyleMixing(2 * len(sizes), self.style_mixing, dtype="float32", name="style_mixing")
        if noise_size := self.noise_size(data):
            noise, count = keras.Input((noise_size,), name="noise"), self.plane_numbers(data)
            if count:
                planes = [NoiseSlice(0, count, dtype="float32", name="noise_planes")(noise)]
            if self.style_mixing:
                uniform = self.latent_distribution == "uniform"
                latents = NoiseSlice(count, self.latents, uniform, dtype="float32", name="mixed_latents")(noise)
                numbers = NoiseSlice(noise_size - 2, 2, dtype="float32", name="mixing_numbers")(noise)
                w = [w, mapping([latents, *inputs[1:]]), numbers]
            inputs = [*inputs, noise]
        images = self.synthesis(data)([mixing(w), *planes])
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], images, name="generator")

    def synthesis(self, data: DataSpec) -> Any:
        """A Keras model from ws `[batch, layers, style_size]` and noise planes `[batch, numbers]` to images."""
        from gan_cli.models.layers.equalized import EqualizedConv2D
        from gan_cli.models.layers.synthesis import FilteredResampling, ImageLayer, LearnedConstant, SynthesisLayer

        sizes, kind, count = self.sizes(data)[::-1], self.generator_architecture, self.plane_numbers(data)
        ws = keras.Input((2 * len(sizes), self.width_of_w), name="ws")
        noise = [keras.Input((count,), name="noise")] if count else []
        offset, style, image = 0, 0, None

        def styled(features: Any, filters: int, size: tuple[int, int], name: str, **options: Any) -> Any:
            nonlocal offset, style
            place = offset if noise else None
            layer = SynthesisLayer(filters, style, noise_offset=place, clamp=self.clamp, name=name, **options)
            offset, style = offset + math.prod(size), style + 1
            return layer([features, ws, *noise])

        features = LearnedConstant((*sizes[0], self.channels(sizes[0], data)), name="constant")(ws)
        for size in sizes:
            name, filters, is_first = f"block_{size[0]}", self.channels(size, data), size == sizes[0]
            is_sum, below = kind == RESNET and not is_first, features
            if not is_first:
                features = styled(features, filters, size, f"{name}_conv0", up=2)
            features = styled(features, filters, size, f"{name}_conv1", gain=HALF if is_sum else 1.0)
            if is_sum:
                options: dict[str, Any] = {"use_bias": False, "activation": "linear", "gain": HALF}
                shortcut = EqualizedConv2D(filters, 1, up=2, name=f"{name}_shortcut", **options)(below)
                features = keras.layers.Add(name=f"{name}_sum")([shortcut, features])
            if kind == SKIP or size == sizes[-1]:
                added = ImageLayer(data.shape[-1], style, clamp=self.clamp, name=f"{name}_to_image")([features, ws])
                if image is not None:
                    image = FilteredResampling(up=2, dtype="float32", name=f"{name}_resize")(image)
                    added = keras.layers.Add(dtype="float32", name=f"{name}_image")([image, added])
                image = added
        images = keras.layers.Activation("linear", dtype="float32", name="images")(image)
        return keras.Model([ws, *noise], images, name="synthesis")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        from gan_cli.models.layers.equalized import EqualizedDense
        from gan_cli.models.layers.minibatch_std import MinibatchStd

        sizes = self.sizes(data)
        images = keras.Input(data.shape, name="examples")
        features, image = None, images
        for size, smaller in pairwise(sizes):
            features, image = self.discriminator_block(features, image, size, self.channels(smaller, data), data)
        name, channels = f"block_{sizes[-1][0]}", self.channels(sizes[-1], data)
        if self.discriminator_architecture == SKIP:
            features = self.from_image(features, image, channels, name)
        if self.minibatch_std_group:
            parts = math.gcd(self.minibatch_std_channels, channels)
            features = MinibatchStd(self.minibatch_std_group, parts, name="minibatch_std")(features)
        features = self.convolution(channels, f"{name}_conv")(features)
        features = keras.layers.Flatten(name="flatten")(features)
        features = EqualizedDense(channels, activation="leaky_relu", name=f"{name}_dense")(features)
        output = EqualizedDense(outputs or 1, dtype="float32", name="output")
        return keras.Model(images, logits_or_vectors(output(features), outputs), name="discriminator")

    def discriminator_block(
        self, features: Any, image: Any, size: tuple[int, int], filters: int, data: DataSpec
    ) -> tuple[Any, Any]:
        """Features of half the size, and the image for the next block."""
        from gan_cli.models.layers.synthesis import FilteredResampling

        name, kind, channels = f"block_{size[0]}", self.discriminator_architecture, self.channels(size, data)
        if features is None or kind == SKIP:
            features = self.from_image(features, image, channels, name)
        if kind == SKIP:
            image = FilteredResampling(down=2, name=f"{name}_resize")(image)
        hidden = self.convolution(channels, f"{name}_conv0")(features)
        gain = HALF if kind == RESNET else 1.0
        halved = self.convolution(filters, f"{name}_conv1", down=2, gain=gain)(hidden)
        if kind == RESNET:
            options: dict[str, Any] = {"down": 2, "use_bias": False, "activation": "linear", "gain": HALF}
            shortcut = self.convolution(filters, f"{name}_shortcut", side=1, **options)(features)
            halved = keras.layers.Add(name=f"{name}_sum")([shortcut, halved])
        return halved, image

    def from_image(self, features: Any, image: Any, channels: int, name: str) -> Any:
        """Features of an image, added to those of the larger ones where there are some."""
        own = self.convolution(channels, f"{name}_from_image", side=1)(image)
        return own if features is None else keras.layers.Add(name=f"{name}_image_sum")([features, own])

    def convolution(self, filters: int, name: str, **options: Any) -> Any:
        from gan_cli.models.layers.equalized import EqualizedConv2D

        return EqualizedConv2D(filters, clamp=self.clamp, name=name, **options)

    def sizes(self, data: DataSpec) -> list[tuple[int, int]]:
        """Height and width of the features, from the image to the base."""
        self.check(data)
        height, width, _ = data.shape
        times = halvings(height, width, LARGEST_SIDE) or 0
        return [(height >> level, width >> level) for level in range(times + 1)]

    def channels(self, size: Sequence[int], data: DataSpec) -> int:
        """Channels of features of a size."""
        widths, is_large = SIZES[self.size], self.size == "paper" and max(data.shape[:2]) >= 512
        base = self.channel_base or (PAPER_BASE_FROM_512 if is_large else widths.channel_base)
        return max(min(base // min(size), self.channel_max or widths.channel_max), 1)

    @property
    def latents(self) -> int:
        """`latent_size`, a number by now."""
        return self.latent_size or self.width_of_w

    @property
    def width_of_w(self) -> int:
        return self.style_size or SIZES[self.size].style_size

    def plane_numbers(self, data: DataSpec) -> int:
        """Numbers of all noise planes: one of the base, two of each larger size."""
        if not self.noise:
            return 0
        *larger, base = (math.prod(size) for size in self.sizes(data))
        return 2 * sum(larger) + base
