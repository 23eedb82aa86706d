"""Files of Inception's graph with weights made from names instead of the trained ones."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from gan_cli.data import DataSpec
from gan_cli.features import FeatureExtractor
from gan_cli.features.inception import Inception
from gan_cli.features.inception_graph import ARCHIVE, GRAPH
from gan_cli.lazy import tf
from gan_cli.progress import SilentReporter

GOLDEN = Path(__file__).parent / "data" / "inception"

SHAPES = json.loads((GOLDEN / "const_shapes.json").read_text())

FIRST = ("conv", "conv_1", "conv_2")

SETS = {"a32": (32, 32, 3), "b64x48": (64, 48, 3), "c128": (128, 128, 3)}


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
