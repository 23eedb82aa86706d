"""Similarity of generated images to each other, beside that of real ones: MS-SSIM of random pairs.

Odena, Olah and Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs", arXiv:1610.09585, section
4.2: pairs of one class, where both sides have classes, so that a class that collapsed to one image shows. Without
classes, pairs of any two images. No image is in two pairs. Collapse gives more than real images have; so does blur,
and noise gives less, so neither side of the real value is better by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.metrics import EXAMPLES, Comparison, FeatureSet, Metric, MetricValue, Result
from gan_cli.metrics.example_chunks import example_chunks
from gan_cli.metrics.feature_chunks import check_counts
from gan_cli.metrics.ms_ssim import WEIGHTS, ms_ssim, scales_that_fit
from gan_cli.statistics import standard_error_of_mean

BLOCK = 2**19  # values of the images of one side that are compared at once; about ten maps of that size are needed


def pair_places(labels: np.ndarray, pairs: int) -> np.ndarray:
    """Pairs of examples of one class, equally many of each class as far as there are examples, none used twice.

    Args:
        labels: `[count]`, the class of each example; all equal pairs any two.
        pairs: of all classes together, at least one of each.

    Returns:
        int64 `[at most pairs, 2]`, the first examples of each class, ordered by the second of each pair.
    """
    classes = np.unique(labels)
    each = max(1, pairs // len(classes))
    of_class = [np.flatnonzero(labels == label)[: 2 * each] for label in classes]
    found = np.concatenate([members[: len(members) // 2 * 2].reshape(-1, 2) for members in of_class])
    return found[np.argsort(found[:, 1])]


def read_pairs(side: FeatureSet, places: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The images at `places`, as `pair_places` orders them: firsts and seconds, each `[n, height, width, channels]`.

    Memory holds a chunk, and the firsts that still wait for their second.
    """
    count = int(places.max()) + 1
    waiting: dict[int, np.ndarray] = {}
    for start, images in example_chunks(side, count):
        stop = start + len(images)
        begins = places[(places[:, 0] >= start) & (places[:, 0] < stop), 0]
        waiting.update({place: images[place - start] for place in begins.tolist()})
        done = places[(places[:, 1] >= start) & (places[:, 1] < stop)]
        if len(done):
            yield np.stack([waiting.pop(place) for place in done[:, 0].tolist()]), images[done[:, 1] - start]
        waiting = {place: image.copy() for place, image in waiting.items()}  # lets go of the chunk


def similarities(side: FeatureSet, within_classes: bool, pairs: int) -> np.ndarray:
    """float64 `[at most pairs]`, the MS-SSIM of pairs: of one class each, or of any two."""
    labels = side.labels if within_classes and side.labels is not None else np.zeros(side.count, np.int32)
    places = pair_places(labels, pairs)
    if len(places) < 2:
        raise ConfigError("samples", "diversity needs two examples of a class, and none has them", side.count)
    block = max(1, BLOCK // math.prod(side.data.shape))
    found = [
        ms_ssim(first[start : start + block], second[start : start + block])
        for first, second in read_pairs(side, places)
        for start in range(0, len(first), block)
    ]
    return np.concatenate(found)


@dataclass(frozen=True)
class PairSimilarity(Metric):
    """`metric=diversity`. configs/metric/diversity.yaml explains each key.

    Raises:
        ConfigError: for fewer than ten pairs.
    """

    pairs: int = 1000

    values: ClassVar[Mapping[str, str]] = {"ms_ssim": "", "ms_ssim_real": ""}
    needs: ClassVar[frozenset[str]] = frozenset({EXAMPLES})

    def __post_init__(self) -> None:
        check_number("pairs", self.pairs, at_least=10)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        if not data.is_image:
            raise ConfigError("", "compares images, and this data set holds points", advice="Use metric=modes.")
        check_counts("diversity", real, fake, minimum=max(20, 2 * data.classes))

    def __call__(self, comparison: Comparison) -> Result:
        real, fake = comparison.real, comparison.fake
        within = real.labels is not None and fake.labels is not None
        kind = "one class" if within else "any two"
        comparison.reporter.progress("comparing pairs of images", 0, 2)
        found = similarities(fake, within, self.pairs)
        comparison.reporter.progress("comparing pairs of images", 1, 2)
        of_real = real.cached(f"MS-SSIM, {self.pairs} pairs of {kind}", lambda: similarities(real, within, self.pairs))
        values = {"ms_ssim": mean_with_error(found, kind), "ms_ssim_real": mean_with_error(of_real, kind)}
        return Result(values, tuple(self.notes(comparison, within)))

    def notes(self, comparison: Comparison, within: bool) -> Iterator[str]:
        if comparison.real.labels is not None and not within:
            yield "The generated images have no classes, so pairs are of any two images on both sides."
        height, width = comparison.real.data.shape[:2]
        scales = scales_that_fit(height, width)
        if scales < len(WEIGHTS):
            yield (
                f"Images of {height}x{width} have room for {scales} of MS-SSIM's {len(WEIGHTS)} scales; the numbers do "
                "not compare with those of other sizes."
            )


def mean_with_error(similarities: np.ndarray, of: str) -> MetricValue:
    count = len(similarities)
    error = standard_error_of_mean(similarities)
    return MetricValue(float(similarities.mean()), error, f"standard error over {count:,} pairs of {of}")
