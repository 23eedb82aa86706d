"""Samples of mixtures of equal 2-D Gaussians, toy data whose modes can be counted."""

from __future__ import annotations

import numpy as np

from gan_cli.data import DataSpec, InMemory


def draw_mixture(centres: np.ndarray, sigma: float, examples: int, seed: int) -> InMemory:
    """Draws points around random centres; the label of a point is the number of its centre.

    Args:
        centres: `[modes, 2]`.
        sigma: standard deviation of either coordinate.
        examples: number of points; a hundred thousand take a few milliseconds.
        seed: of numpy's PCG64.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    labels = generator.integers(len(centres), size=examples, dtype=np.int32)
    points = centres[labels] + sigma * generator.standard_normal((examples, 2))
    values = points.astype(np.float32)
    spec = DataSpec((2,), examples, len(centres), (float(values.min()), float(values.max())))
    return InMemory(spec, values, labels, [])
