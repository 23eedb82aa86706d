"""R3GAN's pair: residual blocks of grouped convolutions, nothing else.

Huang et al. 2025, "The GAN is dead; long live the GAN! A Modern Baseline GAN", arXiv:2501.05441, section 3.4 and
figure 3; brownvc/R3GAN. A stage has blocks of one size: 1x1 to `expansion` times the width, grouped 3x3, 1x1 back,
added to the block's input, with a bias and a leaky ReLU before the second and the third. There is no other bias, no
normalisation and no tanh. Between stages sides are doubled or halved by the filter [1, 3, 3, 1] / 8, with a 1x1 where
the width changes.

The generator begins with a learnt map whose channels a dense layer of the latents scales. The discriminator has the
generator's stages in reverse order, and ends in a weighted sum over positions and a dense layer. Initial weights are
normal; in blocks they shrink with the number of blocks, and the last convolution is zero (Zhang et al. 2019, Fixup
initialization, arXiv:1901.09321).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.models.condition import AUTO, CONCAT, EMBEDDING, FIRST_MAP, PRODUCT, Condition
from gan_cli.models.image_sizes import RULE, halvings, nearest_sizes
from gan_cli.models.model_checks import check_image, image_size_error
from gan_cli.models.normalization import logits_or_vectors

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))
"""Of the leaky ReLU, in the initial weights of blocks alone."""
LAYERS_OF_BLOCK = 3
CHANNELS_OF_GROUP = 16
"""In all networks of brownvc/R3GAN for CIFAR-10 and FFHQ."""
SIZES: dict[str, tuple[dict[int, int], int]] = {
    "tiny": ({16: 32, 64: 16, 256: 8}, 1),
    "small": ({16: 64, 32: 32, 64: 16, 256: 8}, 1),
    "paper": ({32: 768, 64: 384, 128: 192, 256: 96}, 2),
}
"""Channels of stages whose shorter side has up to so many pixels, and the blocks of a stage."""


@dataclass(frozen=True)
class R3GAN(ModelPair):
    """Doubles a learnt map until it has the data's size; the discriminator halves it as often.

    Lists are in the generator's order, from the smallest stage to that of the image; a list of one number holds for all
    stages.

    Attributes:
        latent_size: how many numbers the generator gets, at least 1.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        size: tiny, small or paper, from which the following lists come where they are None.
        widths: channels of each stage, at least 1.
        blocks: residual blocks of each stage, at least 1.
        cardinality: groups of the grouped convolutions of each stage; each divides `expansion` times the width. None
            gives groups of 16 channels.
        expansion: how many times its width a block has between its 1x1 convolutions, at least 1.
        kernel_size: of the grouped convolutions, in pixels, odd.
        embedding_size: of a label where `conditioning` is embedding, at least 1; None for `latent_size`.
        conditioning: how a label enters the generator: embedding, concat, product, first_map, or auto for embedding.

    Raises:
        ConfigError: where a value is outside its range.
    """

    latent_size: int = 64
    latent_distribution: str = "normal"
    size: str = "small"
    widths: list[int] | None = None
    blocks: list[int] | None = None
    cardinality: list[int] | None = None
    expansion: int = 2
    kernel_size: int = 3
    embedding_size: int | None = None
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (EMBEDDING, CONCAT, PRODUCT, FIRST_MAP)

    def __post_init__(self) -> None:
        check_number("latent_size", self.latent_size, at_least=1)
        check_choice("latent_distribution", self.latent_distribution, ("normal", "uniform"))
        check_choice("size", self.size, SIZES)
        for name in ("widths", "blocks", "cardinality"):
            for number in getattr(self, name) or ():
                check_number(name, number, at_least=1)
        check_number("expansion", self.expansion, at_least=1)
        check_number("kernel_size", self.kernel_size, at_least=1)
        if self.kernel_size % 2 == 0:
            raise ConfigError("kernel_size", "expected an odd number", self.kernel_size)
        if self.embedding_size is not None:
            check_number("embedding_size", self.embedding_size, at_least=1)
        check_choice("conditioning", self.conditioning, (AUTO, *self.conditionings))

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, for sizes that can't be halved evenly, and for lists that do not fit."""
        check_image("r3gan", data)
        height, width, _ = data.shape
        times = halvings(height, width)
        if times is None:
            raise image_size_error("r3gan", data, RULE, nearest_sizes(height, width))
        count = times + 1
        for name in ("widths", "blocks", "cardinality"):
            listed = getattr(self, name)
            if listed is not None and len(listed) not in (1, count):
                problem = f"images of {height}x{width} have {count} stages; expected one number or {count}"
                raise ConfigError(f"model.{name}", problem, listed)
        for channels, _, groups in self.stages(data):
            if channels * self.expansion % groups:
                expanded = channels * self.expansion
                problem = f"{expanded} channels can't be split into {groups} equal groups"
                raise ConfigError("model.cardinality", problem, groups, f"Use a divisor of {expanded}.")

    def stages(self, data: DataSpec) -> list[tuple[int, int, int]]:
        """Width, blocks and groups of each stage, from the smallest one."""
        height, width, _ = data.shape
        count = (halvings(height, width) or 0) + 1
        by_side, usual_blocks = SIZES[self.size]
        sides = [min(height, width) >> times for times in range(count - 1, -1, -1)]
        widths = self.listed(self.widths, count) or [
            next(channels for most, channels in by_side.items() if side <= most) for side in sides
        ]
        blocks = self.listed(self.blocks, count) or [usual_blocks] * count
        groups = self.listed(self.cardinality, count) or [
            max(channels * self.expansion // CHANNELS_OF_GROUP, 1) for channels in widths
        ]
        return list(zip(widths, blocks, groups, strict=True))

    @staticmethod
    def listed(numbers: list[int] | None, count: int) -> list[int] | None:
        return list(numbers) * count if numbers is not None and len(numbers) == 1 else numbers

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]` to float32 images `[batch, *data.shape]`, unbounded."""
        from gan_cli.models.condition_layers import ConditionInput  # here, since they define Keras layers
        from gan_cli.models.layers.fixed_resampling import Doubling
        from gan_cli.models.layers.spatial_map import ScaledMap

        self.check(data)
        stages = self.stages(data)
        latents, given = keras.Input((self.latent_size,), name="latents"), ConditionInput(self, condition)
        factors = given.latents(latents, self.embedding_size or self.latent_size)
        factors = linear(stages[0][0], factors.shape[-1], "base_factors")(factors)
        height, width = (side >> len(stages) - 1 for side in data.shape[:2])
        features = given.first_map(ScaledMap(height, width, name="base")(factors))
        for number, stage in enumerate(stages):
            name = f"stage_{number}"
            if number:
                if features.shape[-1] != stage[0]:
                    features = pointwise(stage[0], features.shape[-1], f"{name}_width")(features)
                features = Doubling(name=f"{name}_doubling")(features)
            features = self.residual_blocks(features, stage, total_blocks(stages), name)
        images = pointwise(data.shape[-1], features.shape[-1], "output", dtype="float32")(features)
        return keras.Model(given.model_inputs(latents), images, name="generator")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        from gan_cli.models.layers.fixed_resampling import Halving
        from gan_cli.models.layers.spatial_map import SpatialSum

        self.check(data)
        stages = self.stages(data)[::-1]
        images = keras.Input(data.shape, name="examples")
        features = pointwise(stages[0][0], data.shape[-1], "input")(images)
        for number, stage in enumerate(stages):
            name = f"stage_{number}"
            features = self.residual_blocks(features, stage, total_blocks(stages), name)
            if number < len(stages) - 1:
                features = Halving(name=f"{name}_halving")(features)
                following = stages[number + 1][0]
                if following != stage[0]:
                    features = pointwise(following, stage[0], f"{name}_width")(features)
        features = SpatialSum(name="positions")(features)
        output = linear(outputs or 1, features.shape[-1], "output", dtype="float32")
        return keras.Model(images, logits_or_vectors(output(features), outputs), name="discriminator")

    def residual_blocks(self, features: Any, stage: tuple[int, int, int], total: int, name: str) -> Any:
        """The blocks of a stage; `total` is the number of blocks in the network."""
        from gan_cli.models.layers.grouped_convolution import GroupedConvolution

        channels, blocks, groups = stage
        expanded = channels * self.expansion
        gain = GAIN * total ** (-1 / (2 * LAYERS_OF_BLOCK - 2))
        products = self.kernel_size**2 * expanded // groups
        for number in range(1, blocks + 1):
            block, skip = f"{name}_block_{number}", features
            features = pointwise(expanded, channels, f"{block}_expand", gain, use_bias=True)(features)
            features = keras.layers.LeakyReLU(SLOPE, name=f"{block}_expand_activation")(features)
            grouped = GroupedConvolution(
                expanded, self.kernel_size, groups, kernel_initializer=normal(products, gain), name=f"{block}_grouped"
            )
            features = keras.layers.LeakyReLU(SLOPE, name=f"{block}_grouped_activation")(grouped(features))
            reduce = keras.layers.Conv2D(
                channels, 1, use_bias=False, kernel_initializer="zeros", name=f"{block}_reduce"
            )
            features = keras.layers.Add(name=f"{block}_sum")([skip, reduce(features)])
        return features


def total_blocks(stages: list[tuple[int, int, int]]) -> int:
    return sum(blocks for _, blocks, _ in stages)


def pointwise(
    filters: int, inputs: int, name: str, gain: float = 1.0, use_bias: bool = False, dtype: str | None = None
) -> Any:
    """A 1x1 convolution."""
    initializer = normal(inputs, gain)
    return keras.layers.Conv2D(filters, 1, use_bias=use_bias, kernel_initializer=initializer, dtype=dtype, name=name)


def linear(units: int, inputs: int, name: str, dtype: str | None = None) -> Any:
    """A dense layer without bias."""
    return keras.layers.Dense(units, use_bias=False, kernel_initializer=normal(inputs, 1.0), dtype=dtype, name=name)


def normal(inputs: int, gain: float) -> Any:
    return keras.initializers.RandomNormal(stddev=gain / math.sqrt(inputs))
