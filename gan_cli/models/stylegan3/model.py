"""The pair of StyleGAN3: an alias-free generator and the residual discriminator of StyleGAN2.

Karras et al. 2021, "Alias-Free Generative Adversarial Networks", arXiv:2106.12423. What the generator draws is not
fixed to pixels: sampling rates and cutoffs of all layers follow from the size of the image (`layer_schedule`),
activations do not alias (`filtered_leaky_relu`), and the input is a map of waves that can be moved by any distance and
angle (`SynthesisInput`).

    latents, label -> `mapping` -> w -> `w_average` -> ws -> `synthesis` -> images

Images are not bounded: training keeps them close to the range of the data, and what is shown or stored is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.lazy import keras
from gan_cli.models import TRUNCATE_W, ModelPair
from gan_cli.models.condition import AUTO, MAPPING, Condition
from gan_cli.models.image_sizes import halvings, nearest_sizes, rule
from gan_cli.models.model_checks import DISTRIBUTIONS, check_image, choose_way, image_size_error
from gan_cli.models.stylegan2 import StyleGAN2
from gan_cli.models.stylegan3.layer_schedule import LARGEST_SIDE, LayerPlan, layer_schedule
from gan_cli.models.stylegan3.sizes import SIZES

VARIANTS = ("t", "r")
MOST_LAYERS = 64
ROTATION_FACTOR = 2
"""By which the variant for rotation has more features: its kernels are 1x1."""
CLAMP = 256.0
"""Bound of the discriminator's features, for float16."""


@dataclass(frozen=True)
class StyleGAN3(ModelPair):
    """Maps latents to w, and w to images by layers that commute with shifts (`t`) or with shifts and rotations (`r`).

    Attributes:
        size: tiny, small or paper, the source of the numbers that are None.
        variant: `t`, equivariant to translation, or `r`, to translation and rotation.
        latent_size: how many numbers the generator gets, at least 1; None for `style_size`.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        style_size: of w and of the layers of the mapping network; None for that of `size`.
        mapping_layers: of the mapping network, at least 1.
        layers: of the synthesis network, with an activation function, at least 3; None for those of `size`.
        critical: how many of the last ones keep the whole band of the image, at least 1 and less than `layers`.
        channel_base: a layer with cutoff f has `channel_base / 2 / f` features; None for that of `size`.
        channel_max: features of a layer at most; None for that of `size`. Both are doubled in the variant `r`.
        magnitude_half_life: images after which an average of the magnitude of features has lost half its weight.
        w_average_beta: weight of the average of w in its update.
        discriminator_channel_base, discriminator_channel_max: those of StyleGAN2; None for those of `size`.
        minibatch_std_group: examples that the discriminator compares; 0 for no comparison.
        conditioning: `mapping` (a label enters through the mapping network) or auto.

    Raises:
        ConfigError: where a value is outside its range.
    """

    size: str = "small"
    variant: str = "t"
    latent_size: int | None = None  # type: ignore[assignment]  # a number after __post_init__
    latent_distribution: str = "normal"
    style_size: int | None = None
    mapping_layers: int = 2
    layers: int | None = None
    critical: int = 2
    channel_base: int | None = None
    channel_max: int | None = None
    magnitude_half_life: float = 20_000.0
    w_average_beta: float = 0.998
    discriminator_channel_base: int | None = None
    discriminator_channel_max: int | None = None
    minibatch_std_group: int = 4
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (MAPPING,)
    truncation: ClassVar[str] = TRUNCATE_W

    def __post_init__(self) -> None:
        check_choice("size", self.size, tuple(SIZES))
        for name, number in vars(SIZES[self.size]).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, number)
            check_number(name, getattr(self, name), at_least=3 if name == "layers" else 1)
        if self.latent_size is None:
            object.__setattr__(self, "latent_size", self.style_size)
        check_number("latent_size", self.latent_size or 0, at_least=1)
        check_number("layers", self.layers or 0, at_most=MOST_LAYERS)
        check_choice("latent_distribution", self.latent_distribution, DISTRIBUTIONS)
        check_choice("variant", self.variant, VARIANTS)
        check_number("mapping_layers", self.mapping_layers, at_least=1)
        check_number("critical", self.critical, at_least=1, below=self.layers or 0)
        check_number("magnitude_half_life", self.magnitude_half_life, above=0.0)
        check_number("w_average_beta", self.w_average_beta, at_least=0.0, below=1.0)
        check_number("minibatch_std_group", self.minibatch_std_group, at_least=0)
        check_choice("conditioning", self.conditioning, (AUTO, *self.conditionings))

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, for sizes that can't be halved to a small base, and for too few layers."""
        check_image("stylegan3", data)
        height, width, _ = data.shape
        if halvings(height, width, LARGEST_SIDE) is None:
            sizes = nearest_sizes(height, width, LARGEST_SIDE)
            raise image_size_error("stylegan3", data, rule(LARGEST_SIDE), sizes)
        self.schedule(data)

    def schedule(self, data: DataSpec) -> list[LayerPlan]:
        """The layers of the synthesis network. Raises ConfigError where they are too few for the image's size."""
        factor = ROTATION_FACTOR if self.variant == "r" else 1
        height, width, channels = data.shape
        base, most, layers = (number or 0 for number in (self.channel_base, self.channel_max, self.layers))
        try:
            return layer_schedule(
                (height, width), channels, base * factor, most * factor, layers, self.critical, self.variant == "r"
            )
        except ValueError as error:
            problem = f"are too few for images of {height}x{width}: {error}"
            raise ConfigError("model.layers", problem, self.layers, "Use more.") from error

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]`, and conditions, to float32 images."""
        from gan_cli.models.layers.style_vectors import AverageW, StyleMixing
        from gan_cli.models.mapping_network import map_condition  # here, since these define Keras layers
        from gan_cli.models.stylegan3.synthesis_network import count_w, synthesis_network

        self.check(data)
        if condition is not None:
            choose_way(self, condition)
        schedule, size = self.schedule(data), self.style_size or 0
        given = [keras.Input((self.latent_size or size,), name="latents")]
        given += [] if condition is None else [keras.Input((condition.size,), name="condition")]
        label = None if condition is None else given[-1]
        w = map_condition(given[0], label, size, self.mapping_layers, dtype="float32")
        mapping = keras.Model(given, w, name="mapping")
        inputs = [keras.Input(one.shape[1:], name=one.name) for one in given]
        w = AverageW(self.w_average_beta, dtype="float32", name="w_average")(mapping(inputs))
        ws = StyleMixing(count_w(schedule), dtype="float32", name="style_mixing")(w)  # the paper's model mixes none
        images = synthesis_network(schedule, size, self.magnitude_half_life)([ws])
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], images, name="generator")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        self.check(data)
        pair = StyleGAN2(
            channel_base=self.discriminator_channel_base,
            channel_max=self.discriminator_channel_max,
            minibatch_std_group=self.minibatch_std_group,
            clamp=CLAMP,
        )
        return pair.discriminator(data, outputs)
