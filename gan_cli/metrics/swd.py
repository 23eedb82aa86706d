"""Sliced Wasserstein distance between patches of images on each level of a Laplacian pyramid, or between points.

Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, Stability, and Variation", arXiv:1710.10196,
section 5: 128 patches of 7 x 7 per image and level, each channel of a level's patches normalised to mean 0 and
deviation 1 on each side, four sets of 128 random directions, the first Wasserstein distance along each, times 1,000.
The paper uses 16,384 images; the number is a setting here, since the distance of equal distributions shrinks with it
and is not 0. Where a level has fewer than 128 places for a patch, each is used once (100 of 16 x 16 pixels, of which
the paper draws 128). The distance ignores differences of brightness or contrast alone.

Points are compared without normalisation, in their own units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import EXAMPLES, Comparison, FeatureSet, Metric, MetricValue, Result
from gan_cli.metrics.example_chunks import example_chunks
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, check_finite
from gan_cli.metrics.laplacian_pyramid import MIN_SIDE, laplacian_pyramid, level_shapes
from gan_cli.metrics.random_streams import generator
from gan_cli.statistics import jackknife_error, variance_of_mean

SCALE = 1000.0  # factor of distances between patches, as in the paper
DIRECTIONS_AT_ONCE = 32  # the projections on all directions may be larger than the rows
GROUPS = 10
"""Groups of examples of both sides that the jackknife leaves out, along one set of directions: 2.25 times the work of
the distance with the default of four sets. The standard error of ten groups varies by a quarter."""


def sliced_wasserstein(first: np.ndarray, second: np.ndarray, directions: np.ndarray) -> float:
    """Returns the mean over directions u of the first Wasserstein distance between the projections of two sets on u.

    On a line, between equally many points, that is the mean distance of the i-th smallest points of both sides.

    Args:
        first, second: `[n, dimensions]` each, n > 0.
        directions: `[count, dimensions]`, of length 1 for a distance in the units of the rows.

    Raises:
        ValueError: where there are not equally many rows of equal length.
    """
    if first.shape != second.shape or len(first) == 0:
        raise ValueError(f"Rows of shapes {first.shape} and {second.shape}: expected equal ones, at least one row.")
    total = 0.0
    for start in range(0, len(directions), DIRECTIONS_AT_ONCE):
        some = directions[start : start + DIRECTIONS_AT_ONCE]
        apart = np.sort(some @ first.T, axis=1) - np.sort(some @ second.T, axis=1)
        total += float(np.abs(apart).mean(axis=1, dtype=np.float64).sum())
    return total / len(directions)


def random_directions(count: int, dimensions: int, random: np.random.RandomState) -> np.ndarray:
    """Draws directions, float32 `[count, dimensions]`, uniformly from the unit sphere."""
    drawn = random.standard_normal((count, dimensions))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def random_patches(images: np.ndarray, per_image: int, side: int, random: np.random.RandomState) -> np.ndarray:
    """Draws square patches from uniformly random places of each image; each place once if there are fewer places.

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


def normalise_patches(patches: np.ndarray) -> np.ndarray:
    """Returns patches `[n, channels, side, side]` as rows `[n, channels * side * side]`, each channel
    normalised to mean 0 and deviation 1. A constant channel becomes 0.
    """
    mean = patches.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    deviation = patches.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    scaled = (patches - mean.astype(np.float32)) / np.where(deviation > 0, deviation, 1).astype(np.float32)
    return scaled.reshape(len(patches), -1)


class SlicedDistances(NamedTuple):
    """Distances of two sides with equally many examples.

    Attributes:
        of_sets: float64 `[repeats]`, the distance for each set of directions.
        without_group: float64 `[GROUPS]`, the distance for the first set without each group of examples of both sides.
            As there are equally many, the i-th ones of both sides together are one independent draw.
    """

    of_sets: np.ndarray
    without_group: np.ndarray


@dataclass(frozen=True)
class SlicedWasserstein(Metric):
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
        check_counts("swd", real, fake, minimum=10)

    def __call__(self, comparison: Comparison) -> Result:
        if not comparison.real.data.is_image:
            return self.of_points(comparison)
        count = min(comparison.real.count, comparison.fake.count, self.images)
        height, width, _ = comparison.real.data.shape
        shapes = level_shapes(height, width, max(self.patch_side, MIN_SIDE))
        real = self.patches_of(comparison.real, count, shapes, comparison.seed)
        fake = self.patches_of(comparison.fake, count, shapes, comparison.seed)
        found: list[SlicedDistances] = []
        for level in range(len(shapes)):
            comparison.reporter.progress("sliced Wasserstein distances", level, len(shapes))
            each = len(real[level]) // count
            own = self.distances(real[level], fake[level], each, normalise_patches, comparison.seed)
            found.append(SlicedDistances(SCALE * own.of_sets, SCALE * own.without_group))
        names = [f"swd_{down}" if down == across else f"swd_{down}x{across}" for down, across in shapes]
        levels = {name: self.value(distances) for name, distances in zip(names, found, strict=True)}
        mean = SlicedDistances(*(np.mean(parts, axis=0) for parts in zip(*found, strict=True)))
        few = f"Used {count:,} images of each side: compare only with distances of equally many."
        notes = (few,) if count < self.images else ()
        return Result({"swd": self.value(mean), **levels}, notes)

    def of_points(self, comparison: Comparison) -> Result:
        count = min(comparison.real.count, comparison.fake.count, self.images * self.patches)
        real = check_finite(comparison.real.examples(0, count), "coordinates", REAL)
        fake = check_finite(comparison.fake.examples(0, count), "coordinates", FAKE)
        return Result({"swd": self.value(self.distances(real, fake, 1, lambda rows: rows, comparison.seed))})

    def patches_of(
        self, feature_set: FeatureSet, count: int, shapes: list[tuple[int, int]], seed: int
    ) -> list[np.ndarray]:
        """Returns patches of each level, float32 `[patches, channels, side, side]`; images are read once.

        The places of patches are the same on both sides, so that a set has the distance 0 from itself.
        """
        found: list[np.ndarray] = []
        random = generator(seed, "places of patches")
        for start, images in example_chunks(feature_set, count):
            for level, band in enumerate(laplacian_pyramid(images, len(shapes))):
                drawn = random_patches(band, self.patches, self.patch_side, random)
                each = len(drawn) // len(images)
                if level == len(found):
                    found.append(np.empty((count * each, *drawn.shape[1:]), np.float32))
                found[level][start * each : start * each + len(drawn)] = drawn
        return found

    def distances(
        self, real: np.ndarray, fake: np.ndarray, each: int, prepare: Callable[[np.ndarray], np.ndarray], seed: int
    ) -> SlicedDistances:
        """Computes the distance for each set of directions, and without each group of examples.

        Args:
            real, fake: what is compared, `each` entries for each example.
            prepare: from entries to rows `[n, dimensions]`.
        """
        random, rows = generator(seed, "directions"), (prepare(real), prepare(fake))
        sets = [random_directions(self.directions, rows[0].shape[1], random) for _ in range(self.repeats)]
        of_sets = np.array([sliced_wasserstein(*rows, directions) for directions in sets])
        group = np.arange(len(real)) // each % GROUPS
        without = [
            sliced_wasserstein(prepare(real[group != out]), prepare(fake[group != out]), sets[0])
            for out in range(GROUPS)
        ]
        return SlicedDistances(of_sets, np.array(without))

    def value(self, distances: SlicedDistances) -> MetricValue:
        """Returns the mean over the sets of directions, with the error over draws of examples and of directions."""
        error = math.hypot(jackknife_error(distances.without_group), math.sqrt(variance_of_mean(distances.of_sets)))
        method = f"jackknife over {GROUPS} groups of both sides, and {self.repeats} sets of directions"
        return MetricValue(float(distances.of_sets.mean()), error, method)
