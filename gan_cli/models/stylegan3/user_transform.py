"""The movement of a generated image that a user asks for: a rotation about its centre and a shift."""

from __future__ import annotations

import numpy as np

IDENTITY = np.eye(3, dtype=np.float32)


def inverse_transform(degrees: float, shift: tuple[float, float]) -> np.ndarray:
    """Returns the map from positions in the moved image to those in the original one, float32 `[3, 3]`.

    Args:
        degrees: the image is turned anticlockwise by so many.
        shift: then moved to the right and down, in units of the shorter side.
    """
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    moved = np.array([[cosine, sine, shift[0]], [-sine, cosine, shift[1]], [0, 0, 1]])  # y points down
    return np.linalg.inv(moved).astype(np.float32)
