"""Seeds of stateless random numbers: functions of the run's seed, the purpose and the step, so nothing is stored."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from gan_cli.lazy import tf


class Purpose(IntEnum):
    """The use of random numbers. The values are part of every run: add new ones, never renumber."""

    ORDER = 1
    FLIP = 2
    LATENTS = 3
    PENALTY = 4
    AUGMENTATION = 5
    PERTURBATION = 6
    CLASS_ORDER = 7
    CODES = 8
    NOISE = 9
    PHASE_INPUTS = 10
    PHASE_PENALTY = 11


def fold(seed: int, purpose: int, *counts: Any) -> Any:
    """Returns a seed for TensorFlow's stateless functions, a different one for each purpose and each tuple of counts.

    Args:
        seed: the run's seed.
        purpose: a `Purpose`.
        counts: integers or integer scalar tensors: the step, the update in it, ...

    Returns:
        int32 `[2]`.
    """
    word = tf.constant([seed, int(purpose)], tf.int32)
    for count in counts:
        word = tf.random.experimental.stateless_fold_in(word, tf.cast(count, tf.int32))
    return word
