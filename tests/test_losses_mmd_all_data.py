"""MMD of pixels with the attraction of all the data: exact, by Nyström's landmarks, block by block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import TINY
from runs import metric_lines

from gan_cli.commands.train import gan_train
from gan_cli.config.compatibility import check_parts
from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_job
from gan_cli.data import DataSpec, InMemory
from gan_cli.data.digits import Digits
from gan_cli.data.example_vectors import ExampleVectors
from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.mean_embedding import weighted_kernel_sums
from gan_cli.losses.mmd_pixels import MMDPixelsLoss

KERNELS: list[dict[str, Any]] = [
    {},
    {"kernel": "gaussian", "sigma": [1.0, 4.0]},
    {"kernel": "distance", "linear": 0.5},
]


def embedded(rows: Any) -> DiscriminatorOutput:
    return DiscriminatorOutput(None, embedding=tf.convert_to_tensor(rows, tf.float32))


def data_of(count: int, flip: bool = False) -> ExampleVectors:
    values = np.random.default_rng(0).integers(0, 256, (count, 3, 4, 1)).astype(np.uint8)
    return ExampleVectors(InMemory(DataSpec((3, 4, 1), count), values, np.zeros(count, np.int32), []), flip)


def samples(count: int, size: int = 12) -> tf.Variable:
    return tf.Variable(np.random.default_rng(1).uniform(-1, 1, (count, size)), dtype=tf.float32)


def value_and_gradient(loss: MMDPixelsLoss, fake: tf.Variable, data: ExampleVectors) -> tuple[float, np.ndarray]:
    constants = {name: tf.constant(array) for name, array in loss.constants(data).items()}
    with tf.GradientTape() as tape:
        value = loss.generator(embedded(fake), None, **constants)
    return float(value), tape.gradient(value, fake).numpy()


def against_all(loss: MMDPixelsLoss, fake: tf.Variable, data: ExampleVectors) -> tuple[float, np.ndarray]:
    """The loss of a batch that holds all of the data."""
    with tf.GradientTape() as tape:
        value = loss.generator(embedded(fake), embedded(np.concatenate(list(data.chunks()))))
    return float(value), tape.gradient(value, fake).numpy()


@pytest.mark.parametrize("settings", KERNELS, ids=str)
@pytest.mark.parametrize("attraction", ["all", "nystroem"])
def test_the_loss_is_that_of_a_batch_with_all_of_the_data(attraction: str, settings: dict[str, Any]) -> None:
    """As many landmarks as there are examples stand for the data exactly, but for the ridge."""
    data, fake = data_of(150), samples(20)
    expected = against_all(MMDPixelsLoss(**settings), fake, data)
    found = value_and_gradient(MMDPixelsLoss(**settings, attraction=attraction, landmarks=150), fake, data)
    assert found[0] == pytest.approx(expected[0], rel=1e-2, abs=1e-3)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-2, atol=1e-2 * np.abs(expected[1]).max())


def test_mirrored_images_attract_too() -> None:
    data = data_of(40, flip=True)
    images = np.concatenate(list(data.chunks())).reshape(80, 3, 4, 1)
    np.testing.assert_array_equal(images[40:], images[:40, :, ::-1])
    found = value_and_gradient(MMDPixelsLoss(attraction="all"), samples(9), data)
    np.testing.assert_allclose(found[1], against_all(MMDPixelsLoss(), samples(9), data)[1], rtol=1e-3, atol=1e-5)


def test_more_landmarks_stand_for_digits_more_exactly() -> None:
    data = ExampleVectors(Digits().open())
    fake = tf.Variable(data.read(np.arange(32)) + np.random.default_rng(0).normal(0, 0.3, (32, 64)), dtype=tf.float32)
    expected = value_and_gradient(MMDPixelsLoss(attraction="all"), fake, data)[1]
    errors = []
    for landmarks in (50, 300):
        found = value_and_gradient(MMDPixelsLoss(attraction="nystroem", landmarks=landmarks), fake, data)[1]
        errors.append(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    assert errors[1] < 0.5 * errors[0]


def test_blocks_do_not_change_sums_and_are_never_all_in_memory() -> None:
    loss, rows, columns = MMDPixelsLoss(), samples(20), samples(70)
    weights = tf.constant(np.random.default_rng(2).normal(size=70), tf.float32)
    found = []
    for block in (70, 16):
        with tf.GradientTape() as tape:
            sums = weighted_kernel_sums(loss.kernel_values, rows, columns, weights, block=block)
        found.append((sums.numpy(), tape.gradient(sums, rows).numpy()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)

    def graph_of(block: int) -> list[Any]:
        function = tf.function(lambda x: weighted_kernel_sums(loss.kernel_values, x, columns, block=block))
        graph = function.get_concrete_function(tf.TensorSpec([20, 12])).graph
        graphs = [graph, *(one.graph for one in graph._functions.values() if hasattr(one, "graph"))]
        return [out.shape.as_list() for one in graphs for op in one.get_operations() for out in op.outputs
                if out.shape.rank == 2]  # fmt: skip

    assert [20, 70] in graph_of(70)
    assert [20, 70] not in graph_of(16)


def test_metrics_compare_an_example_with_the_first_of_each_sample_but_not_with_itself() -> None:
    loss, data = MMDPixelsLoss(attraction="all"), data_of(600)
    real, fake = (tf.constant(data.read(np.arange(start, start + 300))) for start in (0, 300))
    assert loss.real_examples == 256
    kernels = loss.kernel_values(real, real).numpy()[:, :256]
    own = np.eye(300, 256, dtype=bool)
    to_real = np.where(own, 0.0, kernels).sum(1) / (~own).sum(1)
    to_fake = loss.kernel_values(real, fake).numpy()[:, :256].mean(1)
    np.testing.assert_allclose(loss.mmd_witness(real, real, fake), to_real - to_fake, rtol=1e-3, atol=1e-5)
    assert np.isfinite(loss.discriminator(embedded(real), embedded(fake)))


@pytest.mark.parametrize("words", [["loss.attraction=nystroem", "loss.landmarks=40"], ["loss.attraction=all"]])
def test_a_run_in_parts_learns_by_all_of_the_data(words: list[str]) -> None:
    small = ["model=mlp", "train.batch_size=32", "train.accumulate=4", "optimizer.learning_rate=0.005"]
    assert gan_train([*TINY, *small, "loss=mmd_pixels", *words, "train.steps=12", "hydra.run.dir=run"]) == 0
    lines = metric_lines(Path("run"))
    assert lines[-1]["generator_loss"] < lines[0]["generator_loss"]


class Streamed(InMemory):
    """Examples that pretend to be on disk."""

    is_in_memory = False  # type: ignore[assignment]


def test_what_all_of_the_data_can_not_attract_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^sigma=median: the median of a batch changes"):
        MMDPixelsLoss(kernel="gaussian", attraction="nystroem")
    with pytest.raises(ConfigError, match=r"^landmarks=0"):
        MMDPixelsLoss(landmarks=0)
    with pytest.raises(ConfigError, match=r"^attraction=al: expected one of batch, all, nystroem"):
        MMDPixelsLoss(attraction="al")
    plain = data_of(30).examples
    streamed = Streamed(plain.spec, plain.values, plain.labels, [])
    with pytest.raises(ConfigError, match=r"^loss.attraction=all: these examples are read from disk"):
        MMDPixelsLoss(attraction="all").constants(ExampleVectors(streamed))
    assert MMDPixelsLoss(attraction="nystroem", landmarks=5).constants(ExampleVectors(streamed))["weights"].shape == (
        5,
    )
    for words, key in ([["augment=diffaugment"], "augment"], [["train.pack=2"], "train.pack"]):
        job = build_job(compose("train", ["loss=mmd_pixels", "loss.attraction=nystroem", *words]).config)
        with pytest.raises(ConfigError, match=rf"^{key}=.*all of the data as it is"):
            check_parts(job)


def test_reading_all_of_the_data_shows_its_progress():
    calls: list[tuple[int, int]] = []
    data = data_of(600, flip=True)
    watched = ExampleVectors(data.examples, data.flip, lambda done, total: calls.append((done, total)))
    MMDPixelsLoss(attraction="nystroem", landmarks=8).constants(watched)
    assert calls == [(256, 1200), (512, 1200), (768, 1200), (1024, 1200), (1200, 1200)]
