"""Residual blocks that double or halve a map of features: those of SNGAN, SAGAN and BigGAN.

Miyato et al. 2018, arXiv:1802.05957, figure 8, and Brock et al. 2019, arXiv:1809.11096, figure 15. A shortcut gets the
features themselves, and not their ReLU. Its 1x1 convolution is computed at the smaller size, which gives the same
values as at the larger one: it commutes with nearest upsampling and with mean pooling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from gan_cli.models.layers.box_resampled_convolution import (
    PooledConv2D,
    SpectralPooledConv2D,
    SpectralUpsampledConv2D,
    UpsampledConv2D,
)
from gan_cli.models.normalization import convolution, dense

GLOROT, ORTHOGONAL = "glorot", "orthogonal"
RESIDUAL_GAIN = math.sqrt(2.0)
"""Of glorot's initial 3x3 kernels in a block (pfnet-research/sngan_projection)."""

Normalize = Callable[[Any, str], Any]
"""From features and the beginning of a layer's name to normalised features."""


@dataclass(frozen=True)
class ResidualBlocks:
    """Builds the layers of one network.

    Attributes:
        kind: of its kernels: `spectral`, or another for plain ones.
        initializer: `glorot` or `orthogonal`.
    """

    kind: str
    initializer: str

    @property
    def is_spectral(self) -> bool:
        return self.kind == "spectral"

    def kernel(self, gain: float = 1.0) -> Any:
        """An initializer; `orthogonal` has no gain."""
        if self.initializer == ORTHOGONAL:
            return keras.initializers.Orthogonal()
        return keras.initializers.VarianceScaling(gain**2, "fan_avg", "uniform")

    def dense(self, features: Any, units: int, name: str, **options: Any) -> Any:
        return dense(self.kind, units, name=name, kernel_initializer=self.kernel(), **options)(features)

    def convolution(self, features: Any, filters: int, size: int, name: str, gain: float = 1.0) -> Any:
        return convolution(self.kind, filters, size, 1, name=name, kernel_initializer=self.kernel(gain))(features)

    def up(self, features: Any, filters: int, name: str, normalize: Normalize) -> Any:
        """A block that doubles: `[n, h, w, channels]` to `[n, 2 h, 2 w, filters]`."""
        larger = SpectralUpsampledConv2D if self.is_spectral else UpsampledConv2D
        inner = activated(features, f"{name}_1", normalize)
        inner = larger(filters, name=f"{name}_1", kernel_initializer=self.kernel(RESIDUAL_GAIN))(inner)
        inner = activated(inner, f"{name}_2", normalize)
        inner = self.convolution(inner, filters, 3, f"{name}_2", RESIDUAL_GAIN)
        shortcut = self.convolution(features, filters, 1, f"{name}_shortcut")
        shortcut = keras.layers.UpSampling2D(2, name=f"{name}_upsampling")(shortcut)
        return keras.layers.Add(name=f"{name}_sum")([inner, shortcut])

    def down(
        self, features: Any, filters: int, name: str, normalize: Normalize, halves: bool, activates_input: bool
    ) -> Any:
        """A block of a discriminator: `[n, h, w, channels]` to `[n, h / 2, w / 2, filters]`, or of the same size.

        Args:
            features: a Keras tensor.
            filters: channels of the result.
            name: the beginning of the names of layers.
            normalize: before each activation.
            halves: whether the size is halved; both sides are even then.
            activates_input: whether a ReLU is before the first convolution; not for images.
        """
        smaller = SpectralPooledConv2D if self.is_spectral else PooledConv2D
        inner = activated(features, f"{name}_1", normalize) if activates_input else features
        inner = self.convolution(inner, filters, 3, f"{name}_1", RESIDUAL_GAIN)
        inner = activated(inner, f"{name}_2", normalize)
        if halves:
            inner = smaller(filters, name=f"{name}_2", kernel_initializer=self.kernel(RESIDUAL_GAIN))(inner)
        else:
            inner = self.convolution(inner, filters, 3, f"{name}_2", RESIDUAL_GAIN)
        shortcut = features
        if halves:
            shortcut = keras.layers.AveragePooling2D(2, name=f"{name}_pooling")(shortcut)
        if halves or features.shape[-1] != filters:
            shortcut = self.convolution(shortcut, filters, 1, f"{name}_shortcut")
        return keras.layers.Add(name=f"{name}_sum")([inner, shortcut])


def activated(features: Any, name: str, normalize: Normalize) -> Any:
    """The ReLU of normalised features."""
    return keras.layers.ReLU(name=f"{name}_activation")(normalize(features, name))
