"""Loops over the chunks of a batch, whose memory is that of one chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gan_cli.lazy import tf


def chunk_of(values: Any, chunk: Any, chunks: int) -> Any:
    """Returns chunk number `chunk`, an int32 scalar, of `chunks` equal ones along the first axis."""
    size = values.shape[0] // chunks
    return tf.slice(values, [chunk * size, *[0] * (values.shape.rank - 1)], [size, *values.shape[1:]])


def join_chunks(chunks: int, count: int, compute: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """Returns `count` tensors `[n, ...]`, each joined along its first axis from what `compute(chunk)` returns.

    No gradient flows through them.
    """
    shapes: list[Any] = [None] * count

    def body(chunk: Any, *arrays: Any) -> tuple[Any, ...]:
        values = [tf.stop_gradient(value) for value in compute(chunk)]
        shapes[:] = [value.shape for value in values]
        return (chunk + 1, *(array.write(chunk, value) for array, value in zip(arrays, values, strict=True)))

    arrays = [tf.TensorArray(tf.float32, size=chunks) for _ in range(count)]
    _, *arrays = tf.while_loop(
        lambda chunk, *_: chunk < chunks, body, (tf.constant(0), *arrays), parallel_iterations=1
    )  # fmt: skip
    stacked = [array.stack() for array in arrays]
    return [
        tf.reshape(values, [chunks * shape[0], *shape[1:]]) for values, shape in zip(stacked, shapes, strict=True)
    ]  # fmt: skip


def sum_chunks(chunks: int, zeros: Sequence[Any], compute: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """Returns the sums over all chunks of what `compute(chunk)` returns, tensors of the shapes of `zeros`."""

    def body(chunk: Any, *sums: Any) -> tuple[Any, ...]:
        return (chunk + 1, *(total + value for total, value in zip(sums, compute(chunk), strict=True)))

    _, *sums = tf.while_loop(
        lambda chunk, *_: chunk < chunks, body, (tf.constant(0), *zeros), parallel_iterations=1
    )  # fmt: skip
    return list(sums)
