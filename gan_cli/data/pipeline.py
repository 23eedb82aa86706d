"""Which examples a step sees, as float32 tensors.

The order is a function of the seed and the step alone: epoch after epoch, each example once an epoch, permuted anew
each time (`RandomIndexShuffle`, a keyed permutation that is computed for each index alone). Nothing about it is stored,
so resuming costs nothing, and data in memory and data on disk come in the same order.

A step asks in two places. On the host, `feed(step, count)` gives the tensors that one graph call of `count` steps
needs. Inside the graph, `batch(feed, ...)` takes one batch out of them.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from gan_cli.data import DataSpec, Examples, InMemory
from gan_cli.lazy import tf
from gan_cli.random_seeds import Purpose, fold

ROUNDS = 12
"""Of the permutation's cipher. With TensorFlow's own default of 4, neighbours stay neighbours: batches of 1,797
examples sorted by class held up to 6 times the variance of class counts that chance gives; from 8 on none was told."""
LONGEST_CALL = 1000  # steps
CALL_BYTES = 2**28  # of streamed examples at most in one graph call; as much again is read ahead
READ_AHEAD = 4  # batches read before they are asked for, beyond those of the next call


class Batches(Protocol):
    """Real batches for the training step."""

    longest_call: int
    """How many steps a graph call may have, so that what it is given stays small."""

    def signature(self) -> tuple[Any, Any]:
        """Shapes and types of what `feed` gives, the same for every number of steps."""
        ...

    def feed(self, step: int, count: int) -> tuple[Any, Any]:
        """What a graph call for steps `step` .. `step + count - 1` is given: values and labels."""
        ...

    def batch(self, feed: tuple[Any, Any], first_step: Any, step: Any) -> tuple[Any, Any]:
        """Examples `[critic_steps, batch, *shape]` float32 and labels `[critic_steps, batch]` int32 of one step.

        Args:
            feed: what `feed` gave for the call that began with `first_step`.
            first_step, step: int64 scalars.
        """
        ...

    def close(self) -> None: ...


def open_batches(examples: Examples, batch_size: int, critic_steps: int, seed: int, flip: bool) -> Batches:
    """The batches of a data set, from memory where it is there."""
    if isinstance(examples, InMemory):
        return BatchesInMemory(examples, batch_size, critic_steps, seed, flip)
    return StreamedBatches(examples, batch_size, critic_steps, seed, flip)


def step_indices(step: Any, count: int, examples: int, seed: int) -> Any:
    """Which examples a step sees: places `step * count` .. `(step + 1) * count - 1` of the endless order.

    Args:
        step: int64 scalar, from 0.
        count: examples a step.
        examples: size of the data set.
        seed: of the run.

    Returns:
        int64 `[count]` in 0 .. examples - 1.
    """
    places = step * count + tf.range(count, dtype=tf.int64)
    epoch, place = places // examples, places % examples
    fixed = tf.constant([[seed, int(Purpose.ORDER)]], tf.int32)
    seeds = tf.concat([tf.tile(fixed, [count, 1]), tf.cast(epoch, tf.int32)[:, None]], axis=1)
    # The operation itself: tf.random.experimental.index_shuffle pads a matrix of seeds on the wrong side (TF 2.21).
    return tf.raw_ops.RandomIndexShuffle(index=place, seed=seeds, max_index=np.int64(examples - 1), rounds=ROUNDS)


def prepare(values: Any, spec: DataSpec, seed: int, flip: bool, step: Any) -> Any:
    """What the models see of stored values: float32 in the data's range, mirrored at random where that is asked for."""
    floats = to_float(values, spec)
    return mirror_at_random(floats, fold(seed, Purpose.FLIP, step)) if flip else floats


def to_float(values: Any, spec: DataSpec) -> Any:
    """uint8 images in [0, 255] to float32 in [-1, 1]; points as they are."""
    values = tf.cast(values, tf.float32)
    return values / 127.5 - 1.0 if spec.is_image else values


def mirror_at_random(images: Any, seed: Any) -> Any:
    """Each image of `[batch, height, width, channels]` mirrored left to right with probability 1/2."""
    coin = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < 0.5
    return tf.where(coin, tf.reverse(images, axis=[2]), images)


class BatchesInMemory:
    """Batches of data that lies in the device's memory and is looked up inside the graph."""

    longest_call = LONGEST_CALL

    def __init__(self, examples: InMemory, batch_size: int, critic_steps: int, seed: int, flip: bool) -> None:
        self.spec, self.seed, self.flip = examples.spec, seed, flip and examples.spec.is_image
        self.leading = (critic_steps, batch_size)
        self.tensors = (tf.constant(examples.values), tf.constant(examples.labels))

    def signature(self) -> tuple[Any, Any]:
        values, labels = self.tensors
        return tf.TensorSpec(values.shape, values.dtype), tf.TensorSpec(labels.shape, labels.dtype)

    def feed(self, step: int, count: int) -> tuple[Any, Any]:
        return self.tensors

    def batch(self, feed: tuple[Any, Any], first_step: Any, step: Any) -> tuple[Any, Any]:
        indices = step_indices(step, math.prod(self.leading), self.spec.examples, self.seed)
        values = prepare(tf.gather(feed[0], indices), self.spec, self.seed, self.flip, step)
        labels = tf.gather(feed[1], indices)
        return tf.reshape(values, [*self.leading, *self.spec.shape]), tf.reshape(labels, self.leading)

    def close(self) -> None:
        pass


class StreamedBatches:
    """Batches that threads read from disk while the device computes."""

    def __init__(self, examples: Examples, batch_size: int, critic_steps: int, seed: int, flip: bool) -> None:
        self.examples, self.spec, self.seed = examples, examples.spec, seed
        self.flip = flip and examples.spec.is_image
        self.leading = (critic_steps, batch_size)
        self.readers = ThreadPoolExecutor(max_workers=min(16, os.cpu_count() or 1), thread_name_prefix="reader")
        self.pending: dict[int, Future[tuple[np.ndarray, np.ndarray]]] = {}
        self.stored_type = np.dtype(np.uint8 if self.spec.is_image else np.float32)
        step_bytes = math.prod((*self.leading, *self.spec.shape)) * self.stored_type.itemsize
        self.longest_call = max(1, min(LONGEST_CALL, CALL_BYTES // step_bytes))

    def signature(self) -> tuple[Any, Any]:
        count = math.prod(self.leading)
        values = tf.TensorSpec([None, count, *self.spec.shape], self.stored_type)
        return values, tf.TensorSpec([None, count], tf.int32)

    def feed(self, step: int, count: int) -> tuple[Any, Any]:
        for ahead in range(step, step + count + max(count, READ_AHEAD)):
            if ahead not in self.pending:
                self.pending[ahead] = self.readers.submit(self.read, ahead)
        read = [self.pending.pop(now).result() for now in range(step, step + count)]
        return tf.constant(np.stack([values for values, _ in read])), tf.constant(np.stack([lab for _, lab in read]))

    def read(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        with tf.device("CPU"):
            step_tensor = tf.constant(step, tf.int64)
            indices = step_indices(step_tensor, math.prod(self.leading), self.spec.examples, self.seed).numpy()
        return self.examples.read(indices)

    def batch(self, feed: tuple[Any, Any], first_step: Any, step: Any) -> tuple[Any, Any]:
        values = prepare(feed[0][step - first_step], self.spec, self.seed, self.flip, step)
        labels = feed[1][step - first_step]
        return tf.reshape(values, [*self.leading, *self.spec.shape]), tf.reshape(labels, self.leading)

    def close(self) -> None:
        self.readers.shutdown(wait=True, cancel_futures=True)
