"""Pictures of what a generator makes: grids, strips, animations, and points in the plane."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GRID_SIDE = 1024  # pixels of a grid's longer side, about the most when the magnification is chosen here
LEAST_GAP = 2  # pixels between two images; else as wide as a magnified pixel, or small digits run into each other
GROUND = 112  # gaps and empty cells: a grey that neither white nor black edges of images run into
CHECKS = (255, 204)  # the two greys beneath transparent pixels, as picture editors show them
CHECK_SIDE = 8  # pixels
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's names, by number of channels

POINTS_SIDE = 640  # pixels
SUPERSAMPLING = 4  # Pillow draws without antialiasing: draw this many times larger, then shrink
POINT_RADIUS = 1.6  # pixels
POINTS_MARGIN = 0.15  # of the data's width, on each side: room for points that miss by a little
PAPER = (255, 255, 255)
REAL_COLOUR = (200, 204, 210)
FAKE_COLOUR = (214, 72, 28)
INK = (90, 96, 104)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as uint8 in [0, 255], rounded; what lies outside is clipped and NaN becomes 0."""
    scaled = (np.asarray(images, np.float32) + 1) * 127.5
    return np.nan_to_num(np.clip(np.round(scaled), 0, 255), nan=0).astype(np.uint8)


def to_pil_image(image: np.ndarray) -> Image.Image:
    """One image as it is, uint8 `[height, width, 1, 3 or 4]`; transparency is kept."""
    mode = _mode(image.shape[-1])
    return Image.fromarray(image[..., 0] if mode == "L" else image)


def grid_shape(count: int) -> tuple[int, int]:
    """Rows and columns of the most nearly square grid that holds `count` images, at least as wide as high."""
    columns = math.ceil(math.sqrt(count))
    return math.ceil(count / columns), columns


def image_grid(images: np.ndarray, rows: int, columns: int, scale: int | None = None) -> Image.Image:
    """Images side by side, row after row, cells without an image left plain grey.

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
    canvas = Image.new(mode, (columns * step_across - gap, rows * step_down - gap), (GROUND,) * len(mode))
    for index, image in enumerate(images):
        cell = to_pil_image(image).resize((width * scale, height * scale), Image.Resampling.NEAREST)
        if channels == 4:
            cell = Image.alpha_composite(_chequerboard(cell.size), cell).convert("RGB")
        canvas.paste(cell, (index % columns * step_across, index // columns * step_down))
    return canvas


def strip(images: np.ndarray, scale: int | None = None) -> Image.Image:
    """Images in one row; see `image_grid`."""
    return image_grid(images, 1, len(images), scale)


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


def axis_limits(low: float, high: float) -> tuple[float, float]:
    """Where both axes of a picture of points within [low, high] begin and end: a margin further out."""
    margin = POINTS_MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def count_outside(points: np.ndarray, limits: tuple[float, float]) -> int:
    """How many of the points `[n, 2]` a picture with these axis limits does not show; NaN counts as outside."""
    return int(len(points) - _is_inside(points, limits).sum())


def points_plot(
    fake: np.ndarray, real: np.ndarray | None = None, value_range: tuple[float, float] | None = None
) -> Image.Image:
    """Points in the plane with equal axes: generated ones in orange, real ones in light grey beneath.

    Give the same `value_range` (that of the data) to every picture of a run, or they can't be compared.

    Args:
        fake: `[n, 2]`.
        real: `[m, 2]`, or None to leave them out.
        value_range: what both axes show, before a margin is added; None for the range of `real`, or else of `fake`.

    Returns:
        An RGB picture of 640 x 640 pixels. How many generated points lie outside stands at the bottom.
    """
    limits = axis_limits(*(value_range or _finite_range(fake if real is None else real)))
    side = POINTS_SIDE * SUPERSAMPLING
    canvas = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(canvas)
    if real is not None:
        _draw_points(draw, real, limits, REAL_COLOUR)
    _draw_points(draw, fake, limits, FAKE_COLOUR)
    canvas = canvas.resize((POINTS_SIDE, POINTS_SIDE), Image.Resampling.LANCZOS)
    _draw_labels(ImageDraw.Draw(canvas), limits, count_outside(fake, limits), len(fake))
    return canvas


def _mode(channels: int) -> str:
    if channels not in MODES:
        raise ValueError(f"Images of {channels} channels: expected 1 (grey), 3 (RGB) or 4 (RGBA).")
    return MODES[channels]


def _chequerboard(size: tuple[int, int]) -> Image.Image:
    across, down = (np.arange(length) // CHECK_SIDE for length in size)
    odd = (down[:, None] + across[None, :]) % 2
    return Image.fromarray(np.where(odd, CHECKS[1], CHECKS[0]).astype(np.uint8)).convert("RGBA")


def _finite_range(points: np.ndarray) -> tuple[float, float]:
    values = points[np.isfinite(points)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def _is_inside(points: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return np.all((points >= limits[0]) & (points <= limits[1]), axis=1)


def _draw_points(
    draw: ImageDraw.ImageDraw, points: np.ndarray, limits: tuple[float, float], colour: tuple[int, int, int]
) -> None:
    """Dots at those of the points `[n, 2]` that lie within the limits of the axes."""
    low, high = limits
    side, radius = POINTS_SIDE * SUPERSAMPLING, POINT_RADIUS * SUPERSAMPLING
    shares = (points[_is_inside(points, limits)] - low) / (high - low)
    for x, y in (shares * (1, -1) + (0, 1)) * side:  # pictures count rows downwards
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _draw_labels(draw: ImageDraw.ImageDraw, limits: tuple[float, float], outside: int, count: int) -> None:
    """The frame, where the axes begin and end, and how many points are missing."""
    font, last = ImageFont.load_default(13), POINTS_SIDE - 1
    draw.rectangle((0, 0, last, last), outline=REAL_COLOUR)
    draw.text((8, last - 8), "{0:.3g}, {0:.3g}".format(limits[0]), INK, font, anchor="ls")
    draw.text((last - 8, 8), "{0:.3g}, {0:.3g}".format(limits[1]), INK, font, anchor="rt")
    if outside:
        draw.text((last - 8, last - 8), f"{outside:,} of {count:,} outside", FAKE_COLOUR, font, anchor="rs")
