"""An order that draws each class equally often (`dataset.balance=true`).

Of k classes that have examples, each run of k places, a round, holds every class once, in an order of its own. The
examples of a class come epoch after epoch: each once, in another order each time. Everything is a function of the seed
and the place, so that nothing is stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_cli.data.example_order import permuted
from gan_cli.lazy import tf
from gan_cli.random_seeds import Purpose


class BalancedOrder:
    """The endless order of examples with labels; those without a class are never drawn.

    Args:
        labels: int32 `[n]`, at least one of them not NO_LABEL.
        seed: of the run.
    """

    def __init__(self, labels: np.ndarray, seed: int) -> None:
        by_class = np.argsort(labels, kind="stable")
        counts = np.bincount(labels[labels >= 0])
        starts = np.count_nonzero(labels < 0) + np.cumsum(counts) - counts
        present = np.flatnonzero(counts)
        self.seed, self.classes = seed, len(present)
        self.numbers = tf.constant(present, tf.int64)
        self.rows = tf.constant(by_class, tf.int64)
        self.counts, self.starts = tf.constant(counts[present], tf.int64), tf.constant(starts[present], tf.int64)

    def __call__(self, step: Any, count: int) -> Any:
        """Indices of the examples of a step, int64 `[count]`; `step` is an int64 scalar, from 0."""
        places = step * count + tf.range(count, dtype=tf.int64)
        rounds, within = places // self.classes, places % self.classes
        slots = permuted(within, self.classes, self.seed, Purpose.CLASS_ORDER, rounds)
        counts = tf.gather(self.counts, slots)
        # Another order for each epoch of each class; the number is unique as long as it fits into 32 bits.
        epochs = (rounds // counts) * self.classes + slots
        places_in_class = permuted(rounds % counts, counts, self.seed, Purpose.ORDER, epochs)
        return tf.gather(self.rows, tf.gather(self.starts, slots) + places_in_class)
