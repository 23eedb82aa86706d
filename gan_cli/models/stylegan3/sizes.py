"""Sizes of StyleGAN3 that go by a name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkSize:
    """How large both networks are.

    Attributes:
        style_size: of w and of the layers of the mapping network.
        layers: of the synthesis network, with an activation function.
        channel_base, channel_max: features of the generator, see `layer_schedule`.
        discriminator_channel_base, discriminator_channel_max: `channel_base` and `channel_max` of StyleGAN2.
    """

    style_size: int
    layers: int
    channel_base: int
    channel_max: int
    discriminator_channel_base: int
    discriminator_channel_max: int


SIZES = {
    "tiny": NetworkSize(64, 6, 512, 16, 512, 32),
    "small": NetworkSize(128, 8, 1024, 32, 1024, 64),
    "paper": NetworkSize(512, 14, 32768, 512, 32768, 512),
}
"""`tiny` and `small` are for CPUs; `paper` is that of NVlabs/stylegan3 (`cbase`, `cmax`)."""
