"""Channels and sizes of the residual networks of SNGAN, SAGAN and BigGAN, for images of any reachable size.

The tables are those of Miyato et al. 2018, arXiv:1802.05957, tables 4 to 6 (32, 48 and 128 pixels), of
pfnet-research/sngan_projection (64 pixels) and of Brock et al. 2019, arXiv:1809.11096, tables 4 and 5 (256 pixels). An
image of another size has the table for as many doublings.
"""

from __future__ import annotations

from gan_cli.data import DataSpec
from gan_cli.models.image_sizes import RULE, halvings, nearest_sizes
from gan_cli.models.model_checks import check_image, image_size_error

SMALL_SIDE = 48
"""Images whose shorter side is below it have the networks for 32 pixels, whose width is the same everywhere."""
SMALL_GENERATOR, SMALL_DISCRIMINATOR = 4, 2
"""Multiples of the width in the networks for 32 pixels."""
SMALL_BLOCKS, SMALL_HALVINGS = 4, 2
SMALLEST_MAP = 3
"""Pixels of the shorter side that a discriminator leaves at least: its map for 48 pixels is 3x3."""

GENERATOR = {
    1: (2, 1),
    2: (4, 2, 1),
    3: (8, 4, 2, 1),
    4: (16, 8, 4, 2, 1),
    5: (16, 16, 8, 4, 2, 1),
    6: (16, 16, 8, 8, 4, 2, 1),
}
"""By the number of doublings: channels of the base and of each block, from there to the image."""
DISCRIMINATOR = {
    1: (1, 2),
    2: (1, 2, 4),
    3: (1, 2, 4, 8),
    4: (1, 2, 4, 8, 16),
    5: (1, 2, 4, 8, 16, 16),
    6: (1, 2, 4, 8, 8, 16, 16),
}
"""By the number of halvings: channels of each block, from the image inwards. The last one does not halve."""


def check_size(model: str, data: DataSpec) -> None:
    """Raises ConfigError for points and for image sizes that can't be halved down to a small base."""
    check_image(model, data)
    height, width, _ = data.shape
    if halvings(height, width) is None:
        raise image_size_error(model, data, RULE, nearest_sizes(height, width))


def generator_sizes(data: DataSpec) -> list[tuple[int, int]]:
    """Height and width of the base and of each block of the generator, from there to the image."""
    height, width = data.shape[:2]
    return [(height // 2**times, width // 2**times) for times in range(halvings(height, width) or 0, -1, -1)]


def discriminator_sizes(data: DataSpec) -> list[tuple[int, int]]:
    """Height and width of the image and of each block of the discriminator, from there inwards."""
    sizes = [(data.shape[0], data.shape[1])]
    most = SMALL_HALVINGS if is_small(data) else len(DISCRIMINATOR)
    while len(sizes) <= most and can_be_halved(*sizes[-1]):
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    blocks = SMALL_BLOCKS if is_small(data) else len(sizes)
    return sizes + [sizes[-1]] * (blocks + 1 - len(sizes))


def generator_channels(data: DataSpec) -> tuple[int, ...]:
    """Multiples of the width: of the base and of each block of the generator."""
    doublings = len(generator_sizes(data)) - 1
    return (SMALL_GENERATOR,) * (doublings + 1) if is_small(data) else GENERATOR[doublings]


def discriminator_channels(data: DataSpec) -> tuple[int, ...]:
    """Multiples of the width of each block of the discriminator."""
    sizes = discriminator_sizes(data)
    return (SMALL_DISCRIMINATOR,) * SMALL_BLOCKS if is_small(data) else DISCRIMINATOR[len(sizes) - 2]


def resolutions(data: DataSpec) -> set[int]:
    """The shorter side of each block of either network."""
    return {min(size) for size in (*generator_sizes(data)[1:], *discriminator_sizes(data)[1:])}


def largest_resolution(data: DataSpec, at_most: int) -> list[int]:
    """The largest resolution up to a limit that blocks of both networks have, in a list; an empty one for none."""
    generator, discriminator = (
        {min(size) for size in sizes[1:]} for sizes in (generator_sizes(data), discriminator_sizes(data))
    )
    return sorted(one for one in generator & discriminator if one <= at_most)[-1:]


def is_small(data: DataSpec) -> bool:
    return min(data.shape[:2]) < SMALL_SIDE


def can_be_halved(height: int, width: int) -> bool:
    return height % 2 == 0 and width % 2 == 0 and min(height, width) // 2 >= SMALLEST_MAP
