"""Inception's weights: downloaded once, checked by their digest, and refused where they are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from file_server import Heard, Server, server
from inception_files import (
    FIRST,
    SETS,
    SHAPES,
    opened,
    shallow_archive,
    shallow_file,
    weight,
    write_archive,
    write_graph,
)

from gan_cli.cache import sha256_of_file
from gan_cli.data import DataSpec
from gan_cli.devices import set_up_tensorflow
from gan_cli.errors import ConfigError
from gan_cli.features.inception import Inception
from gan_cli.features.inception_graph import ARCHIVE, GRAPH, URL
from gan_cli.features.inception_weights import RECORD, download_archive
from gan_cli.progress import SilentReporter

__all__ = ["server", "shallow_archive", "shallow_file"]  # fixtures


@pytest.fixture(scope="module", autouse=True)
def as_in_a_run() -> None:
    set_up_tensorflow(seed=0, deterministic=True)


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
