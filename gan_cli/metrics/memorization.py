"""Whether generated examples are copies of training examples: how far each is from the nearest of them.

A distance says nothing by itself, so the same is measured of real examples that the generator did not see: held-out
ones, or, where there are none, training examples to the nearest other one. Three samples, as in the data-copying test
of Meehan et al. 2020, "A Non-Parametric Test to Detect Data-Copying in Generative Models", arXiv:2004.05675:

- `memorization`: the share of generated examples that are as near as the nearest 1 % of real ones. Of a generator that
  copies nothing it is about 1 %. Near is meant relatively: the distance to the nearest training example over the mean
  one to the nearest 50, as in Carlini et al. 2023 (arXiv:2301.13188, section 5), since plain images lie near to others
  in any case.
- `data_copying`: of a generated and a real example drawn at random, how often the generated one is nearer. 0.5 where
  both are equally near, 1 where all is copied; the Mann-Whitney U of their global test over the number of pairs.

Below these a generator makes what is unlike any training example, so neither side is better by itself. The picture
shows the generated examples that are relatively nearest beside their nearest training examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.metrics import EXAMPLES, FEATURES, Comparison, FeatureSet, Metric, MetricValue, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, feature_chunks, read_features
from gan_cli.metrics.nearest_neighbours import Neighbours, nearest
from gan_cli.metrics.random_streams import generator
from gan_cli.plotting.image_grid import GRID_SIDE, MODES, image_grid
from gan_cli.statistics import placements, wilson

HELD_OUT = "held-out"
AROUND = 50  # neighbours; Carlini et al. 2023, section 5
SHOWN = 3  # neighbours in a row of the picture
RESAMPLES = 200  # of the bootstrap
LEAST = 100  # real examples, so that there is a nearest hundredth of them


def relative_distances(distances: np.ndarray) -> np.ndarray:
    """The first of each row `[n, neighbours]` of ascending distances, over their mean: from 0, a copy, to 1."""
    mean = distances.mean(axis=1)
    return np.divide(distances[:, 0], mean, out=np.zeros(len(mean)), where=mean > 0)


def copied_share(fake: np.ndarray, real: np.ndarray, quantile: float) -> float:
    """Share of generated examples whose distance is at most that of the real one which bounds the nearest `quantile`.

    Args:
        fake, real: distances of any kind from what is copied, `[m]` and `[n]`.
        quantile: above 0, below 1; at least the nearest real one counts.

    Returns:
        Where both are equally near, about k / (n + 1) with k the whole number nearest to quantile · n.
    """
    place = max(1, round(quantile * len(real))) - 1
    return float(np.mean(fake <= np.partition(real, place)[place]))


@dataclass(frozen=True)
class NearestTraining(Metric):
    """`metric=memorization`. configs/metric/memorization.yaml explains each key.

    Raises:
        ConfigError: for a number outside its range.
    """

    max_samples: int = 2000
    quantile: float = 0.01
    rows: int = 10

    values: ClassVar[Mapping[str, str]] = {
        "memorization": "",
        "data_copying": "",
        "nearest_distance": "",
        "nearest_distance_real": "",
    }
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES, EXAMPLES})
    uses_held_out: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("max_samples", self.max_samples, at_least=LEAST)
        check_number("quantile", self.quantile, above=0, below=1)
        check_number("rows", self.rows, at_least=1)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("memorization", real, fake, minimum=LEAST)

    def __call__(self, comparison: Comparison) -> Result:
        fake = read_features(comparison.fake, FAKE, self.max_samples)
        around = min(AROUND, comparison.real.count - 1)
        comparison.reporter.progress("looking for the nearest training examples", 0, 2)
        found = nearest(fake, feature_chunks(comparison.real, REAL), around)
        comparison.reporter.progress("looking for the nearest training examples", 1, 2)
        key = f"distances of {self.max_samples} real examples to the nearest"
        of_real = comparison.real.cached(key, lambda: self.real_distances(comparison, around))
        values = self.measured(found.distances, of_real, comparison.seed)
        pictures = self.pictures(comparison, found)
        return Result(values, tuple(self.notes(comparison, len(of_real))), pictures)

    def real_distances(self, comparison: Comparison, around: int) -> np.ndarray:
        """float64 `[examples, around]`: of held-out examples, or of training ones to the nearest others."""
        chunks = feature_chunks(comparison.real, REAL)
        held_out = held_out_of(comparison)
        if held_out is not None:
            return nearest(read_features(held_out, HELD_OUT, self.max_samples), chunks, around).distances
        training = read_features(comparison.real, REAL, self.max_samples)
        return nearest(training, chunks, around, own=np.arange(len(training))).distances

    def measured(self, fake: np.ndarray, real: np.ndarray, seed: int) -> dict[str, MetricValue]:
        """The numbers of distances `[m, around]` and `[n, around]`, with their spread where both are resampled."""
        fake, real = (np.stack([side[:, 0], relative_distances(side)], axis=1) for side in (fake, real))

        def numbers(fake: np.ndarray, real: np.ndarray) -> list[float]:
            shares = copied_share(fake[:, 1], real[:, 1], self.quantile), placements(real[:, 0], fake[:, 0]).share
            return [*shares, float(np.median(fake[:, 0])), float(np.median(real[:, 0]))]

        def drawn_anew(side: np.ndarray) -> np.ndarray:
            drawn: np.ndarray = side[random.randint(len(side), size=len(side))]
            return drawn

        random = generator(seed, "bootstrap of distances to training examples")
        draws = [numbers(drawn_anew(fake), drawn_anew(real)) for _ in range(RESAMPLES)]
        errors = np.std(draws, axis=0, ddof=1)
        lows, highs = np.percentile(draws, [2.5, 97.5], axis=0)
        by = f"deviation and percentiles over {RESAMPLES} bootstrap samples of {len(fake):,} generated and "
        by += f"{len(real):,} real examples"
        found = numbers(fake, real)
        low, high = wilson(round(found[0] * len(fake)), len(fake))  # all draws of no copies have none either
        lows[0], highs[0] = min(low, lows[0]), max(high, highs[0])
        each = zip(self.values, found, errors, lows, highs, strict=True)
        return {name: MetricValue(v, float(e), by, float(low), float(high)) for name, v, e, low, high in each}

    def pictures(self, comparison: Comparison, found: Neighbours) -> dict[str, Any]:
        data = comparison.real.data
        if not data.is_image or data.shape[2] not in MODES:
            return {}
        worst = np.argsort(relative_distances(found.distances), kind="stable")[: self.rows].tolist()
        fake = np.concatenate([comparison.fake.examples(place, place + 1) for place in worst])
        places = [place for row in worst for place in found.places[row, :SHOWN].tolist()]
        training = np.concatenate([comparison.real.examples(place, place + 1) for place in places])
        return {"nearest_pairs": pairs_picture(fake, training)}

    def notes(self, comparison: Comparison, baseline: int) -> Iterator[str]:
        real, fakes = comparison.real, comparison.fake.count
        if fakes > self.max_samples:
            yield f"{self.max_samples:,} of the {fakes:,} generated examples used (max_samples={self.max_samples})."
        if held_out_of(comparison) is None:
            yield (
                "Without held-out examples the distances of real ones are those of training examples to the nearest "
                "other one. eval.held_out=0.1 keeps some from training; data sets with a test split have them."
            )
        if baseline < LEAST:
            yield f"{baseline:,} real examples have no nearest hundredth; give more, or more held-out ones."
        if real.count < real.data.examples:
            yield (
                f"Copies of the {real.data.examples - real.count:,} training examples beyond "
                f"real_samples={real.count} are not seen."
            )


def held_out_of(comparison: Comparison) -> FeatureSet | None:
    """Real examples that the generator did not see, where there are some."""
    return comparison.held_out if comparison.held_out is not None and comparison.held_out.count else None


def pairs_picture(fake: np.ndarray, training: np.ndarray, scale: int | None = None) -> Image.Image:
    """A row for each generated image: itself, then, a little apart, its nearest training images.

    Args:
        fake: uint8 `[rows, height, width, channels]`, 1, 3 or 4 channels.
        training: `[rows * k, height, width, channels]`, k for each row.
        scale: pixels to a pixel; None for the largest with which the picture has about a thousand pixels a side.
    """
    rows, height, width = fake.shape[:3]
    columns = len(training) // rows
    if scale is None:
        scale = max(1, GRID_SIDE // max((columns + 2) * (width + 1), rows * (height + 1)))
    left, right = image_grid(fake, rows, 1, scale), image_grid(training, rows, columns, scale)
    apart = max(left.width // 4, 1)
    picture = Image.new(right.mode, (left.width + apart + right.width, right.height), "white")
    picture.paste(left, (0, 0))
    picture.paste(right, (left.width + apart, 0))
    return picture
