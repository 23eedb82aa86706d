"""Ring of 2-D Gaussians: shows within seconds whether a GAN finds every mode.

Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761, section 4.1), with the numbers of PacGAN (arXiv:1712.04086).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gan_cli.data import DataSpec, GaussianMixture, InMemory, Progress, Source
from gan_cli.data.gaussian_mixture import draw_mixture
from gan_cli.errors import check_number
from gan_cli.number_limits import MAX_EXAMPLES

MAX_MODES = 1_000_000  # more points than that stand close together on any ring


@dataclass(frozen=True, kw_only=True)
class Ring(Source):
    """2-D points. configs/dataset/ring.yaml explains each key."""

    examples: int = 100_000
    modes: int = 8
    radius: float = 1.0
    sigma: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("examples", self.examples, at_least=1, at_most=MAX_EXAMPLES)
        check_number("modes", self.modes, at_least=1, at_most=MAX_MODES)
        check_number("radius", self.radius, above=0)
        check_number("sigma", self.sigma, above=0)
        check_number("seed", self.seed, at_least=0)

    def centres(self) -> np.ndarray:
        """float64 `[modes, 2]`, counter-clockwise from (radius, 0)."""
        angles = 2 * np.pi * np.arange(self.modes) / self.modes
        return self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def mixture(self) -> GaussianMixture:
        return GaussianMixture(self.centres(), self.sigma)

    def describe(self) -> DataSpec:
        return self.open().spec  # drawn within milliseconds

    def open(self, progress: Progress | None = None) -> InMemory:
        return draw_mixture(self.centres(), self.sigma, self.examples, self.seed)

    def known_labels(self) -> np.ndarray:
        return self.open().labels

    def held_out(self) -> Ring:
        """Other points of the same mixture."""
        return replace(self, seed=self.seed + 1)
