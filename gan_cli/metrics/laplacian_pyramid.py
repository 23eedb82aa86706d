"""The Laplacian pyramid: an image as bands of detail, each half as large as the one before, and what remains.

Burt and Adelson 1983, "The Laplacian Pyramid as a Compact Image Code", as Karras et al. 2018 (arXiv:1710.10196,
section 5) use it: the binomial filter [1, 4, 6, 4, 1] / 16 in both directions, images continued as mirrored at their
outermost pixels. A side of odd length is halved upwards, so any size can be taken apart.
"""

from __future__ import annotations

import numpy as np

TAPS = np.array([1, 4, 6, 4, 1], np.float32) / 16
LEAST_SIDE = 16  # of the smallest level in Karras et al.


def level_shapes(height: int, width: int, least: int = LEAST_SIDE) -> list[tuple[int, int]]:
    """Height and width of each level: halved while the smaller side has at least `least` pixels; at least one level."""
    shapes = [(height, width)]
    while min(smaller := (-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2))) >= least:
        shapes.append(smaller)
    return shapes


def laplacian_pyramid(images: np.ndarray, levels: int) -> list[np.ndarray]:
    """The bands of images, from fine to coarse; the last one is what remains after all others are taken away.

    Args:
        images: `[n, height, width, channels]`, any number of channels.
        levels: at least 1.

    Returns:
        float32 `[n, height / 2^i, width / 2^i, channels]` for i = 0 .. levels - 1, sides rounded up.
    """
    bands = [np.asarray(images, np.float32)]
    for _ in range(levels - 1):
        finer = bands[-1]
        bands.append(blurred(finer)[:, ::2, ::2])
        bands[-2] = finer - enlarged(bands[-1], finer.shape[1], finer.shape[2])
    return bands


def enlarged(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Images of twice the size: each pixel at an even place, the places between filled by the filter."""
    spread = np.zeros((len(images), height, width, images.shape[-1]), np.float32)
    spread[:, ::2, ::2] = 4 * images  # one place in four holds a pixel
    return blurred(spread)


def blurred(images: np.ndarray) -> np.ndarray:
    """Images of the same size, each pixel the weighted mean of the 5 x 5 around it."""
    reach = len(TAPS) // 2
    for axis in (1, 2):
        length = images.shape[axis]
        edges = [(reach, reach) if place == axis else (0, 0) for place in range(4)]
        padded = np.moveaxis(np.pad(images, edges, mode="reflect"), axis, 0)
        total = TAPS[0] * padded[:length]
        for shift, tap in enumerate(TAPS[1:], start=1):
            total += tap * padded[shift : shift + length]
        images = np.moveaxis(total, 0, axis)
    return images
