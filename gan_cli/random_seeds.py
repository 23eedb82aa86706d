"""Random numbers as functions of the seed, what they are for, and when: nothing to store, nothing to resume."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from gan_cli.lazy import tf


class Purpose(IntEnum):
    """What random numbers are drawn for. Values are part of every run: add, never renumber."""

    ORDER = 1
    FLIP = 2
    LATENTS = 3
    PENALTY = 4
    AUGMENTATION = 5
    NEIGHBOURS = 6


def fold(seed: int, purpose: int, *counts: Any) -> Any:
    """A seed for TensorFlow's stateless functions, its own for each purpose and each tuple of counts.

    Args:
        seed: of the run.
        purpose: a `Purpose`.
        counts: integers or integer scalar tensors: the step, the update in it, ...

    Returns:
        int32 `[2]`.
    """
    word = tf.constant([seed, int(purpose)], tf.int32)
    for count in counts:
        word = tf.random.experimental.stateless_fold_in(word, tf.cast(count, tf.int32))
    return word
