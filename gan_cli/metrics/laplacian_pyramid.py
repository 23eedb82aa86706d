"""The Laplacian pyramid: an image as bands of detail, each half as large as the one before, and a low-pass rest.

Burt and Adelson 1983, "The Laplacian Pyramid as a Compact Image Code", as Karras et al. 2018 (arXiv:1710.10196,
section 5) use it: the binomial filter [1, 4, 6, 4, 1] / 16 along both axes, images mirrored at their outermost pixels.
Half of an odd side is rounded up, so that images of any size have a pyramid.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

TAPS = np.array([1, 4, 6, 4, 1], np.float32) / 16
MIN_SIDE = 16  # of the smallest level in Karras et al.


def level_shapes(height: int, width: int, minimum: int = MIN_SIDE) -> list[tuple[int, int]]:
    """Returns height and width of each level, at least one: halved while both sides have at least `minimum` pixels."""
    shapes = [(height, width)]
    while min(smaller := (-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2))) >= minimum:
        shapes.append(smaller)
    return shapes


def laplacian_pyramid(images: np.ndarray, levels: int) -> list[np.ndarray]:
    """Returns the bands of images, from fine to coarse; the last one is the low-pass rest.

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
    """Returns images of twice the size: pixels at even places, interpolated by the filter between them."""
    spread = np.zeros((len(images), height, width, images.shape[-1]), np.float32)
    spread[:, ::2, ::2] = 4 * images  # one place in four holds a pixel
    return blurred(spread)


def blurred(images: np.ndarray) -> np.ndarray:
    """Returns images of the same size, each pixel the weighted mean of the 5 x 5 pixels around it."""
    for axis in (1, 2):
        images = ndimage.correlate1d(images, TAPS, axis=axis, output=np.float32, mode="mirror")
    return images
