"""Images as pictures: conversion to uint8 and Pillow, grids of many images, animated GIFs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import IO

import numpy as np
from PIL import Image

GRID_SIDE = 1024  # pixels of a grid's longer side, about the most when the magnification is chosen here
LEAST_GAP = 2  # pixels between two images; else as wide as a magnified pixel, or small digits run into each other
BACKGROUND = 112  # gaps and empty cells: a grey that contrasts with white and with black edges of images
CHECKS = (255, 204)  # the two greys beneath transparent pixels, as picture editors show them
CHECK_SIDE = 8  # pixels
PNG_LEVEL = 4  # Pillow's is 6: a grid of 8x8 digits is as large (13 kB) and takes three times as long (25 and 8 ms)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's names, by number of channels


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as uint8 in [0, 255], rounded; what lies outside is clipped and NaN becomes 0."""
    scaled = (np.asarray(images, np.float32) + 1) * 127.5
    return np.nan_to_num(np.clip(np.round(scaled), 0, 255), nan=0).astype(np.uint8)


def write_png(picture: Image.Image, file: IO[bytes]) -> None:
    """Writes a picture as PNG: the same bytes during training and by gan-sample."""
    picture.save(file, format="PNG", compress_level=PNG_LEVEL)


def to_pil_image(image: np.ndarray) -> Image.Image:
    """One image as it is, uint8 `[height, width, 1, 3 or 4]`; transparency is kept."""
    mode = _mode(image.shape[-1])
    return Image.fromarray(image[..., 0] if mode == "L" else image)


def image_grid(images: np.ndarray, rows: int, columns: int, scale: int | None = None) -> Image.Image:
    """Draws images side by side, row after row; cells without an image stay grey.

    Pixels are magnified by a whole number and stay square, so that nothing is smoothed away. Transparent images are
    drawn over a chequerboard: left transparent, a viewer's own background would pass for the generator's.

    Args:
        images: uint8 `[n, height, width, channels]`, 1 (grey), 3 (RGB) or 4 (RGBA) channels, n ≤ rows · columns.
        rows, columns: of the grid.
        scale: pixels to a pixel; None for the largest with which the longer side stays within `GRID_SIDE`.

    Returns:
        A grey picture for grey images, an RGB one for the others.

    Raises:
        ValueError: for more images than cells, or another number of channels.
    """
    count, height, width, channels = images.shape
    if count > rows * columns:
        raise ValueError(f"{count} images do not fit into {rows} rows of {columns}.")
    mode = "L" if _mode(channels) == "L" else "RGB"
    if scale is None:
        across, down = columns * (width + 1) - 1, rows * (height + 1) - 1  # gaps included
        scale = max(1, GRID_SIDE // max(across, down))
    gap = max(LEAST_GAP, scale)
    step_down, step_across = height * scale + gap, width * scale + gap
    canvas = Image.new(mode, (columns * step_across - gap, rows * step_down - gap), (BACKGROUND,) * len(mode))
    for index, image in enumerate(images):
        cell = to_pil_image(image).resize((width * scale, height * scale), Image.Resampling.NEAREST)
        if channels == 4:
            cell = Image.alpha_composite(_chequerboard(cell.size), cell).convert("RGB")
        canvas.paste(cell, (index % columns * step_across, index // columns * step_down))
    return canvas


def gif(frames: Sequence[Image.Image], frames_per_second: float = 20) -> bytes:
    """An animated GIF of equally large pictures that starts again for ever.

    Args:
        frames: at least one.
        frames_per_second: at most 50; GIF counts in hundredths of a second and viewers slow down what is faster.

    Raises:
        ValueError: without frames or for a rate outside (0, 50].
    """
    if not frames:
        raise ValueError("There are no frames: expected at least one.")
    if not 0 < frames_per_second <= 50:
        raise ValueError(f"frames_per_second={frames_per_second}: expected a number above 0 and at most 50.")
    milliseconds = 10 * round(100 / frames_per_second)
    file = io.BytesIO()
    first, *others = frames
    first.save(file, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
    return file.getvalue()


def _mode(channels: int) -> str:
    if channels not in MODES:
        raise ValueError(f"Images of {channels} channels: expected 1 (grey), 3 (RGB) or 4 (RGBA).")
    return MODES[channels]


def _chequerboard(size: tuple[int, int]) -> Image.Image:
    across, down = (np.arange(length) // CHECK_SIDE for length in size)
    odd = (down[:, None] + across[None, :]) % 2
    return Image.fromarray(np.where(odd, CHECKS[1], CHECKS[0]).astype(np.uint8)).convert("RGBA")
