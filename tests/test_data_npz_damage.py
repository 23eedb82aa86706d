"""Array files that are damaged, malformed, too large or no images are refused by one message."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from npz_files import IMAGES, LABELS, everything, refusal, saved
from numpy.lib import format as npy_format

from gan_cli.data import DataSpec
from gan_cli.data.npz import Npz
from gan_cli.errors import ConfigError


def test_pickled_objects_are_refused_and_never_loaded(tmp_path: Path) -> None:
    trap = np.array([Trap()] * 3, object)
    np.save(tmp_path / "data.npy", trap, allow_pickle=True)
    for path in (saved(tmp_path, images=trap), str(tmp_path / "data.npy")):
        error = refusal(Npz(path=path))
        assert error.key == "path"
        assert "Python objects" in str(error)
    labels = saved(tmp_path, images=IMAGES, labels=np.array([Trap()] * 20, object))
    assert "Python objects" in str(refusal(Npz(path=labels)))
    assert Trap.sprung == 0


class Trap:
    sprung = 0

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return (spring, ())


def spring() -> None:
    Trap.sprung += 1


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("name", ["data.npz", "data.npy"])
def test_a_truncated_file_is_refused_at_once(tmp_path: Path, name: str, share: float) -> None:
    np.savez_compressed(tmp_path / "data.npz", images=IMAGES)
    np.save(tmp_path / "data.npy", IMAGES)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ConfigError, match=r"path=.*can't be read"):
        Npz(path=str(path)).describe()


def test_damaged_content_is_refused(tmp_path: Path) -> None:
    path = Path(saved(tmp_path, images=IMAGES))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert "can't be read" in str(refusal(Npz(path=str(path))))


def npy(header: str) -> bytes:
    """A .npy file with any text as its header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(400)


@pytest.mark.parametrize("name", ["data.npy", "data.npz"])
@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|u1', 'fortran_order'",
        "{[]: 1}",
        "{'descr': (), 'fortran_order': False, 'shape': (4, 2)}",
        "[" * 9_000,
        "  {\n 1",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-8, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4, True)}",
        "",
    ],
    ids=["cut", "key", "type", "deep", "indented", "negative", "boolean", "empty"],
)
def test_a_malformed_header_is_refused(tmp_path: Path, header: str, name: str) -> None:
    path = tmp_path / name
    if name == "data.npy":
        path.write_bytes(npy(header))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", npy(header))
    with pytest.raises(ConfigError, match=r"path=.*can't be read \(.+\)"):
        Npz(path=str(path)).describe()


@pytest.mark.parametrize(
    ("place", "content"),
    [(8, b"\x01\x00"), (10, b"\x63\x00"), (6, b"\x63\x00"), (20, b"\x40\x00\x00\x00\x00\x01\x00\x00")],
    ids=["encrypted", "method", "version", "short"],
)
def test_a_damaged_directory_is_refused(tmp_path: Path, place: int, content: bytes) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, images=IMAGES)
    whole = path.read_bytes()
    at = whole.rindex(b"PK\x01\x02") + place
    path.write_bytes(whole[:at] + content + whole[at + len(content) :])
    with pytest.raises(ConfigError, match=r"path=.*can't be read \(.+\)"):
        everything(Npz(path=str(path)))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_array_without_a_name_is_read(tmp_path: Path, save: Any) -> None:
    points = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    save(tmp_path / "p.npz", **{"": points})
    assert np.array_equal(everything(Npz(path=str(tmp_path / "p.npz")))[0], points)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data.npz").write_text("not an array")
    assert "can't be read" in str(refusal(Npz(path=str(tmp_path / "data.npz"))))
    (tmp_path / "empty.npz").touch()
    assert "can't be read" in str(refusal(Npz(path=str(tmp_path / "empty.npz"))))
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.txt", "hello")
    assert "without a NumPy array" in str(refusal(Npz(path=str(tmp_path / "photos.zip"))))
    assert "is a folder; expected a file" in str(refusal(Npz(path=str(tmp_path))))
    assert "Did you mean data.npz?" in str(refusal(Npz(path=str(tmp_path / "dota.npz"))))


@pytest.mark.parametrize(
    ("images", "advice"),
    [
        (IMAGES.transpose(0, 3, 2, 1), "transpose(0, 2, 3, 1)"),
        (IMAGES.astype(np.int64), "astype(np.uint8)"),
        (IMAGES.astype(np.uint16), "astype(np.uint8)"),
        (IMAGES.astype(np.complex64), "astype(np.uint8)"),
        (IMAGES[:0], "It holds no pixels"),
        (IMAGES[:, :0], "It holds no pixels"),
        (IMAGES[:, :, :0].astype(np.float32), "It holds no pixels"),
        (IMAGES[..., :2], "expected uint8, bool or float images"),
        (IMAGES[0], "images[None]"),
        (IMAGES[0, ..., :1] > 3, "images[..., None]"),
        (LABELS, "expected uint8, bool or float images"),
        (np.zeros(4, [("a", "u1"), ("b", "f4")]), "expected uint8, bool or float images"),
        (np.array(["text"] * 4), "expected uint8, bool or float images"),
        (np.float32(3), "expected uint8, bool or float images"),
    ],
)
def test_arrays_that_are_no_images_are_refused_with_advice(tmp_path: Path, images: np.ndarray, advice: str) -> None:
    error = refusal(Npz(path=saved(tmp_path, images=images)))
    assert error.key == "images_key"
    assert advice in str(error)


def test_describing_reads_the_headers_alone(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    with path.open("wb") as file:  # 8 GB that take no room on the disk and would take seconds to read
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (40_000, 256, 256, 3)}
        )
        file.truncate(file.tell() + 40_000 * 256 * 256 * 3)
    source = Npz(path=str(path))
    assert source.describe() == DataSpec((256, 256, 3), 40_000)
    assert source.open().read(np.array([39_999]))[0].shape == (1, 256, 256, 3)


def test_an_array_that_unpacks_to_far_more_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("images.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (2**17, 32, 32)}
        npy_format.write_array_header_1_0(member, header)
        for _ in range(128):
            member.write(bytes(2**20))
    tracemalloc.start()
    error = refusal(Npz(path=str(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (error.key, "unpacks from" in error.problem) == ("path", True)
    assert peak < 2**24


def test_regular_arrays_of_usual_size_are_read(tmp_path: Path) -> None:
    masks = np.zeros((2000, 32, 32), np.uint8)  # 2 MB, which np.savez_compressed packs by a factor of about 1,000
    assert np.array_equal(everything(Npz(path=saved(tmp_path, images=masks)))[0][..., 0], masks)
