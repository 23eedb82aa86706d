"""Input pipeline: shuffled batches of real examples as float32 tensors, from memory or prefetched from disk.

The order (`gan_cli.data.example_order`, `balanced_order`) is a function of the seed and the step alone. Nothing about
it is stored, so resuming costs nothing, and data in memory and streamed data come in the same order.

A step uses two functions. On the host, `feed(step, count)` gives the tensors that one graph call of `count` steps
needs. Inside the graph, `batch(feed, ...)` takes one batch out of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import numpy as np

from gan_cli.data import DataSpec, ExampleBatch, Examples, InMemory
from gan_cli.data.aligned_array import is_shareable
from gan_cli.data.balanced_order import BalancedOrder
from gan_cli.data.example_order import step_indices
from gan_cli.data.splits import Subset
from gan_cli.lazy import tf
from gan_cli.random_seeds import Purpose, fold

LONGEST_CALL = 1000  # steps
CALL_BYTES = 2**28  # largest size of the streamed examples of one graph call; as much again is prefetched
PREFETCH = 4  # batches that are read in advance, beyond those of the next call


class Batches(Protocol):
    """Real batches for the training step."""

    longest_call: int
    """Largest number of steps of one graph call, so that its inputs stay small."""

    def signature(self) -> tuple[Any, Any]:
        """Shapes and types of what `feed` gives, the same for every number of steps."""
        ...

    def feed(self, step: int, count: int) -> tuple[Any, Any]:
        """Inputs of a graph call for steps `step` .. `step + count - 1`: values and labels."""
        ...

    def batch(self, feed: tuple[Any, Any], first_step: Any, step: Any) -> ExampleBatch:
        """Examples `[critic_steps, batch, *shape]` float32 and labels `[critic_steps, batch]` int32 of one step.

        Args:
            feed: what `feed` gave for the call that began with `first_step`.
            first_step, step: int64 scalars.
        """
        ...

    def close(self) -> None: ...


Order = Callable[[Any, int], Any]
"""Maps a step, int64 scalar, and a number of examples to the indices of the examples of the step, int64 `[count]`."""


def open_batches(
    examples: Examples, batch_size: int, critic_steps: int, seed: int, flip: bool, balance: bool = False
) -> Batches:
    """The batches of a data set, from memory or streamed; with `balance`, of each class equally many examples."""
    order = order_of(examples, seed, balance)
    if isinstance(examples, InMemory):
        return BatchesInMemory(examples, batch_size, critic_steps, seed, flip, order=order)
    if isinstance(examples, Subset) and isinstance(examples.whole, InMemory):
        return BatchesInMemory(examples.whole, batch_size, critic_steps, seed, flip, examples.indices, order)
    return StreamedBatches(examples, batch_size, critic_steps, seed, flip, order)


def order_of(examples: Examples, seed: int, balance: bool) -> Order:
    """The order in which a run gets the examples."""
    count = examples.spec.examples
    if balance:
        return BalancedOrder(examples.read_labels(np.arange(count)), seed)
    return partial(step_indices, examples=count, seed=seed)


def prepare(values: Any, spec: DataSpec, seed: int, flip: bool, step: Any) -> Any:
    """Converts stored values to float32 in the data's range, and mirrors them at random where `flip` is set."""
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
    """Batches of data in the device's memory, gathered inside the graph.

    Args:
        rows: int64 `[n]`, the rows of `examples` that are used; None for all.
        order: of the rows; None for the shuffled one.
    """

    longest_call = LONGEST_CALL

    def __init__(
        self,
        examples: InMemory,
        batch_size: int,
        critic_steps: int,
        seed: int,
        flip: bool,
        rows: np.ndarray | None = None,
        order: Order | None = None,
    ) -> None:
        self.spec, self.seed, self.flip = examples.spec, seed, flip and examples.spec.is_image
        self.leading = (critic_steps, batch_size)
        self.tensors = ExampleBatch(to_tensor(examples.values), tf.constant(examples.labels))
        count = examples.spec.examples if rows is None else len(rows)
        self.order = order or partial(step_indices, examples=count, seed=seed)
        self.rows = None if rows is None else tf.constant(rows, tf.int64)

    def signature(self) -> tuple[Any, Any]:
        values, labels = self.tensors
        return tf.TensorSpec(values.shape, values.dtype), tf.TensorSpec(labels.shape, labels.dtype)

    def feed(self, step: int, count: int) -> tuple[Any, Any]:
        return self.tensors

    def batch(self, feed: tuple[Any, Any], first_step: Any, step: Any) -> ExampleBatch:
        indices = self.order(step, math.prod(self.leading))
        if self.rows is not None:
            indices = tf.gather(self.rows, indices)
        values = prepare(tf.gather(feed[0], indices), self.spec, self.seed, self.flip, step)
        labels = tf.gather(feed[1], indices)
        return ExampleBatch(tf.reshape(values, [*self.leading, *self.spec.shape]), tf.reshape(labels, self.leading))

    def close(self) -> None:
        pass


def to_tensor(values: np.ndarray) -> Any:
    """A tensor of `values`; on a CPU it shares their memory, where `tf.constant` needs three times as much."""
    if is_shareable(values) and not tf.config.list_logical_devices("GPU"):
        return tf.experimental.dlpack.from_dlpack(values.__dlpack__())
    return tf.constant(values)


class StreamedBatches:
    """Batches that threads read from disk while the device computes."""

    def __init__(
        self,
        examples: Examples,
        batch_size: int,
        critic_steps: int,
        seed: int,
        flip: bool,
        order: Order | None = None,
    ) -> None:
        self.examples, self.spec, self.seed = examples, examples.spec, seed
        self.order = order or partial(step_indices, examples=examples.spec.examples, seed=seed)
        self.flip = flip and examples.spec.is_image
        self.leading = (critic_steps, batch_size)
        self.readers = ThreadPoolExecutor(max_workers=min(16, os.cpu_count() or 1), thread_name_prefix="reader")
        self.pending: dict[int, Future[ExampleBatch]] = {}
        self.stored_type = np.dtype(np.uint8 if self.spec.is_image else np.float32)
        step_bytes = math.prod((*self.leading, *self.spec.shape)) * self.stored_type.itemsize
        self.longest_call = max(1, min(LONGEST_CALL, CALL_BYTES // step_bytes))

    def signature(self) -> tuple[Any, Any]:
        count = math.prod(self.leading)
        values = tf.TensorSpec([None, count, *self.spec.shape], self.stored_type)
        return values, tf.TensorSpec([None, count], tf.int32)

    def feed(self, step: int, count: int) -> tuple[Any, Any]:
        for ahead in range(step, step + count + max(count, PREFETCH)):
            if ahead not in self.pending:
                self.pending[ahead] = self.readers.submit(self.read, ahead)
        read = [self.pending.pop(now).result() for now in range(step, step + count)]
        values, labels = np.stack([batch.values for batch in read]), np.stack([batch.labels for batch in read])
        return ExampleBatch(tf.constant(values), tf.constant(labels))

    def read(self, step: int) -> ExampleBatch:
        with tf.device("CPU"):
            step_tensor = tf.constant(step, tf.int64)
            indices = self.order(step_tensor, math.prod(self.leading)).numpy()
        return self.examples.read(indices)

    def batch(self, feed: tuple[Any, Any], first_step: Any, step: Any) -> ExampleBatch:
        values = prepare(feed[0][step - first_step], self.spec, self.seed, self.flip, step)
        labels = feed[1][step - first_step]
        return ExampleBatch(tf.reshape(values, [*self.leading, *self.spec.shape]), tf.reshape(labels, self.leading))

    def close(self) -> None:
        self.readers.shutdown(wait=True, cancel_futures=True)
