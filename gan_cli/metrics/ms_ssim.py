"""Multi-scale structural similarity of two images: equal at every scale gives 1, nothing in common about 0.

Wang, Simoncelli and Bovik 2003, "Multi-scale structural similarity for image quality assessment", equation 7, with its
five scales and their weights; on each a window of 11 x 11 with Gaussian weights of deviation 1.5. Numbers agree with
`tf.image.ssim_multiscale`: negative similarities count as 0, channels are averaged.

On a side of fewer than 161 pixels the window does not fit at all five scales (161, 81, 41, 21, 11). Then those remain
where it fits, their weights brought to the sum 1; on a side of fewer than 11 pixels the window and its deviation shrink
with it. The code that Karras et al. 2018 (arXiv:1710.10196) use keeps five scales and shrinks the window, down to a few
pixels, instead: on a side of fewer than 176 pixels its numbers are others.
"""

from __future__ import annotations

import numpy as np

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # of the scales, from fine to coarse; section 3.2
WINDOW, DEVIATION = 11, 1.5  # pixels
WHITE = 255.0
LUMINANCE_CONSTANT, CONTRAST_CONSTANT = (0.01 * WHITE) ** 2, (0.03 * WHITE) ** 2


def scales_that_fit(height: int, width: int) -> int:
    """How many of the five scales an image of this size has, at least 1."""
    side, scales = min(height, width), 1
    while scales < len(WEIGHTS) and (side := -(-side // 2)) >= WINDOW:
        scales += 1
    return scales


def scale_weights(scales: int) -> np.ndarray:
    """float64 `[scales]`: the published weights where all five scales fit, else the first ones, with the sum 1."""
    return WEIGHTS if scales == len(WEIGHTS) else WEIGHTS[:scales] / WEIGHTS[:scales].sum()


def ms_ssim(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The similarity of each image to the one at the same place.

    Args:
        first, second: uint8 (or numbers in [0, 255]) `[n, height, width, channels]`, any size and number of channels.

    Returns:
        float64 `[n]`, from 0 to 1.

    Raises:
        ValueError: for images of two shapes.
    """
    if first.shape != second.shape or first.ndim != 4:
        raise ValueError(f"Images of shapes {first.shape} and {second.shape}: expected two equal ones of rank 4.")
    first, second = first.astype(np.float32), second.astype(np.float32)
    scales = scales_that_fit(*first.shape[1:3])
    product = np.ones((len(first), first.shape[3]))
    for scale, weight in enumerate(scale_weights(scales)):
        luminance, structure = similarity_maps(first, second)
        is_last = scale == scales - 1
        similar = luminance * structure if is_last else structure
        product *= np.maximum(similar.mean(axis=(1, 2), dtype=np.float64), 0) ** weight
        if not is_last:
            first, second = halved(first), halved(second)
    return product.mean(axis=1)


def similarity_maps(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Luminance, and contrast times structure, around each pixel whose window lies within the image.

    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity", equations 6, 9 and 10.
    """
    maps = np.concatenate([first, second, first * first, second * second, first * second])
    mean, other_mean, square, other_square, product = np.split(windowed(maps), 5)
    means, squared_means = mean * other_mean, mean * mean + other_mean * other_mean
    luminance = (2 * means + LUMINANCE_CONSTANT) / (squared_means + LUMINANCE_CONSTANT)
    variances = square + other_square - squared_means
    structure = (2 * (product - means) + CONTRAST_CONSTANT) / (variances + CONTRAST_CONSTANT)
    return luminance, structure


def windowed(images: np.ndarray) -> np.ndarray:
    """Weighted means over each window that lies within the images `[n, height, width, channels]`."""
    size = min(WINDOW, *images.shape[1:3])
    offsets = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(offsets**2) / (2 * (DEVIATION * size / WINDOW) ** 2))
    weights = (weights / weights.sum()).astype(np.float32)
    height, width = (length - size + 1 for length in images.shape[1:3])
    down = weights[0] * images[:, :height]
    for shift in range(1, size):
        down += weights[shift] * images[:, shift : shift + height]
    across = weights[0] * down[:, :, :width]
    for shift in range(1, size):
        across += weights[shift] * down[:, :, shift : shift + width]
    return across


def halved(images: np.ndarray) -> np.ndarray:
    """Means over 2 x 2 pixels; on a side of odd length the last pixel is taken twice."""
    odd = [(0, length % 2) for length in images.shape[1:3]]
    even = np.pad(images, [(0, 0), *odd, (0, 0)], mode="symmetric")
    return (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4
