"""Mode coverage, where the modes of the data are known: a mixture of equal Gaussians, or labels that can be read.

The protocol of PacGAN (Lin et al., arXiv:1712.04086 section 4.1, after VEEGAN, arXiv:1705.07761): draw 2,500 samples;
one is good within three standard deviations of its nearest centre; a centre is found when a good sample lies at it;
the reverse Kullback-Leibler divergence goes from the good samples' shares of the centres to equal shares.

For Stacked MNIST (section 4.2) it is 26,000 samples, of each of which a classifier says which of the 1,000 modes it
shows; a mode is found when one sample shows it. Every sample shows some mode, so there is no share of good ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gan_cli.data import DataSpec, Source
from gan_cli.errors import ConfigError
from gan_cli.metrics import EXAMPLES, Comparison, Metric, MetricValue, Result
from gan_cli.metrics.example_chunks import example_chunks
from gan_cli.metrics.feature_chunks import check_counts
from gan_cli.metrics.mode_classifier import read_modes
from gan_cli.metrics.proportions import proportion_with_error
from gan_cli.metrics.random_streams import generator

SAMPLES = 2500  # the protocol's; with fewer, rare modes are missed, so numbers of other sizes do not compare
LABELLED_SAMPLES = 26_000  # the protocol's for modes that are read
GOOD_WITHIN = 3.0  # standard deviations
RESAMPLES = 200  # of the bootstrap


class ModeCoverage(NamedTuple):
    """What `count_modes` finds.

    Attributes:
        modes: how many centres are found, 0 to k; higher is better.
        good_share: share of good samples, 0 to 1. Of a perfect generator in the plane it is 1 - exp(-9/2) = 0.989.
        reverse_kl: in nats, 0 (every centre has an equal share) to ln k (all at one centre); infinite where no sample
            is good. Of a perfect generator it is about (k - 1) / 2n, by chance, where n samples are good.
    """

    modes: int
    good_share: float
    reverse_kl: float


def count_modes(points: np.ndarray, centres: np.ndarray, sigma: float) -> ModeCoverage:
    """Which of the centres the points cover, and how evenly.

    Args:
        points: generated, `[n, 2]`, n > 0; NaN is not good. The protocol's n is `SAMPLES`.
        centres: `[k, 2]`, k > 0.
        sigma: standard deviation of each Gaussian, in the units of the points.

    Raises:
        ValueError: without points or centres, or for a sigma that is not above 0.
    """
    counts = good_counts(points, centres, sigma)
    good_share = float(counts.sum() / len(points))
    return ModeCoverage(int(np.count_nonzero(counts)), good_share, divergence_from_equal(counts))


def good_counts(points: np.ndarray, centres: np.ndarray, sigma: float) -> np.ndarray:
    """int64 `[k]`, how many good samples each centre has; see `count_modes`."""
    if len(points) == 0 or len(centres) == 0:
        raise ValueError(f"{len(points)} points and {len(centres)} centres: expected at least one of each.")
    if not sigma > 0:
        raise ValueError(f"sigma={sigma}: expected a number above 0.")
    offsets = np.asarray(points, np.float64)[:, None, :] - np.asarray(centres, np.float64)[None, :, :]
    distances = np.nan_to_num(np.linalg.norm(offsets, axis=-1), nan=np.inf, posinf=np.inf)
    is_good = distances.min(axis=1) <= GOOD_WITHIN * sigma
    return np.bincount(distances.argmin(axis=1)[is_good], minlength=len(centres))


def label_counts(labels: np.ndarray, modes: int) -> np.ndarray:
    """int64 `[modes]`, how many labels there are of each mode.

    Args:
        labels: int `[n]` in 0 .. modes - 1, n > 0. The protocol's n is `LABELLED_SAMPLES`.
        modes: at least 1, all equally likely in the data.

    Raises:
        ValueError: without labels, or for one outside its range.
    """
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= modes:
        raise ValueError(f"{len(labels)} labels: expected at least one, each from 0 to {modes - 1}.")
    return np.bincount(labels, minlength=modes)


def divergence_from_equal(counts: np.ndarray) -> float:
    """Sum of p ln(p k) over the shares p of k counts, in nats; infinite where all are 0."""
    if counts.sum() == 0:
        return float("inf")
    shares = counts[counts > 0] / counts.sum()  # p ln p tends to 0 with p
    return float(np.sum(shares * np.log(shares * len(counts))))


@dataclass(frozen=True)
class KnownModes(Metric):
    """`metric=modes`, for ring, grid and stacked_mnist. It has no settings: other numbers would not compare."""

    values: ClassVar[Mapping[str, str]] = {"modes": "higher", "good_share": "higher", "reverse_kl": "lower"}
    needs: ClassVar[frozenset[str]] = frozenset({EXAMPLES})

    def check_source(self, source: Source | None) -> None:
        """Raises ConfigError for data whose modes are not known."""
        if source is None or (source.mixture() is None and source.channel_modes() is None):
            problem = "counts modes, which are known of dataset=ring, grid and stacked_mnist alone"
            raise ConfigError("", problem, advice="For other data, metric=prdc has a number for coverage.")

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        if data.classes == 0:
            self.check_source(None)
        check_counts("modes", None, fake, minimum=data.classes)

    def __call__(self, comparison: Comparison) -> Result:
        self.check_source(comparison.source)
        mixture = comparison.source.mixture() if comparison.source else None
        modes = comparison.source.channel_modes() if comparison.source else None
        protocol = LABELLED_SAMPLES if mixture is None else SAMPLES
        count = min(comparison.fake.count, protocol)
        examples = np.concatenate([some for _, some in example_chunks(comparison.fake, count)])
        if mixture is not None:
            values = mode_values(good_counts(examples, *mixture), comparison.seed, samples=count)
        else:
            assert modes is not None  # checked above
            labels = read_modes(examples, modes, comparison.reporter)
            values = mode_values(label_counts(labels, modes.count), comparison.seed)
        few = f"Counted among {count:,} samples; published numbers are of {protocol:,}, and fewer find fewer modes."
        return Result(values, (few,) if count < protocol else ())


def mode_values(counts: np.ndarray, seed: int, samples: int | None = None) -> dict[str, MetricValue]:
    """The metric's values of the number of samples at each mode; with `samples` the share of good ones among them."""
    values = {"modes": MetricValue(int(np.count_nonzero(counts)))}
    if samples is not None:
        values["good_share"] = proportion_with_error(int(counts.sum()), samples, "samples")
    values["reverse_kl"] = measured_divergence(counts, seed)
    return values


def measured_divergence(counts: np.ndarray, seed: int) -> MetricValue:
    """The reverse divergence with the deviation that other samples of as many would have."""
    value, total = divergence_from_equal(counts), int(counts.sum())
    if total == 0:
        return MetricValue(value, method="infinite: no sample is good")
    others = generator(seed, "bootstrap of counts of modes").multinomial(total, counts / total, size=RESAMPLES)
    deviation = float(np.std([divergence_from_equal(other) for other in others], ddof=1))
    return MetricValue(value, deviation, f"deviation over {RESAMPLES} bootstrap samples")
