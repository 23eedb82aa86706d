"""Inception's features against golden ones, with weights made from names instead of the trained ones.

tests/data/inception holds what torch-fidelity's port of the 2015-12-05 graph gives for three sets of images when it is
given the weights that `weight` makes, and the names and shapes of the constants of the original file.
"""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from file_server import Heard, Server, server

from gan_cli.cache import sha256_of_file
from gan_cli.data import DataSpec
from gan_cli.devices import dtype_policy, set_up_tensorflow
from gan_cli.errors import ConfigError
from gan_cli.features import FeatureExtractor
from gan_cli.features.inception import BATCH, Inception, as_input
from gan_cli.features.inception_graph import ARCHIVE, GRAPH, URL
from gan_cli.features.inception_network import inception_network
from gan_cli.features.inception_weights import RECORD, download_archive
from gan_cli.lazy import keras, tf
from gan_cli.progress import SilentReporter

__all__ = ["server"]  # a fixture

GOLDEN = Path(__file__).parent / "data" / "inception"
SHAPES = json.loads((GOLDEN / "const_shapes.json").read_text())
FIRST = ("conv", "conv_1", "conv_2")
SETS = {"a32": (32, 32, 3), "b64x48": (64, 48, 3), "c128": (128, 128, 3)}
TOLERANCE = 1e-5
"""Of a set's largest value. Measured: 0.8e-6, of float32's rounding through the depth of the network."""


def weight(name: str, shape: list[int]) -> np.ndarray:
    """A float32 constant of the graph, the same on every machine."""
    draws = np.random.RandomState(zlib.crc32(name.encode()))
    if name.endswith("conv2d_params"):
        array = draws.randn(*shape) * np.sqrt(2.0 / np.prod(shape[:3]))
    elif name.endswith(("gamma", "moving_variance")):
        array = draws.uniform(0.5, 1.5, shape)
    else:
        array = draws.randn(*shape) * (0.05 if name == "softmax/weights" else 0.1)
    return array.astype(np.float32)


def write_graph(path: Path, constants: Mapping[str, np.ndarray]) -> Path:
    """A frozen graph with these constants and a node of another kind."""
    from tensorflow.core.framework import graph_pb2

    graph = graph_pb2.GraphDef()
    graph.node.add(name="DecodeJpeg", op="DecodeJpeg")
    for name, array in constants.items():
        node = graph.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    path.write_bytes(graph.SerializeToString())
    return path


def write_archive(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=0) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="module", autouse=True)
def as_in_a_run() -> None:
    set_up_tensorflow(seed=0, deterministic=True)


@pytest.fixture(scope="module")
def constants() -> dict[str, np.ndarray]:
    """What the original file holds, with other numbers."""
    return {name: weight(name, shape) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def graph_file(tmp_path_factory: pytest.TempPathFactory, constants: dict[str, np.ndarray]) -> Path:
    return write_graph(tmp_path_factory.mktemp("graph") / GRAPH, constants)


@pytest.fixture(scope="module")
def archive(graph_file: Path) -> Path:
    files = {"LICENSE": b"Apache", GRAPH: graph_file.read_bytes(), "cropped_panda.jpg": b"a panda"}
    return write_archive(graph_file.with_name(ARCHIVE), files)


@pytest.fixture(scope="module")
def shallow_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much as the first layer needs: 120 kB instead of 95 MB."""
    first = {name: weight(name, shape) for name, shape in SHAPES.items() if name.split("/")[0] in FIRST}
    return write_graph(tmp_path_factory.mktemp("shallow") / GRAPH, first)


@pytest.fixture(scope="module")
def shallow_archive(shallow_file: Path) -> Path:
    return write_archive(shallow_file.with_name(ARCHIVE), {"LICENSE": b"Apache", GRAPH: shallow_file.read_bytes()})


def opened(weights: Path | None, shape: tuple[int, ...] = SETS["a32"], layer: int = 64) -> FeatureExtractor:
    settings = Inception(weights=None if weights is None else str(weights), layer=layer)
    return settings.load(DataSpec(shape, 10), None, SilentReporter())


@pytest.fixture(scope="module")
def deepest(archive: Path) -> FeatureExtractor:
    """Opened amid a run of mixed precision."""
    with dtype_policy("mixed_bfloat16"):
        return opened(archive, layer=2048)


def golden(name: str) -> np.ndarray:
    with np.load(GOLDEN / "features.npz", allow_pickle=False) as arrays:
        return np.asarray(arrays[name])


def assert_golden(found: Any, name: str) -> None:
    expected = golden(name)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max(), err_msg=name)


def test_every_layer_of_every_set_of_images_is_the_golden_one(constants: dict[str, np.ndarray]) -> None:
    images = tf.concat([as_input(tf.constant(golden(f"{name}_images"))) for name in SETS], axis=0)
    found = inception_network(lambda name, shape: constants[name])(images, training=False)
    for place, name in enumerate(SETS):
        of_set = slice(3 * place, 3 * place + 3)
        for layer in ("64", "192", "768", "2048"):
            assert_golden(found[layer][of_set].numpy(), f"{name}_{layer}")
        assert_golden(found["logits"][of_set].numpy(), f"{name}_logits_unbiased")


def test_the_network_reads_every_constant_but_the_bias_in_its_shape(constants: dict[str, np.ndarray]) -> None:
    asked: dict[str, list[int]] = {}

    def remember(name: str, shape: tuple[int, ...]) -> np.ndarray:
        asked[name] = list(shape)
        return constants[name]

    inception_network(remember)
    assert asked == {name: shape for name, shape in SHAPES.items() if name != "softmax/biases"}


def test_the_deepest_layer_has_logits_and_mixed_precision_changes_nothing(deepest: FeatureExtractor) -> None:
    found = deepest(golden("a32_images"))
    assert_golden(found.features, "a32_2048")
    assert_golden(found.logits, "a32_logits_unbiased")
    assert (deepest.dimensions, deepest.classes) == (2048, 1008)


def test_what_is_given_for_an_image_does_not_depend_on_the_others(deepest: FeatureExtractor) -> None:
    images = np.random.default_rng(0).integers(0, 256, (BATCH + 1, *SETS["a32"]), dtype=np.uint8)
    together, last, first = deepest(images), deepest(images[-1:]), deepest(images[:1])
    for both, one, other in zip(together, last, first, strict=True):
        assert both is not None
        np.testing.assert_array_equal(both[-1:], one)
        np.testing.assert_array_equal(both[:1], other)


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


def test_the_identity_is_of_the_graph_files_bytes_however_it_came(shallow_file: Path, shallow_archive: Path) -> None:
    identity = opened(shallow_file).identity
    assert identity["weights_sha256"] == sha256_of_file(shallow_file)
    assert identity["layer"] == 64
    assert json.loads(json.dumps(identity)) == opened(shallow_archive).identity


def test_weights_are_downloaded_once_and_shown(
    shallow_archive: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_CLI_CACHE", "cache")
    server.content, server.breaks_after = shallow_archive.read_bytes(), [100_000]
    heard = Heard()
    assert download_archive(server.url, heard) == Path("cache/inception", ARCHIVE)
    assert download_archive(server.url, heard) == Path("cache/inception", ARCHIVE)
    assert server.asked == ["", "bytes=100000-"]
    assert server.url in heard.lines[0]
    assert heard.steps
    embedding = Inception(layer=64, download=False).load(DataSpec(SETS["a32"], 10), None, heard)
    assert embedding.identity["weights_sha256"] in heard.lines[-1]


def test_weights_that_were_exchanged_since_their_first_use_are_refused(
    shallow_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_CLI_CACHE", "cache")
    Path("cache/inception").mkdir(parents=True)
    cached = Path("cache/inception", GRAPH)
    cached.write_bytes(shallow_file.read_bytes())
    assert opened(None).identity["weights_sha256"] == opened(None).identity["weights_sha256"]
    record = Path("cache/inception", RECORD)
    assert json.loads(record.read_text())["sha256"] == sha256_of_file(cached)
    others = {name: weight(name, shape) * 2 for name, shape in SHAPES.items() if name.split("/")[0] in FIRST}
    write_graph(cached, others)
    with pytest.raises(ConfigError, match=r"weights=null: .*is not the file of the first use: its SHA-256 is .*Delete"):
        opened(None)
    heard = Heard()
    Inception(weights=str(cached), layer=64).load(DataSpec(SETS["a32"], 10), None, heard)
    assert any("do not compare" in line for line in heard.lines)
    for damage in (b"", b"[]", b"{", b"[" * 100_000):
        record.write_bytes(damage)
        opened(None)


def test_a_damaged_download_is_reported_and_removed(
    shallow_archive: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_CLI_CACHE", "cache")
    content = bytearray(shallow_archive.read_bytes())
    content[50_000] ^= 1
    server.content = bytes(content)
    with pytest.raises(ConfigError, match=r"gave is damaged .*; it was removed") as error:
        download_archive(server.url, SilentReporter())
    assert error.value.key == "weights"
    assert not Path("cache/inception", ARCHIVE).exists()


def test_without_a_network_both_ways_to_get_the_weights_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_CLI_CACHE", "cache")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # where nobody listens
    with pytest.raises(ConfigError) as error:
        opened(None)
    assert error.value.key == "weights"
    for part in (URL, "cache/inception", "features=inception features.weights=PATH"):
        assert part in str(error.value)
    with pytest.raises(ConfigError, match="nothing may be downloaded"):
        Inception(download=False).check(DataSpec(SETS["a32"], 10))


def damaged(kind: str, graph: Path, archive: Path) -> Path:
    """A file that holds no such weights, in one of the ways there are."""
    few = {"conv/conv2d_params": weight("conv/conv2d_params", [3, 3, 3, 32])}
    path = Path(f"{kind}.file")
    if kind == "cut graph":
        path.write_bytes(graph.read_bytes()[:50_000])
    elif kind == "cut archive":
        path.write_bytes(archive.read_bytes()[:50_000])
    elif kind == "archive of something else":
        write_archive(path, {"labels.txt": b"cat"})
    elif kind == "text":
        path.write_text("<html>Please log in</html>")
    elif kind == "nothing":
        path.touch()
    elif kind == "few constants":
        write_graph(path, few)
    elif kind == "other shape":
        write_graph(path, {"conv/conv2d_params": few["conv/conv2d_params"][:1]})
    elif kind == "not finite":
        write_graph(path, {"conv/conv2d_params": few["conv/conv2d_params"] * np.float32(np.nan)})
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nothing", "has no constant conv/conv2d_params"),
        ("text", "is damaged or no TensorFlow graph"),
        ("cut graph", "is damaged or no TensorFlow graph"),
        ("cut archive", "is damaged or no archive"),
        ("archive of something else", f"holds no {GRAPH}"),
        ("few constants", "has no constant conv/batchnorm/gamma"),
        ("other shape", r"conv/conv2d_params is no float32 array of shape \(3, 3, 3, 32\)"),
        ("not finite", "conv/conv2d_params has numbers that are not finite"),
    ],
)
def test_weights_that_are_none_are_reported(kind: str, message: str, shallow_file: Path, shallow_archive: Path) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        opened(damaged(kind, shallow_file, shallow_archive))
    assert error.value.key == "weights"
    assert URL in str(error.value)


def test_a_path_to_no_file_is_reported_before_anything_else() -> None:
    Path("folder").mkdir()
    Path("weights.pb").touch()
    for name, message in (("weight.pb", "no such file or folder.*weights.pb"), ("folder", "is a folder")):
        with pytest.raises(ConfigError, match=message):
            Inception(weights=name).check(DataSpec(SETS["a32"], 10))


@pytest.mark.parametrize(
    ("shape", "advice"),
    [((2,), "features=pixels"), ((8, 8, 4), "dataset.channels=rgb"), ((8, 8, 2), "features=random")],
)
def test_other_data_is_refused_with_advice(shape: tuple[int, ...], advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        Inception().check(DataSpec(shape, 10))


def test_a_layer_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one of 64, 192, 768, 2048"):
        Inception(layer=512)


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
