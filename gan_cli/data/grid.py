"""Square grid of 2-D Gaussians: shows within seconds whether a GAN finds every mode.

Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761, section 4.1), with the numbers of PacGAN (arXiv:1712.04086).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gan_cli.data import DataSpec, GaussianMixture, InMemory, Progress, Source
from gan_cli.data.gaussian_mixture import draw_mixture
from gan_cli.errors import check_number
from gan_cli.number_limits import MAX_EXAMPLES

MAX_SIDE = 1000  # a million modes


@dataclass(frozen=True, kw_only=True)
class Grid(Source):
    """2-D points. configs/dataset/grid.yaml explains each key."""

    examples: int = 100_000
    side: int = 5
    spacing: float = 2.0
    sigma: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("examples", self.examples, at_least=1, at_most=MAX_EXAMPLES)
        check_number("side", self.side, at_least=1, at_most=MAX_SIDE)
        check_number("spacing", self.spacing, above=0)
        check_number("sigma", self.sigma, above=0)
        check_number("seed", self.seed, at_least=0)

    def centres(self) -> np.ndarray:
        """float64 `[side * side, 2]`, row by row, the middle of the grid at (0, 0)."""
        ticks = self.spacing * (np.arange(self.side) - (self.side - 1) / 2)
        return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)

    def mixture(self) -> GaussianMixture:
        return GaussianMixture(self.centres(), self.sigma)

    def describe(self) -> DataSpec:
        return self.open().spec  # drawn within milliseconds

    def open(self, progress: Progress | None = None) -> InMemory:
        return draw_mixture(self.centres(), self.sigma, self.examples, self.seed)

    def known_labels(self) -> np.ndarray:
        return self.open().labels

    def held_out(self) -> Grid:
        """Other points of the same mixture."""
        return replace(self, seed=self.seed + 1)
