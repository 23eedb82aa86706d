"""Mixtures of equal 2-D Gaussians: a toy whose modes can be counted."""

from __future__ import annotations

import numpy as np

from gan_cli.data import DataSpec, InMemory


def draw_mixture(centres: np.ndarray, sigma: float, examples: int, seed: int) -> InMemory:
    """Points around the centres, the centre of each at random and its number the label.

    Args:
        centres: `[modes, 2]`.
        sigma: standard deviation of either coordinate.
        examples: how many points; a hundred thousand take a few milliseconds.
        seed: of numpy's PCG64.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    labels = generator.integers(len(centres), size=examples, dtype=np.int32)
    points = centres[labels] + sigma * generator.standard_normal((examples, 2))
    values = points.astype(np.float32)
    spec = DataSpec((2,), examples, len(centres), (float(values.min()), float(values.max())))
    return InMemory(spec, values, labels, [])
