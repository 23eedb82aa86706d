"""The file that holds Inception's weights, read as data: a frozen TensorFlow graph, of which nothing is ever run.

`classify_image_graph_def.pb` is a `GraphDef`; its weights are `Const` nodes. It comes in an archive,
`inception-2015-12-05.tgz`; either is taken, and either has the hash of the graph file's bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.cache import CHUNK_BYTES
from gan_cli.lazy import tf

GRAPH = "classify_image_graph_def.pb"
ARCHIVE = "inception-2015-12-05.tgz"
URL = f"https://storage.googleapis.com/download.tensorflow.org/models/image/imagenet/{ARCHIVE}"
"""Also http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz, the name that papers give."""
LARGEST = 2**29
"""Bytes of a graph file that are read into memory; the weights are 96 MB of numbers."""


class GraphError(Exception):
    """What is wrong with a file, as a clause without a full stop."""


@dataclass(frozen=True)
class FrozenGraph:
    """The constants of a graph.

    Attributes:
        constants: `TensorProto`s by the names of their nodes.
        sha256: of the graph file's bytes.
    """

    constants: Mapping[str, Any]
    sha256: str

    def tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """The float32 constant `name`, of exactly that shape.

        Raises:
            GraphError: where there is none such, or it holds numbers that are not finite.
        """
        if name not in self.constants:
            raise GraphError(f"is not the Inception graph of 2015-12-05: it has no constant {name}")
        proto = self.constants[name]
        found = tuple(dimension.size for dimension in proto.tensor_shape.dim)
        if proto.dtype != tf.float32.as_datatype_enum or found != shape:  # before an array of any size is made
            raise GraphError(f"is not the Inception graph of 2015-12-05: {name} is no float32 array of shape {shape}")
        try:
            array = tf.make_ndarray(proto)
        except (ValueError, TypeError) as error:
            raise GraphError(f"is damaged: {name} has not as many numbers as its shape {shape} needs") from error
        if not np.isfinite(array).all():
            raise GraphError(f"is damaged: {name} has numbers that are not finite")
        return array


def read_graph(path: Path) -> FrozenGraph:
    """The graph in a file, which may be an archive.

    Raises:
        GraphError: where it can't be read or is no graph.
    """
    content = graph_bytes(path)
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework import graph_pb2

    try:
        graph = graph_pb2.GraphDef.FromString(content)
    except DecodeError as error:
        raise GraphError("is damaged or no TensorFlow graph") from error
    constants = {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const"}
    return FrozenGraph(constants, hashlib.sha256(content).hexdigest())


def graph_bytes(path: Path) -> bytes:
    """The bytes of the graph file, out of its archive where `path` is one.

    Raises:
        GraphError: where it can't be read, or the archive holds no graph.
    """
    try:
        with path.open("rb") as file:
            is_archive = file.read(2) == b"\x1f\x8b"
        if is_archive:
            return out_of_archive(path)
        if path.stat().st_size > LARGEST:
            raise GraphError(f"is not the Inception graph of 2015-12-05: {path.stat().st_size:,} bytes are too many")
        return path.read_bytes()
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise GraphError(f"is damaged or no archive ({error})") from error
    except OSError as error:
        raise GraphError(f"can't be read ({error.strerror or error})") from error


def out_of_archive(path: Path) -> bytes:
    """The graph file alone; the archive's other members are not looked at, and nothing is written."""
    content = None
    with gzip.open(path) as stream:
        with tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                if member.isfile() and Path(member.name).name == GRAPH and content is None:
                    if member.size > LARGEST:
                        raise GraphError(f"holds a {GRAPH} that is too large ({member.size:,} bytes)")
                    opened = archive.extractfile(member)
                    assert opened is not None  # it is, for what is no file
                    content = opened.read()
        while stream.read(CHUNK_BYTES):
            pass  # at its end lies the checksum
    if content is None:
        raise GraphError(f"holds no {GRAPH}")
    return content
