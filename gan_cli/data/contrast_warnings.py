"""Warnings about images that are nearly black or of a single level, as after a wrong scaling of their pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

SAMPLED_IMAGES = 32  # evenly spaced; few, since streamed images must be decoded for it
NEARLY_BLACK = 8  # of 255; [0, 255] divided twice by 255 gives at most 1
FEWEST_LEVELS = 3  # between the darkest and the brightest pixel


def contrast_warnings(read_image: Callable[[int], np.ndarray], count: int) -> Sequence[str]:
    """A sentence where a sample of the images has no bright pixel, or hardly any contrast.

    Args:
        read_image: gives the uint8 image at an index in 0 .. count - 1.
        count: number of images, at least 1.
    """
    places = sorted(set(np.linspace(0, count - 1, min(SAMPLED_IMAGES, count)).astype(int).tolist()))
    bounds = [(int(colours.min()), int(colours.max())) for colours in map(without_alpha, map(read_image, places))]
    low, high = min(bound[0] for bound in bounds), max(bound[1] for bound in bounds)
    span = f"the pixels of {len(places)} sampled images reach from {low} to {high} of 255"
    if high <= NEARLY_BLACK:
        return (f"the images are nearly black: {span}. Were they divided by 255 twice, or saved as 0 and 1?",)
    if high - low < FEWEST_LEVELS:
        return (f"the images have hardly any contrast: {span}. Were they scaled wrongly?",)
    return ()


def without_alpha(image: np.ndarray) -> np.ndarray:
    return image[..., :3] if image.shape[-1] == 4 else image
