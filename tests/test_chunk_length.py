"""Examples are read in chunks of a bounded size: memory does not grow with the number of large images."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from gan_cli.data import DataSpec, ExampleBatch, Examples
from gan_cli.data.chunk_length import CHUNK_BYTES, chunk_length
from gan_cli.data.content_hash import hash_examples
from gan_cli.data.npz import Npz
from gan_cli.evaluation.checkpoint_diagnostics import FirstExamples
from gan_cli.evaluation.example_sets import GeneratedExamples, StoredExamples
from gan_cli.evaluation.feature_store import StoredFeatures, write_features
from gan_cli.features import ExtractedFeatures, FeatureExtractor
from gan_cli.features.pixels import Flattened
from gan_cli.features.random_network import batch_size_for
from gan_cli.lazy import tf
from gan_cli.metrics.feature_chunks import REAL, feature_chunks
from gan_cli.progress import SilentReporter
from gan_cli.sampling.latents import Latents
from gan_cli.tournament.discriminator_scores import ExampleFile
from gan_cli.trained_models import score_examples as module_of_scores
from gan_cli.trained_models.score_examples import score_examples

LARGE = (1024, 1024, 3)
COUNT = 120
"""Large images: 360 MiB as uint8."""
MOST_BYTES = 100 * 2**20


class BlankImages(Examples):
    """Large images that take no memory until they are read."""

    spec = DataSpec(LARGE, COUNT, 2)

    def __init__(self) -> None:
        self.skipped = []

    def read(self, indices: np.ndarray) -> ExampleBatch:
        values = np.zeros((len(indices), *LARGE), np.uint8)
        values[:, 0, 0, 0] = indices
        return ExampleBatch(values, indices.astype(np.int32) % 2)


class FirstPixel(FeatureExtractor):
    """The first pixel of an image."""

    dimensions, classes, identity, batch_size = 1, 0, {"name": "first"}, 4

    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        return ExtractedFeatures(examples[:, 0, 0, :1].astype(np.float32))


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Fails where more than MOST_BYTES are allocated inside at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("example_bytes", "batch", "length"),
    [
        (784, 1, 256),
        (147 * 147 * 3, 1, 256),
        (1024 * 1024 * 3, 1, 5),
        (1024 * 1024 * 3, 4, 4),
        (1024 * 1024 * 3, 64, 64),
        (64 * 64 * 3, 128, 256),
        (784, 100, 200),
        (CHUNK_BYTES * 100, 1, 1),
    ],
)
def test_a_chunk_has_a_bounded_size_and_whole_batches(example_bytes: int, batch: int, length: int) -> None:
    assert chunk_length(example_bytes, batch) == length


def extract(images: StoredExamples, folder: Path) -> None:
    write_features(images, FirstPixel(), folder, SilentReporter(), "real")
    assert np.array_equal(np.load(folder / "features.npy")[:, 0], images.order)


def hash_all(images: StoredExamples, folder: Path) -> None:
    assert hash_examples(images.whole, np.arange(COUNT)).content


def read_all_labels(images: StoredExamples, folder: Path) -> None:
    assert images.labels is not None
    assert np.array_equal(images.labels, images.order % 2)


@pytest.mark.parametrize("work", [extract, hash_all, read_all_labels])
def test_memory_does_not_grow_with_the_number_of_large_images(
    work: Callable[[StoredExamples, Path], None], tmp_path: Path
) -> None:
    images = StoredExamples(BlankImages(), {})
    with bounded_memory():
        work(images, tmp_path)


def test_a_discriminator_scores_large_images_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    class FirstPixels:
        """Takes packs of two images."""

        inputs: ClassVar[list[Any]] = [SimpleNamespace(shape=(None, *LARGE[:2], 2 * LARGE[2]))]

    monkeypatch.setattr(module_of_scores, "BATCH", 4)
    monkeypatch.setattr(module_of_scores, "_forward", lambda model: lambda rows: rows[:, 0, 0, 0])
    images = StoredExamples(BlankImages(), {})
    tf.zeros(1)  # TensorFlow is imported here
    with bounded_memory():
        logits = score_examples(FirstPixels(), FirstExamples(images))  # type: ignore[arg-type]
    assert np.array_equal(logits, images.order[::2])


def test_pixels_as_features_are_read_in_chunks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    features = StoredFeatures(StoredExamples(BlankImages(), {}), Flattened(int(np.prod(LARGE))), {})
    monkeypatch.setattr("gan_cli.metrics.feature_chunks.CHUNK_BYTES", 3 * 4 * int(np.prod(LARGE)))
    assert [len(rows) for rows in feature_chunks(features, REAL, stop=8)] == [3, 3, 2]


def test_a_tournament_stores_and_reads_large_images_in_parts(tmp_path: Path) -> None:
    images = StoredExamples(BlankImages(), {})
    file = ExampleFile(tmp_path / "images", images.data, 6)
    file.write(images.read)
    assert np.array_equal(file[2:5][:, 0, 0, 0], images.order[2:5])
    assert file[4:100].shape == (2, *LARGE)


def test_a_large_array_of_floats_is_converted_in_parts(tmp_path: Path) -> None:
    """160 MiB in the file, 20 MiB as uint8."""
    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float64, (20, 1024, 1024))
    array[:, 0, 0] = 1.0
    del array
    with bounded_memory():
        assert Npz(path=str(tmp_path / "x.npy"), channels="grey").open().spec.examples == 20


def test_a_generator_makes_no_example_twice_whatever_the_chunks() -> None:
    class Counted:
        metadata: Any = None
        seeds: ClassVar[list[int]] = []

        def latents(self, seeds: list[int], truncation: float) -> Latents:
            self.seeds += seeds
            return Latents(np.array(seeds))

        def render(self, inputs: Latents) -> np.ndarray:
            return inputs.z

    generator = Counted()
    examples = GeneratedExamples(generator, {}, 150, seed=7)  # type: ignore[arg-type]
    read = np.concatenate([examples.read(start, min(start + 5, 150)) for start in range(0, 150, 5)])
    assert np.array_equal(read, 7 + examples.order)
    assert sorted(generator.seeds) == list(range(7, 157))


def test_the_random_network_takes_smaller_batches_of_large_images() -> None:
    assert [batch_size_for((side, side, 3)) for side in (32, 256, 482, 1024, 2048)] == [32, 32, 32, 4, 1]
