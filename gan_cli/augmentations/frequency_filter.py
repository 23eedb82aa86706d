"""Random gains of bands of spatial frequencies, as in StyleGAN2-ADA.

Karras et al. 2020, arXiv:2006.06676, appendix B; bands and distributions as in NVlabs/stylegan2-ada-pytorch,
training/augment.py. Four bands, each an octave higher than the one before, are cut with the wavelet sym2 so that they
add up to the image itself. A gain on one of them is divided by what it does to the power of a natural image, which has
most of it in the lowest band, so that images keep their power on average.

Filters along an axis are matrices here, mirrored edges included, so that images may be smaller than the filter is long.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from gan_cli.augmentations.affine_resampling import multiply_columns, reflect_indices, transpose_images
from gan_cli.augmentations.random_transforms import draw, log_normal, with_probability
from gan_cli.lazy import tf

# Daubechies 1992, "Ten Lectures on Wavelets", table 6.1, N = 2: (1 ± √3, 3 ± √3) / (4 √2).
SYM2 = np.array([1 - math.sqrt(3), 3 - math.sqrt(3), 3 + math.sqrt(3), 1 + math.sqrt(3)]) / (4 * math.sqrt(2))
BANDS = 4
GAIN_DEVIATION = 1.0
"""Of the logarithm to base 2 of a band's gain."""
EXPECTED_POWER = np.array([10, 1, 1, 1]) / 13
"""Of a natural image, whose power falls with the frequency f as 1/f, from the lowest band to the highest."""


@cache
def filters() -> np.ndarray:
    """The bands' filters, float64 `[BANDS, taps]`, from the lowest to the highest; symmetric about the middle tap."""
    half = np.convolve(SYM2, SYM2[::-1]) / 2
    other = SYM2 * (-1) ** np.arange(len(SYM2))
    other_half = np.convolve(other, other[::-1]) / 2
    bands = np.ones((1, 1))
    for _ in range(1, BANDS):
        spread = np.zeros((len(bands), 2 * bands.shape[1] - 1))
        spread[:, ::2] = bands  # the same filters for half the frequencies, ...
        lower = np.stack([np.convolve(band, half) for band in spread])  # ... without their images in the upper half
        upper = np.zeros(lower.shape[1])
        start = (len(upper) - len(other_half)) // 2
        upper[start : start + len(other_half)] = other_half
        bands = np.concatenate([lower, upper[None]])
    return bands


@cache
def filter_matrices(size: int) -> np.ndarray:
    """The bands' filters along an axis of that size, float32 `[BANDS, size, size]`."""
    bands = filters()
    middle = bands.shape[1] // 2
    matrices = np.zeros((BANDS, size, size))
    for row in range(size):
        for tap in range(bands.shape[1]):
            matrices[:, row, reflect_indices(row + tap - middle, size)] += bands[:, tap]
    return matrices.astype(np.float32)


def draw_gains(batch: Any, strength: Any, seed: Any) -> Any:
    """Gains float32 `[batch, BANDS]`: each band's own with probability `strength`, and what it does to the others."""
    coins, normals = draw(batch, BANDS, BANDS, seed)
    total = tf.ones([batch, BANDS])
    for band, (coin, normal) in enumerate(zip(coins, normals, strict=True)):
        gain = with_probability(coin, strength, log_normal(normal, GAIN_DEVIATION), 1.0)
        total *= power_preserving_gains(gain, band)
    return total


def power_preserving_gains(gain: Any, band: int) -> Any:
    """Gains `[batch, BANDS]` of all bands where one has a gain `[batch]`, with the power of a natural image kept."""
    share = float(EXPECTED_POWER[band])
    power = 1.0 + share * (tf.square(gain) - 1.0)  # exactly 1 where the gain is
    own = tf.one_hot(band, BANDS)
    return (1.0 + own * (gain[:, None] - 1.0)) / tf.sqrt(power)[:, None]


def apply_gains(images: Any, gains: Any) -> Any:
    """Images `[batch, height, width, channels]`, each with its bands' gains `[batch, BANDS]` along both axes.

    Where all of its gains are 1, an image stays exactly as it is.
    """
    rows, columns = (tf.tensordot(gains, filter_matrices(size), 1) for size in images.shape[1:3])
    amplified = transpose_images(multiply_columns(columns, transpose_images(multiply_columns(rows, images))))
    changed = tf.reduce_any(gains != 1.0, axis=1)[:, None, None, None]
    return tf.where(changed, amplified, images)
