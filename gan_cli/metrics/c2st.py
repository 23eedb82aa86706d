"""Classifier two-sample tests: how often a classifier tells generated examples from real ones; 0.5 is chance.

Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests", arXiv:1610.06545: a fresh classifier learns from one
half of both sides, what counts is its accuracy on the other half. Theirs of section 4, one hidden layer of 20 rectified
units trained for 100 epochs with Adam, is `c2st`.

`c2st_nearest` is the accuracy of the nearest neighbour, each example left out in its turn: Xu et al. 2018, "An
empirical study on evaluation metrics of generative adversarial networks", arXiv:1806.07755. Told apart by side: among
real examples it is low where generated ones lie closer by than other real ones do, among generated ones it is high
where they lie close together. Below 0.5 on both, generated examples are copies of the real ones beside them,
so that a lower one is no better by itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.metrics import FEATURES, Comparison, Result
from gan_cli.metrics.feature_chunks import FAKE, REAL, check_counts, features_of, notes_of_bound
from gan_cli.metrics.nearest_neighbours import nearest
from gan_cli.metrics.proportions import proportion_with_error
from gan_cli.metrics.random_generators import generator

LEARNING_RATE = 0.01
"""Adam's. With 0.001, 200 rows a step and 100 epochs, two sets of 200 that lie wholly apart were told with an accuracy
of 0.93, and 2,000 points near a circle from a Gaussian with 0.70; with 0.01 it was 1 and 0.81."""
LEAST = 20  # examples a side; the interval of an accuracy of 0.5 over 20 is 0.30 to 0.70


def nearest_neighbour_hits(real: np.ndarray, fake: np.ndarray, seed: int) -> tuple[int, int]:
    """How many real and how many generated rows have a nearest neighbour, themselves left out, of their own side.

    Args:
        real, fake: `[n, dimensions]` each, equally many.
        seed: decides between neighbours at the same distance.
    """
    rows = np.concatenate([real, fake])
    is_real = np.arange(len(rows)) < len(real)
    order = generator(seed, "order of equally near neighbours").permutation(len(rows))
    rows, is_real = rows[order], is_real[order]
    found = nearest(rows, [rows], own=np.arange(len(rows)))
    hit = is_real[found.places[:, 0]] == is_real
    return int(hit[is_real].sum()), int(hit[~is_real].sum())


def held_out_hits(real: np.ndarray, fake: np.ndarray, hidden: int, epochs: int, seed: int) -> tuple[int, int]:
    """How many held-out rows a network tells rightly, and how many there were.

    It learns from a random half of either side, its inputs brought to mean 0 and deviation 1 there.

    Args:
        real, fake: float32 `[n, dimensions]` each, equally many, at least 4.
        hidden: units of the hidden layer.
        epochs: passes over the half that it learns from.
        seed: of the halves, the weights and the order of rows.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    random = generator(seed, "classifier of two samples")
    half = len(real) // 2
    sides = [rows[random.permutation(len(rows))] for rows in (real, fake)]
    learned, held_out = (np.concatenate(parts) for parts in zip(*((s[:half], s[half:]) for s in sides), strict=True))
    mean, deviation = learned.mean(axis=0, dtype=np.float64), learned.std(axis=0, dtype=np.float64)
    deviation[deviation == 0] = 1
    network = MLPClassifier(
        (hidden,),
        learning_rate_init=LEARNING_RATE,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=random.randint(2**31),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is to stop after so many epochs
        network.fit(((learned - mean) / deviation).astype(np.float32), np.repeat([0, 1], half))
    told = network.predict(((held_out - mean) / deviation).astype(np.float32))
    return int(np.count_nonzero(told == np.repeat([0, 1], len(real) - half))), len(held_out)


@dataclass(frozen=True)
class ClassifierTest:
    """`metric=c2st`. configs/metric/c2st.yaml explains each key.

    Raises:
        ConfigError: for a number that is too small.
    """

    most: int = 5000
    hidden: int = 20
    epochs: int = 100

    values: ClassVar[Mapping[str, str]] = {
        "c2st": "lower",
        "c2st_nearest": "",
        "c2st_nearest_real": "",
        "c2st_nearest_fake": "",
    }
    needs: ClassVar[frozenset[str]] = frozenset({FEATURES})

    def __post_init__(self) -> None:
        check_number("most", self.most, at_least=LEAST)
        check_number("hidden", self.hidden, at_least=1)
        check_number("epochs", self.epochs, at_least=1)

    def check(self, data: DataSpec, real: int | None, fake: int) -> None:
        check_counts("c2st", real, fake, least=LEAST)

    def __call__(self, comparison: Comparison) -> Result:
        count = min(comparison.real.count, comparison.fake.count, self.most)
        real = features_of(comparison.real, REAL, count)
        fake = features_of(comparison.fake, FAKE, count)
        comparison.teller.progress("telling real from generated", 0, 2)
        of_real, of_fake = nearest_neighbour_hits(real, fake, comparison.seed)
        comparison.teller.progress("telling real from generated", 1, 2)
        hits, trials = held_out_hits(real, fake, self.hidden, self.epochs, comparison.seed)
        values = {
            "c2st": proportion_with_error(hits, trials, "held-out examples"),
            "c2st_nearest": proportion_with_error(of_real + of_fake, 2 * count, "examples"),
            "c2st_nearest_real": proportion_with_error(of_real, count, "real examples"),
            "c2st_nearest_fake": proportion_with_error(of_fake, count, "generated examples"),
        }
        highest = values["c2st_nearest"].high
        copied = highest is not None and highest < 0.5
        note = "Nearest neighbours tend to be of the other side: generated examples are close to copies of real ones."
        return Result(values, notes_of_bound(comparison, self.most) + ((note,) if copied else ()))
