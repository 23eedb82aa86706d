"""The deep convolutional pair: strided convolutions, no pooling.

Radford et al. 2015, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks",
arXiv:1511.06434, section 3 and figure 1, with the kernels of 4 (no checkerboard from an uneven overlap) of PyTorch's
DCGAN example in place of the paper's 5.

For 32x32x3 and a width of 64 the generator is dense 4x4x256 - 128 - 64 - 3 and the discriminator 64 - 128 - 256 - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.models.attention_places import Attention, check_attention, parse_attention
from gan_cli.models.condition import AUTO, BATCH_NORM, CONCAT, FIRST_MAP, PRODUCT, Condition
from gan_cli.models.image_sizes import RULE, halvings, nearest_sizes
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

MOST_WIDTHS = 8  # the paper's widest layer has 8 times the channels of its narrowest


@dataclass(frozen=True)
class DCGAN(ModelPair):
    """Doubles a small image until it has the data's size; the discriminator halves it as often.

    Attributes:
        latent_size: how many numbers the generator is fed, at least 1.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        width: channels of the layer next to the image, at least 1; they double with each halving, up to 8 times.
        kernel_size: of the layers that double or halve, in pixels, at least 2.
        generator_normalization: batch, layer, instance, spectral or none; not on the output.
        discriminator_normalization: the same; not on the first layer, `spectral` excepted.
        discriminator_dropout: share of features left out in the discriminator's training, in [0, 1).
        leaky_slope: slope of the discriminator's activation below 0, in [0, 1].
        initial_std: standard deviation of the first kernels, above 0.
        attention: resolutions with self-attention, see `gan_cli.models.attention_places`.
        conditioning: how a label enters the generator: batch_norm, first_map, concat, product, or auto for the first
            one that goes with the normalization.

    Raises:
        ConfigError: where a value is outside its range.
    """

    latent_size: int = 100
    latent_distribution: str = "normal"
    width: int = 64
    kernel_size: int = 4
    generator_normalization: str = "batch"
    discriminator_normalization: str = "batch"
    discriminator_dropout: float = 0.0
    leaky_slope: float = 0.2
    initial_std: float = 0.02
    attention: Any = ()
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (BATCH_NORM, FIRST_MAP, CONCAT, PRODUCT)

    def __post_init__(self) -> None:
        check_fields(self, NORMALIZATIONS)
        check_number("kernel_size", self.kernel_size, at_least=2)
        check_number("initial_std", self.initial_std, above=0.0)
        parse_attention(self.attention)

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points, for image sizes that can't be halved down to a small base, and for attention
        at a resolution that no layer has."""
        check_image("dcgan", data)
        height, width, _ = data.shape
        times = halvings(height, width)
        if times is None:
            raise image_size_error("dcgan", data, RULE, nearest_sizes(height, width))
        shrinks = range(1 if times > 1 else 0, times + 1)
        check_attention(self.attention, {min(height, width) // 2**one for one in shrinks}, f"{height}x{width}")

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]` to float32 images `[batch, *data.shape]` in [-1, 1]."""
        from gan_cli.models.condition_layers import ConditionInput  # here, since it defines a Keras layer

        kind, plan = self.generator_normalization, self._plan(data)
        attend = Attention(self.attention, kind, "glorot_uniform")
        height, width, channels = data.shape
        shrink = 2 ** sum(stride == 2 for _, stride in plan)
        base = (height // shrink, width // shrink, plan[-1][0])

        latents, given = keras.Input((self.latent_size,), name="latents"), ConditionInput(self, condition)
        first = dense(kind, base[0] * base[1] * base[2], name="base", **self._kernel(kind))
        features = keras.layers.Reshape(base, name="base_image")(first(given.latents(latents)))
        features = self._normalized(given.first_map(features), kind, "base", slope=0.0, given=given)
        # From the base outwards, each layer is the mirror of one of the discriminator's.
        outwards = list(reversed(plan))
        for number, ((_, stride), (filters, _)) in enumerate(pairwise(outwards), start=1):
            name = f"up_{number}"
            up = transposed_convolution(kind, filters, self._size(stride), stride, name=name, **self._kernel(kind))
            features = attend(self._normalized(up(features), kind, name, slope=0.0, given=given))
        stride = outwards[-1][1]
        last = transposed_convolution(
            kind, channels, self._size(stride), stride, name="output", kernel_initializer=self._initializer()
        )  # fmt: skip
        images = keras.layers.Activation("tanh", dtype="float32", name="tanh")(last(features))
        return keras.Model(given.model_inputs(latents), images, name="generator")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from images `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        kind = self.discriminator_normalization
        attend = Attention(self.attention, kind, "glorot_uniform")
        images = features = keras.Input(data.shape, name="examples")
        for number, (filters, stride) in enumerate(self._plan(data), start=1):
            name, between = f"down_{number}", "none" if number == 1 and kind != "spectral" else kind
            down = convolution(between, filters, self._size(stride), stride, name=name, **self._kernel(between))
            features = attend(self._normalized(down(features), between, name, self.leaky_slope))
            if self.discriminator_dropout:
                features = keras.layers.Dropout(self.discriminator_dropout, name=f"{name}_dropout")(features)
        features = keras.layers.Flatten(name="flatten")(features)
        output = dense(kind, outputs or 1, dtype="float32", name="output", kernel_initializer=self._initializer())
        return keras.Model(images, logits_or_vectors(output(features), outputs), name="discriminator")

    def _plan(self, data: DataSpec) -> list[tuple[int, int]]:
        """Channels and stride of each of the discriminator's convolutions, from the image inwards."""
        self.check(data)
        times = halvings(*data.shape[:2]) or 0
        # One halving alone (8x8) is too shallow to draw a digit: a layer at full size goes before it.
        strides = [2] * times if times > 1 else [1, 2]
        return [(self.width * min(2**number, MOST_WIDTHS), stride) for number, stride in enumerate(strides)]

    def _size(self, stride: int) -> int:
        return self.kernel_size if stride == 2 else 3

    def _initializer(self) -> Any:
        return keras.initializers.RandomNormal(stddev=self.initial_std)

    def _kernel(self, kind: str) -> dict[str, Any]:
        return {"use_bias": not has_offset(kind), "kernel_initializer": self._initializer()}

    def _normalized(
        self, features: Any, kind: str, name: str, slope: float, given: ConditionInput | None = None
    ) -> Any:
        conditional = given.normalization(features, name) if given else None
        if conditional is None:
            normalize = normalization(kind, f"{name}_normalization")
            features = normalize(features) if normalize else features
        else:
            features = conditional
        return keras.layers.ReLU(negative_slope=slope, name=f"{name}_activation")(features)
