"""Two perceptrons with a few hidden layers, for points and for small images.

Goodfellow et al. 2014, arXiv:1406.2661, section 5, trained such a pair on MNIST; with three hidden layers of 256 it
is the usual pair for mixtures of Gaussians in the plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.models.condition import AUTO, CONCAT, PRODUCT, Condition
from gan_cli.models.model_checks import check_fields
from gan_cli.models.normalization import NORMALIZATIONS, dense, has_offset, logits_or_vectors, normalization

# Instance normalisation takes a mean over positions: with a single one, as here, it leaves nothing but zeros.
ALLOWED = tuple(kind for kind in NORMALIZATIONS if kind != "instance")


@dataclass(frozen=True)
class MLP(ModelPair):
    """Generator: `depth` hidden layers of `width` with ReLU. Discriminator: the same with leaky ReLU.

    Attributes:
        latent_size: how many numbers the generator is fed, at least 1.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        width: units of a hidden layer, at least 1.
        depth: hidden layers of each network, at least 1.
        generator_normalization: batch, layer, spectral or none.
        discriminator_normalization: the same.
        discriminator_dropout: share of hidden units left out in the discriminator's training, in [0, 1).
        leaky_slope: slope of the discriminator's activation below 0, in [0, 1].
        conditioning: how a label enters the generator: concat, product, or auto for concat.

    Raises:
        ConfigError: where a value is outside its range.
    """

    latent_size: int = 64
    latent_distribution: str = "normal"
    width: int = 256
    depth: int = 3
    generator_normalization: str = "none"
    discriminator_normalization: str = "none"
    discriminator_dropout: float = 0.0
    leaky_slope: float = 0.2
    conditioning: str = AUTO

    conditionings: ClassVar[tuple[str, ...]] = (CONCAT, PRODUCT)

    def __post_init__(self) -> None:
        check_fields(self, ALLOWED)
        check_number("depth", self.depth, at_least=1)

    def check(self, data: DataSpec) -> None:
        """Any shape will do."""

    def generator(self, data: DataSpec, condition: Condition | None = None) -> Any:
        """A Keras model from latents `[batch, latent_size]` to float32 examples `[batch, *data.shape]`.

        Images end in tanh, within [-1, 1]; points are unbounded.
        """
        from gan_cli.models.condition_layers import ConditionInput  # here, since it defines a Keras layer

        latents, given = keras.Input((self.latent_size,), name="latents"), ConditionInput(self, condition)
        features = self._hidden(given.latents(latents), self.generator_normalization, 0.0, 0.0)
        values = dense(self.generator_normalization, math.prod(data.shape), name="output")(features)
        values = keras.layers.Reshape(data.shape, name="examples")(values)
        last = "tanh" if data.is_image else "linear"
        outputs = keras.layers.Activation(last, dtype="float32", name=last)(values)
        return keras.Model(given.model_inputs(latents), outputs, name="generator")

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> Any:
        """A Keras model from examples `[batch, *data.shape]` to float32 logits `[batch]`, or `[batch, outputs]`."""
        examples = keras.Input(data.shape, name="examples")
        features = keras.layers.Flatten(name="flatten")(examples)
        features = self._hidden(
            features, self.discriminator_normalization, self.leaky_slope, self.discriminator_dropout
        )  # fmt: skip
        output = dense(self.discriminator_normalization, outputs or 1, dtype="float32", name="output")
        return keras.Model(examples, logits_or_vectors(output(features), outputs), name="discriminator")

    def _hidden(self, features: Any, kind: str, slope: float, dropout: float) -> Any:
        for number in range(1, self.depth + 1):
            features = dense(kind, self.width, use_bias=not has_offset(kind), name=f"dense_{number}")(features)
            normalize = normalization(kind, f"normalization_{number}")
            features = normalize(features) if normalize else features
            features = keras.layers.ReLU(negative_slope=slope, name=f"activation_{number}")(features)
            if dropout:
                features = keras.layers.Dropout(dropout, name=f"dropout_{number}")(features)
        return features
