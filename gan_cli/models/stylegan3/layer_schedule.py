"""The layers of StyleGAN3's synthesis network: sampling rates, cutoffs, sizes and channels, from the image's size.

Karras et al. 2021, arXiv:2106.12423, section 3.2 and appendix C.1 (figure 4c). Cutoff and stopband grow geometrically
from layer to layer until the last `critical` ones, which have the image's own. Frequencies are in cycles a unit and
rates in samples a unit, where the shorter side of the image is one unit long.

The paper's images are squares whose side is a power of 2. Here rates are the shorter side over powers of 2, and the
longer side is sampled at the same rates, which for those squares is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

FIRST_CUTOFF = 2.0
FIRST_STOPBAND = 2.0**2.1
LAST_STOPBAND = 2.0**0.3
"""Over the last cutoff."""
MARGIN = 10
"""Samples around the image on each side, so that no layer sees where features end."""
TAPS = 6
"""Of a filter, for each factor of its resampling."""
ACTIVATION_UPSAMPLING = 2
"""The rate of activations over the larger of the rates before and after a layer."""
LARGEST_FACTOR = 8
"""By which a layer changes the sampling rate, that of its activation included."""
LARGEST_SIDE = 1024
"""Pixels of the largest image of the paper."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Band:
    """Features between two layers.

    Attributes:
        rate: samples a unit.
        cutoff: the highest frequency of the signal.
        half_width: from the cutoff to where filters stop.
        size: height and width in samples.
        channels: number of features.
    """

    rate: float
    cutoff: float
    half_width: float
    size: Size
    channels: int


@dataclass(frozen=True)
class LayerPlan:
    """One layer of the synthesis network, from the features before to those after it.

    Attributes:
        before, after: its input and its output.
        kernel_size: of its convolution.
        radial: whether its downsampling filter is radially symmetric.
        to_rgb: whether it is the last one, without activation and filters.
    """

    before: Band
    after: Band
    kernel_size: int
    radial: bool
    to_rgb: bool

    def __post_init__(self) -> None:
        """Raises ValueError where it can't be a layer of a network that is built here; it may come from a file."""
        sides = (*self.before.size, *self.after.size)
        if not all(1 <= side <= LARGEST_SIDE + 2 * MARGIN for side in sides):
            raise ValueError(
                f"a layer has {max(sides):,} samples of an axis; expected 1 to {LARGEST_SIDE + 2 * MARGIN}"
            )
        if not min(self.before.rate, self.after.rate) > 0 or max(self.up, self.down) > LARGEST_FACTOR:
            raise ValueError(f"a layer resamples by more than {LARGEST_FACTOR}")

    @property
    def activation_rate(self) -> float:
        """Samples a unit where the activation function is applied."""
        return max(self.before.rate, self.after.rate) * (1 if self.to_rgb else ACTIVATION_UPSAMPLING)

    @property
    def up(self) -> int:
        return round(self.activation_rate / self.before.rate)

    @property
    def down(self) -> int:
        return round(self.activation_rate / self.after.rate)

    @property
    def up_taps(self) -> int:
        return taps(self.up)

    @property
    def down_taps(self) -> int:
        return taps(self.down)

    @property
    def padding(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Samples added before and after each axis at the activation's rate; fewer than 0 crop."""
        return self.axis_padding(0), self.axis_padding(1)

    def axis_padding(self, axis: int) -> tuple[int, int]:
        wanted = (self.after.size[axis] - 1) * self.down + 1  # before downsampling
        given = (self.before.size[axis] + self.kernel_size - 1) * self.up
        total = wanted - given + self.up_taps + self.down_taps - 2
        first = (total + self.up) // 2
        return first, total - first


def taps(factor: int) -> int:
    """The length of a filter that changes the rate by a factor; 1 for none."""
    return TAPS * factor if factor > 1 else 1


def layer_schedule(
    size: Size,
    image_channels: int,
    channel_base: int,
    channel_max: int,
    layers: int = 14,
    critical: int = 2,
    rotation: bool = False,
) -> list[LayerPlan]:
    """Returns the layers from the Fourier features to the image: `layers`, and one that mixes channels.

    Args:
        size: height and width of the image.
        image_channels: of the image.
        channel_base, channel_max: a layer has `channel_base / 2 / cutoff` features, `channel_max` at most.
        layers: with an activation function.
        critical: how many of the last ones keep the whole band of the image.
        rotation: whether convolutions are 1x1 and filters radial, as in the variant that is equivariant to rotation.

    Raises:
        ValueError: where a layer would have no whole number of samples. No size of `gan_cli.models.image_sizes` does.
    """
    bands = features_between_layers(size, image_channels, channel_base, channel_max, layers, critical)
    plans = []
    for index, (before, after) in enumerate(pairwise([bands[0], *bands])):
        last = index == layers
        radial = rotation and index < layers - critical
        plans.append(LayerPlan(before, after, 1 if rotation or last else 3, radial, to_rgb=last))
    return plans


def features_between_layers(
    size: Size, image_channels: int, channel_base: int, channel_max: int, layers: int, critical: int
) -> list[Band]:
    """Returns the output of each layer; that of the first one is also like its input."""
    side = min(size)
    last_cutoff = side / 2
    shares = np.minimum(np.arange(layers + 1) / (layers - critical), 1)
    cutoffs = FIRST_CUTOFF * (last_cutoff / FIRST_CUTOFF) ** shares
    stopbands = FIRST_STOPBAND * (last_cutoff * LAST_STOPBAND / FIRST_STOPBAND) ** shares
    bands = []
    for index, (cutoff, stopband) in enumerate(zip(cutoffs.tolist(), stopbands.tolist(), strict=True)):
        if index >= layers - 1:  # no layer is left that needs a margin, and the rate is the image's own
            margin, rate = 0, float(side)
        else:
            margin, rate = MARGIN, sampling_rate(stopband, side)
        sides = [samples(one, side / rate) + 2 * margin for one in size]
        channels = image_channels if index == layers else max(round(min(channel_base / 2 / cutoff, channel_max)), 1)
        bands.append(Band(rate, cutoff, max(stopband, rate / 2) - cutoff, (sides[0], sides[1]), channels))
    return bands


def samples(pixels: int, divisor: float) -> int:
    """Pixels of an axis over the divisor of its sampling rate. Raises ValueError where that is no whole number."""
    count = round(pixels / divisor)
    if count * divisor != pixels:
        raise ValueError(f"{pixels} pixels can't be sampled at a rate {divisor:g} times lower")
    return count


def sampling_rate(stopband: float, side: int) -> float:
    """The lowest rate that holds a stopband, of the image's side over powers of 2."""
    needed = min(stopband * 2, side)
    return side / 2 ** math.floor(math.log2(side / needed) + 1e-9)
