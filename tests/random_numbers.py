"""Random numbers that are the same where XLA compiles what draws them, which TensorFlow's own are not."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf


def draw_alike_where_xla_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts counted and mixed whole numbers in the place of TensorFlow's stateless generator; XLA has one of its own."""
    monkeypatch.setattr(tf.random, "stateless_uniform", uniform)
    monkeypatch.setattr(tf.random, "stateless_normal", normal)
    monkeypatch.setattr(tf.random.experimental, "stateless_split", split)
    monkeypatch.setattr(tf.random.experimental, "stateless_fold_in", fold_in)


def words(shape: Any, seed: Any) -> Any:
    """uint32 of a shape: the counts from 0 on, mixed with both words of a seed (MurmurHash3's last mixing)."""
    word = tf.reshape(tf.range(tf.reduce_prod(tf.cast(shape, tf.int32))), shape)
    for number in (*tf.unstack(seed), 0):
        word = tf.cast(word, tf.uint32) ^ tf.cast(number, tf.uint32)
        for factor, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13), (1, 16)):
            word = (word ^ tf.bitwise.right_shift(word, tf.constant(shift, tf.uint32))) * tf.constant(factor, tf.uint32)
    return word


def uniform(shape: Any, seed: Any, minval: Any = 0, maxval: Any = 1, dtype: Any = tf.float32) -> Any:
    word = words(shape, seed)
    if dtype != tf.float32:
        return minval + tf.cast(word % (maxval - minval), dtype)
    return (
        minval + (maxval - minval) * tf.cast(tf.bitwise.right_shift(word, tf.constant(8, tf.uint32)), dtype) / 2.0**24
    )


def normal(shape: Any, seed: Any) -> Any:
    """Four uniform numbers' sum, of deviation 1: near enough to normal, and computed by exact steps."""
    return tf.sqrt(3.0) * (tf.add_n([uniform(shape, part) for part in tf.unstack(split(seed, 4))]) - 2.0)


def fold_in(seed: Any, data: Any) -> Any:
    return split(tf.concat([seed, [data]], axis=0), 1)[0]


def split(seed: Any, num: int) -> Any:
    return tf.cast(tf.bitwise.right_shift(words([num, 2], seed), tf.constant(1, tf.uint32)), tf.int32)
