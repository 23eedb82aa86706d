"""Inception's features against golden ones, with weights made from names instead of the trained ones.

tests/data/inception holds what torch-fidelity's port of the 2015-12-05 graph gives for three sets of images when it is
given the weights that `weight` makes, and the names and shapes of the constants of the original file.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inception_files import (
    GOLDEN,
    SETS,
    SHAPES,
    opened,
    shallow_file,
    weight,
    write_archive,
    write_graph,
)

from gan_cli.devices import dtype_policy, set_up_tensorflow
from gan_cli.features.inception import BATCH, as_input
from gan_cli.features.inception_graph import ARCHIVE, GRAPH
from gan_cli.features.inception_network import inception_network
from gan_cli.lazy import keras, tf

__all__ = ["shallow_file"]  # a fixture

TOLERANCE = 1e-5
"""Of a set's largest value. Measured: 0.8e-6, of float32's rounding through the depth of the network."""


@pytest.fixture(scope="module", autouse=True)
def as_in_a_run() -> None:
    set_up_tensorflow(seed=0, deterministic=True)


@pytest.fixture(scope="module")
def constants() -> dict[str, np.ndarray]:
    """What the original file holds, with other numbers."""
    return {name: weight(name, shape) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, constants: dict[str, np.ndarray]) -> Path:
    graph = write_graph(tmp_path_factory.mktemp("graph") / GRAPH, constants)
    files = {"LICENSE": b"Apache", GRAPH: graph.read_bytes(), "cropped_panda.jpg": b"a panda"}
    return write_archive(graph.with_name(ARCHIVE), files)


def golden(name: str) -> np.ndarray:
    with np.load(GOLDEN / "features.npz", allow_pickle=False) as arrays:
        return np.asarray(arrays[name])


def assert_golden(found: Any, name: str) -> None:
    expected = golden(name)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max(), err_msg=name)


def test_every_layer_of_every_set_is_the_golden_one_of_every_constant_but_the_bias_in_its_shape(
    constants: dict[str, np.ndarray],
) -> None:
    read: dict[str, list[int]] = {}

    def constant(name: str, shape: tuple[int, ...]) -> np.ndarray:
        read[name] = list(shape)
        return constants[name]

    images = tf.concat([as_input(tf.constant(golden(f"{name}_images"))) for name in SETS], axis=0)
    found = inception_network(constant)(images, training=False)
    assert read == {name: shape for name, shape in SHAPES.items() if name != "softmax/biases"}
    for place, name in enumerate(SETS):
        of_set = slice(3 * place, 3 * place + 3)
        for layer in ("64", "192", "768", "2048"):
            assert_golden(found[layer][of_set].numpy(), f"{name}_{layer}")
        assert_golden(found["logits"][of_set].numpy(), f"{name}_logits_unbiased")


def test_the_deepest_layer_depends_neither_on_other_images_nor_on_mixed_precision_and_has_logits(archive: Path) -> None:
    """Of two batches: the first of the images come again in the second one, at other places and before other images."""
    with dtype_policy("mixed_bfloat16"):
        deepest = opened(archive, layer=2048)
    images = np.random.default_rng(0).integers(0, 256, (BATCH + 4, *SETS["a32"]), dtype=np.uint8)
    images[:3] = golden("a32_images")
    images[BATCH:] = images[[BATCH - 1, 0, 1, 2]]
    found = deepest(images)
    assert found.logits is not None
    assert_golden(found.features[:3], "a32_2048")
    assert_golden(found.logits[:3], "a32_logits_unbiased")
    for array in found:
        np.testing.assert_array_equal(array[BATCH:], array[[BATCH - 1, 0, 1, 2]])
    assert (deepest.dimensions, deepest.classes) == (2048, 1008)


def test_a_shallower_layer_is_the_golden_one_and_has_no_logits(shallow_file: Path) -> None:
    embedding = opened(shallow_file, SETS["b64x48"])
    found = embedding(golden("b64x48_images"))
    assert_golden(found.features, "b64x48_64")
    assert found.logits is None
    assert (embedding.dimensions, embedding.classes) == (64, 0)


def test_grey_images_are_repeated_to_three_channels(shallow_file: Path) -> None:
    grey = golden("a32_images")[..., :1]
    in_colour = opened(shallow_file)(grey.repeat(3, axis=-1))
    np.testing.assert_array_equal(opened(shallow_file, (32, 32, 1))(grey).features, in_colour.features)


def test_images_of_the_networks_own_size_are_not_changed_by_resizing() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 299, 299, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_input(tf.constant(images)), (images - np.float32(128)) / np.float32(128))


def test_opening_moves_nothing_that_a_training_run_draws_from(constants: dict[str, np.ndarray]) -> None:
    def drawn() -> list[float]:
        return [random.random(), np.random.random(), float(keras.random.uniform([])), float(tf.random.uniform([]))]

    def names_given() -> int:
        return int(keras.layers.Conv2D(1, 1).name.removeprefix("conv2d").removeprefix("_") or 0)

    keras.utils.set_random_seed(1)
    alone, names_before = drawn(), names_given()
    keras.utils.set_random_seed(1)
    inception_network(lambda name, shape: constants[name])
    assert (drawn(), names_given()) == (alone, names_before + 1)
    assert keras.config.dtype_policy().name == "float32"


def test_a_missing_file_is_reported_without_tensorflow() -> None:
    program = """if True:
        import sys
        from gan_cli.errors import ConfigError
        from gan_cli.data import DataSpec
        from gan_cli.features.inception import Inception
        try:
            Inception(weights="nowhere.pb").check(DataSpec((32, 32, 3), 10))
        except ConfigError as error:
            print(error, "tensorflow" in sys.modules)
    """
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.startswith("weights=nowhere.pb: there is no such file")
    assert told.endswith("False\n")
