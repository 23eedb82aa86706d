"""Interpolation between latents: linear, and spherical (slerp).

A normal latent of size d lies close to the sphere of radius √d. The middle of a straight line between two of them is
shorter, where training has almost no latents. Spherical interpolation (Shoemake, "Animating rotation with quaternion
curves", SIGGRAPH 1985; for latents White, arXiv:1609.04468) stays close to the sphere.
"""

from __future__ import annotations

import numpy as np

KINDS = ("slerp", "linear")
SMALLEST_SINE = 1e-6  # below it the arc's formula divides by almost nothing


def linear(a: np.ndarray, b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
    """Interpolates linearly from `a` at t = 0 to `b` at t = 1.

    Args:
        a, b: `[..., size]`.
        t: a number, or an array of the shape of a and b without their last axis, or one that broadcasts to it.

    Returns:
        float32 `[..., size]`.
    """
    a, b, t = _wide(a), _wide(b), _wide(t)[..., None]
    return ((1 - t) * a + t * b).astype(np.float32)


def slerp(a: np.ndarray, b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
    """Interpolates on the arc from `a` at t = 0 to `b` at t = 1: direction and length change at constant rates.

    For a zero vector, and for equal or opposite directions, the interpolation is linear.

    Args:
        a, b: `[..., size]`.
        t: a number, or an array of the shape of a and b without their last axis, or one that broadcasts to it.

    Returns:
        float32 `[..., size]`, finite for finite latents.
    """
    wide_a, wide_b, t = _wide(a), _wide(b), _wide(t)[..., None]
    length_a = np.linalg.norm(wide_a, axis=-1, keepdims=True)
    length_b = np.linalg.norm(wide_b, axis=-1, keepdims=True)
    unit_a = wide_a / np.where(length_a > 0, length_a, 1)
    unit_b = wide_b / np.where(length_b > 0, length_b, 1)
    angle = np.arccos(np.clip(np.sum(unit_a * unit_b, axis=-1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    is_arc = (sine > SMALLEST_SINE) & (length_a > 0) & (length_b > 0)
    direction = (np.sin((1 - t) * angle) * unit_a + np.sin(t * angle) * unit_b) / np.where(is_arc, sine, 1)
    length = (1 - t) * length_a + t * length_b
    return np.where(is_arc, length * direction, linear(a, b, t[..., 0])).astype(np.float32)


def path(latents: np.ndarray, frames_between: int, kind: str = "slerp", is_loop: bool = False) -> np.ndarray:
    """Interpolates through several key latents in their order.

    Args:
        latents: the keys, `[keys, size]`, at least one.
        frames_between: number of latents between two keys, 0 or more.
        kind: `slerp` (for `normal` latents) or `linear` (for `uniform` ones, whose cube is convex).
        is_loop: whether the path returns from the last key to the first; the first is not repeated at the end.

    Returns:
        float32 `[frames, size]`; the keys are every (frames_between + 1)-th frame.

    Raises:
        ValueError: for an unknown kind or a negative number of frames.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind}: expected one of {', '.join(KINDS)}.")
    if frames_between < 0:
        raise ValueError(f"frames_between={frames_between}: expected a whole number at least 0.")
    between = slerp if kind == "slerp" else linear
    steps = np.arange(frames_between + 1) / (frames_between + 1)
    ends = np.roll(latents, -1, axis=0)
    legs = len(latents) if is_loop else len(latents) - 1
    frames = [between(latents[leg], ends[leg], steps) for leg in range(legs)]
    last = [] if is_loop else [latents[-1:]]
    return np.concatenate(frames + last).astype(np.float32)


def _wide(values: float | np.ndarray) -> np.ndarray:
    """In float64, so that both ends come back exactly once they are rounded to float32."""
    return np.asarray(values, np.float64)
