"""Affine resampling of images: copies whole pixels, or interpolates between pixels.

Karras et al. 2020, arXiv:2006.06676, appendix B, double an image by the low-pass filter of the wavelet sym6, sample it
there with bilinear weights on a grid that is twice as fine as the result, and halve that by the same filter. Here the
image is doubled by both filters at once and then sampled where the pixels of the result are, which is a fifth of the
samples. The two filters together are the polynomial of degree 11 through the 12 nearest pixels (Deslauriers & Dubuc
1989, "Symmetric Iterative Interpolation Processes"), and where an image is shifted both ways are the same. They differ
where one is turned or made smaller, since nothing takes away here what is too fine for the result: by 0.003 to 0.006 on
average for values in [-1, 1] (8 satellite photographs of 64x64, NVlabs/stylegan2-ada-pytorch, training/augment.py, at
its 10th, 35th, 60th and 80th percentile). Most of that is sym6, which is not symmetric: a flip alone is off by 0.004
there, and exact here. In processor time, a step of dcgan of width 32 on 64 images of 64x64x3 with augment=ada takes 1.3
times as long as one without, and took 2.7 times as long with both filters; of 28x28x1, 1.15 times (2 cores).

Beyond its edges the image is reflected, any number of times. Filters along an axis are matrices here, mirrored
edges included: any size works, and a product with a constant matrix is quick and has derivatives of every order.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from gan_cli.augmentations.geometric_transforms import Affine
from gan_cli.lazy import tf

NEIGHBOURS = 12
"""Pixels on a line that the signal half way between the middle two is computed from."""


def reflect_indices(index: Any, size: int) -> Any:
    """Indices 0 to size - 1 for any, whole or not: … 2 1 0 1 2 … size-1 size-2 …, the edges not repeated."""
    last = size - 1
    return last - abs(index % (2 * last) - last) if last else 0 * index


def midpoint_weights() -> np.ndarray:
    """Weights `[NEIGHBOURS]` of the polynomial through neighbours half a step, one and a half, ... away, at 0."""
    places = np.arange(NEIGHBOURS) - (NEIGHBOURS - 1) / 2
    others = [np.delete(places, index) for index in range(NEIGHBOURS)]
    return np.array([np.prod(rest / (rest - place)) for place, rest in zip(places, others, strict=True)])


@cache
def midpoint_matrix(size: int) -> np.ndarray:
    """Matrix `[size, size]`, float32: row i is the signal half a pixel after pixel i."""
    matrix = np.zeros((size, size))
    for row in range(size):
        for neighbour, weight in enumerate(midpoint_weights(), start=row + 1 - NEIGHBOURS // 2):
            matrix[row, reflect_indices(neighbour, size)] += weight
    return matrix.astype(np.float32)


def multiply_columns(matrix: Any, images: Any) -> Any:
    """The product of a float32 matrix `[height, height]`, or one an example, with each column of the images."""
    height, width, channels = images.shape[1:]
    return tf.reshape(
        tf.matmul(matrix, tf.reshape(images, [-1, height, width * channels])), [-1, height, width, channels]
    )


def transpose_images(images: Any) -> Any:
    """Returns images with rows and columns exchanged."""
    return tf.transpose(images, [0, 2, 1, 3])


def double_height(images: Any) -> Any:
    """Images of twice the height: each row, and the signal half a pixel below it."""
    height, width, channels = images.shape[1:]
    both = tf.stack([images, multiply_columns(midpoint_matrix(height), images)], axis=2)
    return tf.reshape(both, [-1, 2 * height, width, channels])


def source_positions(back: Affine, height: int, width: int) -> tuple[Any, Any]:
    """Row and column, not whole and maybe outside, that each pixel shows: float32 `[batch, height, width]` each."""
    y, x = np.mgrid[:height, :width].astype(np.float32)[:, None]
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    each = Affine(*(tf.reshape(coefficient, [-1, 1, 1]) for coefficient in back))
    x, y = each(x - middle_x, y - middle_y)
    return y + middle_y, x + middle_x


def pixel_indices(images: Any, row: Any, column: Any) -> Any:
    """Where whole, float32 `[batch, ...]` row and column stand in the images `[batch * height * width, channels]`."""
    height, width = images.shape[1:3]
    first = tf.reshape(tf.range(tf.shape(images)[0]) * (height * width), [-1, 1, 1])
    return first + tf.cast(row, tf.int32) * width + tf.cast(column, tf.int32)


def gather_pixels(images: Any, indices: Any) -> Any:
    """Pixels `[..., channels]` by what `pixel_indices` says, int32 `[...]`."""
    return tf.gather(tf.reshape(images, [-1, images.shape[-1]]), indices)


def move_whole_pixels(images: Any, back: Affine) -> Any:
    """Whole pixels as a map sends them: exactly, where it sends pixels to pixels.

    A quarter turn of an image whose sides differ by an odd number does not; there the nearest pixel is taken.

    Args:
        images: float32 `[batch, height, width, channels]`.
        back: coefficients `[batch]`.

    Returns:
        float32 of the same shape.
    """
    height, width = images.shape[1:3]
    row, column = (tf.floor(place + 0.5) for place in source_positions(back, height, width))
    return gather_pixels(images, pixel_indices(images, reflect_indices(row, height), reflect_indices(column, width)))


def resample(images: Any, back: Affine) -> Any:
    """Images seen through a map: exactly, where it sends pixels to pixels.

    Args:
        images: float32 `[batch, height, width, channels]`.
        back: coefficients `[batch]`.

    Returns:
        float32 of the same shape.
    """
    height, width = images.shape[1:3]
    row, column = source_positions(back, height, width)
    fine = transpose_images(double_height(transpose_images(double_height(images))))
    return interpolate(fine, 2.0 * reflect_indices(row, height), 2.0 * reflect_indices(column, width))


def interpolate(images: Any, row: Any, column: Any) -> Any:
    """Bilinear samples at float32 `[batch, ...]` positions, before the last row and the last column."""
    top, left = tf.floor(row), tf.floor(column)
    down, right = row - top, column - left
    width = images.shape[2]
    corners = pixel_indices(images, top, left)[..., None] + tf.constant([0, 1, width, width + 1])
    up = 1.0 - down
    weights = tf.stack([up * (1.0 - right), up * right, down * (1.0 - right), down * right], axis=-1)
    return tf.reduce_sum(weights[..., None] * gather_pixels(images, corners), axis=-2)
