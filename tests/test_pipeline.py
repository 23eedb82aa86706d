"""Which examples a step sees is a function of the seed and the step, in memory and from disk alike."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.data import DataSpec, ExampleBatch, Examples, InMemory, SkippedFile
from gan_cli.data.aligned_array import aligned_empty
from gan_cli.data.pipeline import (
    BatchesInMemory,
    StreamedBatches,
    mirror_at_random,
    open_batches,
    step_indices,
    to_float,
)
from gan_cli.data.splits import split_held_out

SPEC = DataSpec((2, 3, 1), examples=10, classes=5)
VALUES = np.arange(60, dtype=np.uint8).reshape(10, 2, 3, 1)
MEMORY = InMemory(SPEC, VALUES, np.arange(10, dtype=np.int32) % 5, [])


class OnDisk(Examples):
    """The same examples, to be read when they are asked for."""

    spec = SPEC
    skipped: list[SkippedFile] = []  # noqa: RUF012

    def read(self, indices: np.ndarray) -> ExampleBatch:
        return MEMORY.read(indices)


def seen(step: int, count: int = 4, seed: int = 0) -> list[int]:
    found: list[int] = step_indices(tf.constant(step, tf.int64), count, 10, seed).numpy().tolist()
    return found


def test_each_example_comes_once_an_epoch_and_epochs_differ() -> None:
    order = [index for step in range(25) for index in seen(step)]
    epochs = [order[start : start + 10] for start in range(0, 100, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 10


def test_the_order_depends_on_the_seed_and_on_nothing_that_went_before() -> None:
    assert seen(17) == seen(17)
    assert [seen(step, seed=1) for step in range(5)] != [seen(step, seed=2) for step in range(5)]


@pytest.mark.parametrize("examples", [640, 1000, 1797, 5000])
def test_examples_that_are_sorted_by_class_come_mixed(examples: int) -> None:
    batch, classes, ratios = 64, 10, []
    chance = batch * 0.1 * 0.9 * (examples - batch) / (examples - 1)  # variance of a class's count in a batch
    for seed in range(4):
        order = step_indices(tf.constant(0, tf.int64), examples, examples, seed).numpy()
        batches = (order * classes // examples)[: examples // batch * batch].reshape(-1, batch)
        counts = np.stack([np.bincount(row, minlength=classes) for row in batches])
        ratios.append(counts.var(axis=0).mean() / chance)
    assert 0.8 < np.mean(ratios) < 1.2


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("first", "count"), [(0, 3), (5, 1), (7, 4)])
def test_streamed_batches_equal_those_in_memory(flip: bool, first: int, count: int) -> None:
    kinds = [open_batches(examples, 4, 2, seed=3, flip=flip) for examples in (MEMORY, OnDisk())]
    assert [type(kind) for kind in kinds] == [BatchesInMemory, StreamedBatches]
    feeds = [kind.feed(first, count) for kind in kinds]
    for step in range(first, first + count):
        for kind, feed in zip(kinds, feeds, strict=True):
            values, labels = kind.batch(feed, tf.constant(first, tf.int64), tf.constant(step, tf.int64))
            assert values.shape == (2, 4, 2, 3, 1)
            assert labels.shape == (2, 4)
            if kind is kinds[0]:
                expected = values, labels
        np.testing.assert_array_equal(values, expected[0])
        np.testing.assert_array_equal(labels, expected[1])
    kinds[1].close()


def test_labels_stay_with_their_images() -> None:
    batches = open_batches(MEMORY, 4, 1, seed=0, flip=False)
    values, labels = batches.batch(batches.feed(2, 1), tf.constant(2, tf.int64), tf.constant(2, tf.int64))
    indices = np.array(seen(2))
    np.testing.assert_array_equal(labels[0], indices % 5)
    np.testing.assert_allclose(values[0], VALUES[indices] / 127.5 - 1.0, atol=1e-6)


def test_pixels_become_numbers_from_minus_one_to_one_and_points_stay() -> None:
    pixels = to_float(tf.constant([[[[0]], [[255]]]], tf.uint8), DataSpec((2, 1, 1), 1))
    np.testing.assert_array_equal(np.array(pixels).ravel(), [-1.0, 1.0])
    np.testing.assert_array_equal(to_float(tf.constant([[3.0, -4.0]]), DataSpec((2,), 1)), [[3.0, -4.0]])


def test_about_half_of_the_images_are_mirrored_left_to_right() -> None:
    images = tf.tile(tf.constant([0.0, 1.0, 2.0])[None, None, :, None], [1000, 2, 1, 1])
    mirrored = np.array(mirror_at_random(images, tf.constant([1, 2])))
    flipped = mirrored[:, 0, 0, 0] == 2.0
    assert 430 < flipped.sum() < 570
    np.testing.assert_array_equal(mirrored[flipped][:, :, ::-1], np.array(images)[: flipped.sum()])


def test_data_in_memory_is_not_copied_on_a_cpu() -> None:
    values = aligned_empty((64, 8, 8, 3), np.uint8)
    values[:] = 7
    whole = InMemory(DataSpec((8, 8, 3), 64), values, np.zeros(64, np.int32), [])
    training, held_out = split_held_out(whole, 0.25)
    assert held_out is not None
    for examples in (whole, training, held_out):
        batches = open_batches(examples, 4, 1, seed=0, flip=False)
        values[:] = 9
        batch, _ = batches.batch(batches.feed(0, 1), tf.constant(0, tf.int64), tf.constant(0, tf.int64))
        np.testing.assert_allclose(batch, 9 / 127.5 - 1, atol=1e-6)
        values[:] = 7


def test_a_split_gives_the_same_batches_in_memory_and_streamed() -> None:
    for kept, streamed in zip(split_held_out(MEMORY, 0.3), split_held_out(OnDisk(), 0.3), strict=True):
        assert kept is not None
        assert streamed is not None
        batches = [open_batches(examples, 3, 1, seed=3, flip=True) for examples in (kept, streamed)]
        step = tf.constant(5, tf.int64)
        first, second = (each.batch(each.feed(5, 1), step, step) for each in batches)
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
        batches[1].close()
