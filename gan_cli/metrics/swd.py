"""Sliced Wasserstein distance between patches of images on each level of a Laplacian pyramid, or between points.

Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, Stability, and Variation", arXiv:1710.10196,
section 5: 128 patches of 7 x 7 an image and level, each channel of a level's patches brought to mean 0 and deviation 1
on either side by itself, four times 128 random directions, the first Wasserstein distance along each, times 1,000.
Theirs is of 16,384 images; the bound here is a setting, since the distance of equal distributions shrinks with their
number and is not 0. Where a level has fewer than 128 places for a patch, each is taken once (100 of 16 x 16 pixels, of
which the paper draws 128). Images that differ in brightness or contrast alone are the same to this distance.

Points are compared as they are, in their own units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import EXAMPLES, Comparison, FeatureSet, MetricValue, Result
from gan_cli.metrics.example_chunks import example_chunks
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, check_finite
from gan_cli.metrics.laplacian_pyramid import LEAST_SIDE, laplacian_pyramid, level_shapes
from gan_cli.metrics.random_generators import generator

SCALE = 1000.0  # distances between patches are told times this, as in the paper
AT_ONCE = 32  # directions; the projections on all of them may be larger than the rows


def sliced_wasserstein(first: np.ndarray, second: np.ndarray, directions: np.ndarray) -> float:
    """The mean over directions u of the first Wasserstein distance between the projections of two sets of rows on u.

    On a line, between equally many points, that is the mean distance between the i-th smallest of either side.

    Args:
        first, second: `[n, dimensions]` each, n > 0.
        directions: `[count, dimensions]`, of length 1 for a distance in the units of the rows.

    Raises:
        ValueError: where there are not equally many rows of equal length.
    """
    if first.shape != second.shape or len(first) == 0:
        raise ValueError(f"Rows of shapes {first.shape} and {second.shape}: expected equal ones, at least one row.")
    total = 0.0
    for start in range(0, len(directions), AT_ONCE):
        some = directions[start : start + AT_ONCE]
        apart = np.sort(some @ first.T, axis=1) - np.sort(some @ second.T, axis=1)
        total += float(np.abs(apart).mean(axis=1, dtype=np.float64).sum())
    return total / len(directions)


def random_directions(count: int, dimensions: int, random: np.random.RandomState) -> np.ndarray:
    """float32 `[count, dimensions]`, each of length 1 and equally likely anywhere on the sphere."""
    drawn = random.standard_normal((count, dimensions))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def random_patches(images: np.ndarray, per_image: int, side: int, random: np.random.RandomState) -> np.ndarray:
    """Squares from random places of each image, any that lies within it equally likely; each once if there are fewer.

    Args:
        images: `[n, height, width, channels]`, no side below `side`.
        per_image: how many.

    Returns:
        `[n * min(per_image, places), channels, side, side]`, those of one image next to each other.
    """
    windows = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
    places = windows.shape[1] * windows.shape[2]
    if places <= per_image:
        drawn = np.broadcast_to(np.arange(places), (len(images), places))
    else:
        drawn = random.randint(places, size=(len(images), per_image))
    rows, columns = np.divmod(drawn, windows.shape[2])
    return windows[np.arange(len(images))[:, None], rows, columns].reshape(-1, images.shape[-1], side, side)


def normalised(patches: np.ndarray) -> np.ndarray:
    """Patches `[n, channels, side, side]` as rows `[n, channels * side * side]`, each channel at mean 0, deviation 1.

    A channel that is the same everywhere becomes 0.
    """
    mean = patches.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    deviation = patches.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    scaled = (patches - mean.astype(np.float32)) / np.where(deviation > 0, deviation, 1).astype(np.float32)
    return scaled.reshape(len(patches), -1)


@dataclass(frozen=True)
class SlicedWasserstein:
    """`metric=swd`. configs/metric/swd.yaml explains each key.

    Raises:
        ConfigError: for a number that is not at least 1.
    """

    images: int = 1024
    patches: int = 128
    patch_side: int = 7
    repeats: int = 4
    directions: int = 128

    values: ClassVar[Mapping[str, str]] = {"swd": "lower"}
    needs: ClassVar[frozenset[str]] = frozenset({EXAMPLES})

    def __post_init__(self) -> None:
        for key in ("images", "patches", "patch_side", "repeats", "directions"):
            check_number(key, getattr(self, key), at_least=1)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        if data.is_image and min(data.shape[:2]) < self.patch_side:
            problem = f"expected patches that fit into images of {data.shape[0]}x{data.shape[1]} pixels"
            raise ConfigError("patch_side", problem, self.patch_side)
        check_counts("swd", real, fake, least=10)

    def __call__(self, comparison: Comparison) -> Result:
        if not comparison.real.data.is_image:
            return self.of_points(comparison)
        count = min(comparison.real.count, comparison.fake.count, self.images)
        height, width, _ = comparison.real.data.shape
        shapes = level_shapes(height, width, max(self.patch_side, LEAST_SIDE))
        real = self.patches_of(comparison.real, count, shapes, comparison.seed)
        fake = self.patches_of(comparison.fake, count, shapes, comparison.seed)
        found: list[np.ndarray] = []
        for level in range(len(shapes)):
            comparison.teller.progress("comparing patches", level, len(shapes))
            found.append(SCALE * self.distances(normalised(real[level]), normalised(fake[level]), comparison.seed))
        names = [f"swd_{down}" if down == across else f"swd_{down}x{across}" for down, across in shapes]
        each = {name: self.measured(distances) for name, distances in zip(names, found, strict=True)}
        few = f"Of {count:,} images a side; it compares only with others of equally many."
        notes = (few,) if count < self.images else ()
        return Result({"swd": self.measured(np.mean(found, axis=0)), **each}, notes)

    def of_points(self, comparison: Comparison) -> Result:
        count = min(comparison.real.count, comparison.fake.count, self.images * self.patches)
        real = check_finite(comparison.real.examples(0, count), "coordinates", REAL)
        fake = check_finite(comparison.fake.examples(0, count), "coordinates", FAKE)
        return Result({"swd": self.measured(self.distances(real, fake, comparison.seed))})

    def patches_of(
        self, evidence: FeatureSet, count: int, shapes: list[tuple[int, int]], seed: int
    ) -> list[np.ndarray]:
        """Patches of each level, float32 `[patches, channels, side, side]`, from one reading of the images.

        Their places are the same on both sides, so that a set has the distance 0 from itself.
        """
        found: list[np.ndarray] = []
        random = generator(seed, "places of patches")
        for start, images in example_chunks(evidence, count):
            for level, band in enumerate(laplacian_pyramid(images, len(shapes))):
                drawn = random_patches(band, self.patches, self.patch_side, random)
                each = len(drawn) // len(images)
                if level == len(found):
                    found.append(np.empty((count * each, *drawn.shape[1:]), np.float32))
                found[level][start * each : start * each + len(drawn)] = drawn
        return found

    def distances(self, real: np.ndarray, fake: np.ndarray, seed: int) -> np.ndarray:
        """float64 `[repeats]`, one distance for each set of directions."""
        random = generator(seed, "directions")
        sets = [random_directions(self.directions, real.shape[1], random) for _ in range(self.repeats)]
        return np.array([sliced_wasserstein(real, fake, directions) for directions in sets])

    def measured(self, distances: np.ndarray) -> MetricValue:
        if self.repeats == 1:
            return MetricValue(float(distances.mean()))
        error = float(distances.std(ddof=1) / np.sqrt(self.repeats))
        by = f"standard error over {self.repeats} sets of {self.directions} directions; other samples are not in it"
        return MetricValue(float(distances.mean()), error, by)
