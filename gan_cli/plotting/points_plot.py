"""Scatter plots of points in the plane: generated ones over real ones, on equal axes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

POINTS_SIDE = 640  # pixels
SUPERSAMPLING = 4  # Pillow draws without antialiasing: draw this many times larger, then shrink
POINT_RADIUS = 1.6  # pixels
POINTS_MARGIN = 0.15  # of the data's width, on each side: room for points that miss by a little
PAPER = (255, 255, 255)
REAL_COLOUR = (200, 204, 210)
FAKE_COLOUR = (214, 72, 28)
INK = (90, 96, 104)


def axis_limits(low: float, high: float) -> tuple[float, float]:
    """Where both axes of a picture of points within [low, high] begin and end: a margin further out."""
    margin = POINTS_MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def count_outside(points: np.ndarray, limits: tuple[float, float]) -> int:
    """How many of the points `[n, 2]` a picture with these axis limits does not show; NaN counts as outside."""
    return int(len(points) - is_inside(points, limits).sum())


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
    limits = axis_limits(*(value_range or finite_range(fake if real is None else real)))
    side = POINTS_SIDE * SUPERSAMPLING
    canvas = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(canvas)
    if real is not None:
        draw_points(draw, real, limits, REAL_COLOUR)
    draw_points(draw, fake, limits, FAKE_COLOUR)
    canvas = canvas.reduce(SUPERSAMPLING)
    draw_labels(ImageDraw.Draw(canvas), limits, count_outside(fake, limits), len(fake))
    return canvas


def finite_range(points: np.ndarray) -> tuple[float, float]:
    values = points[np.isfinite(points)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def is_inside(points: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return np.all((points >= limits[0]) & (points <= limits[1]), axis=1)


def draw_points(
    draw: ImageDraw.ImageDraw, points: np.ndarray, limits: tuple[float, float], colour: tuple[int, int, int]
) -> None:
    """Dots at those of the points `[n, 2]` that lie within the limits of the axes."""
    low, high = limits
    side, radius = POINTS_SIDE * SUPERSAMPLING, POINT_RADIUS * SUPERSAMPLING
    shares = (points[is_inside(points, limits)] - low) / (high - low)
    for x, y in (shares * (1, -1) + (0, 1)) * side:  # pictures count rows downwards
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def draw_labels(draw: ImageDraw.ImageDraw, limits: tuple[float, float], outside: int, count: int) -> None:
    """The frame, where the axes begin and end, and how many points are missing."""
    font, last = ImageFont.load_default(13), POINTS_SIDE - 1
    draw.rectangle((0, 0, last, last), outline=REAL_COLOUR)
    draw.text((8, last - 8), "{0:.3g}, {0:.3g}".format(limits[0]), INK, font, anchor="ls")
    draw.text((last - 8, 8), "{0:.3g}, {0:.3g}".format(limits[1]), INK, font, anchor="rt")
    if outside:
        draw.text((last - 8, last - 8), f"{outside:,} of {count:,} outside", FAKE_COLOUR, font, anchor="rs")
