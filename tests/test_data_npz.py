"""NumPy files: images, points, labels, and what is refused."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy_format

from gan_cli.data import DataSpec, InMemory
from gan_cli.data.npz import Npz
from gan_cli.errors import ConfigError

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 3), np.uint8)
LABELS = np.arange(20) % 3


def saved(folder: Path, **arrays: Any) -> str:
    path = folder / "data.npz"
    np.savez_compressed(path, **arrays)
    return str(path)


def everything(source: Npz) -> tuple[np.ndarray, np.ndarray]:
    examples = source.open()
    assert examples.spec == source.describe()
    return examples.read(np.arange(examples.spec.examples))


def refusal(source: Npz) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        source.open()
    return raised.value


def test_images_and_labels_come_as_they_are(tmp_path: Path) -> None:
    source = Npz(path=saved(tmp_path, images=IMAGES, labels=LABELS))
    assert source.describe() == DataSpec((6, 5, 3), 20, 3)
    values, labels = everything(source)
    assert np.array_equal(values, IMAGES)
    assert np.array_equal(labels, LABELS)
    assert labels.dtype == np.int32


def test_grey_images_need_no_channel_axis(tmp_path: Path) -> None:
    values, labels = everything(Npz(path=saved(tmp_path, images=IMAGES[..., 0])))
    assert np.array_equal(values, IMAGES[..., :1])
    assert not labels.any()


@pytest.mark.parametrize("black", [0, -1])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_are_scaled_to_uint8(tmp_path: Path, black: int, kind: type) -> None:
    floats: np.ndarray = (IMAGES / 255 * (1 - black) + black).astype(kind)
    assert np.array_equal(everything(Npz(path=saved(tmp_path, images=floats)))[0], IMAGES)


@pytest.mark.parametrize(
    ("worst", "named"),
    [
        (255.0, "to 255"),
        (-1.5, "from -1.5"),
        (np.nan, "nan"),
        (np.inf, "to inf"),
        (1.01, "to 1.01"),
        (-0.01, "from -0.01"),
    ],
)
def test_floats_outside_their_range_are_refused_with_the_range(tmp_path: Path, worst: float, named: str) -> None:
    floats = IMAGES.astype(np.float32) / 255
    floats[11, 2, 2, 2] = worst
    error = refusal(Npz(path=saved(tmp_path, images=floats)))
    assert error.key == "path"
    assert named in str(error)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.dtype(">f4")])
@pytest.mark.parametrize(("scale", "black"), [(1 / 255, 0), (2 / 255, -1), (1, 0)])
def test_values_that_rounding_carries_beyond_their_range_are_clipped(
    tmp_path: Path, kind: Any, scale: float, black: float
) -> None:
    floats = IMAGES * scale + black
    floats[3, 0, 0, 0], floats[4, 0, 0, 0] = floats.min() - 1e-7, floats.max() + 1e-6
    values = everything(Npz(path=saved(tmp_path, images=floats.astype(kind))))[0]
    expected = IMAGES.copy()
    expected[3, 0, 0, 0], expected[4, 0, 0, 0] = 0, 255
    assert np.abs(values.astype(int) - expected).max() <= (1 if kind is np.float16 else 0)


@pytest.mark.parametrize("memory_limit", [1.0, 0.0])
def test_floats_of_another_range_need_their_range(tmp_path: Path, memory_limit: float) -> None:
    path = saved(tmp_path, images=(IMAGES / 255 - 0.5).astype(np.float32))
    assert "they reach from -0.5 to 0.5" in str(refusal(Npz(path=path)))
    values = everything(Npz(path=path, value_range=[-0.5, 0.5], memory_limit=memory_limit))[0]
    assert np.array_equal(values, IMAGES)
    error = refusal(Npz(path=path, value_range=[0, 1]))
    assert (error.key, "from -0.5" in str(error)) == ("value_range", True)


@pytest.mark.parametrize("value", ["wide", [1, 0], [0], [0, "1"], [True, 2], 3])
def test_a_value_range_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"value_range=.*dataset.value_range=\[0,1\]"):
        Npz(path="a.npz", value_range=value)


def test_the_digits_of_a_refusal_show_the_fault(tmp_path: Path) -> None:
    floats = IMAGES.astype(np.float32) / 255
    floats[0, 0, 0, 0] = 1.002
    assert "to 1.002" in str(refusal(Npz(path=saved(tmp_path, images=floats))))


def test_booleans_are_black_and_white(tmp_path: Path) -> None:
    masks = IMAGES > 99
    assert np.array_equal(everything(Npz(path=saved(tmp_path, images=masks)))[0], masks * 255)
    both = Npz(path=saved(tmp_path, pictures=IMAGES, masks=masks))
    assert np.array_equal(everything(both)[0], IMAGES)


@pytest.mark.parametrize("memory_limit", [1.0, 0.0])
@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
@pytest.mark.parametrize("layout", ["fortran", "strided"])
def test_the_layout_in_memory_does_not_matter(tmp_path: Path, save: Any, layout: str, memory_limit: float) -> None:
    images = np.asfortranarray(IMAGES) if layout == "fortran" else np.repeat(IMAGES, 2, axis=2)[:, :, ::2]
    path = tmp_path / ("a.npy" if save is np.save else "a.npz")
    save(path, images)
    assert np.array_equal(everything(Npz(path=str(path), memory_limit=memory_limit))[0], IMAGES)


@pytest.mark.parametrize("factor", [1 / 255 / 255, 1 / 255])
@pytest.mark.parametrize("memory_limit", [1.0, 0.0])
def test_nearly_black_images_warn(tmp_path: Path, factor: float, memory_limit: float) -> None:
    kind = np.float32 if factor < 1 / 255 else np.uint8
    path = saved(tmp_path, images=(IMAGES * factor).astype(kind))
    (warning,) = Npz(path=path, memory_limit=memory_limit).open().warnings
    assert "nearly black: the pixels of 20 sampled images reach from 0 to 1 of 255" in warning
    assert not Npz(path=saved(tmp_path, images=IMAGES), memory_limit=memory_limit).open().warnings


def test_of_splits_in_one_file_a_typed_one_brings_its_labels(tmp_path: Path) -> None:
    arrays = {
        f"{split}_{kind}": value
        for split in ("train", "val", "test")
        for kind, value in (("images", IMAGES), ("labels", (LABELS + len(split))[:, None] % 3))
    }
    path = saved(tmp_path, **arrays)
    error = refusal(Npz(path=path))
    assert (error.key, "Did you mean" in str(error)) == ("images_key", False)
    assert "For example dataset.images_key=train_images." in str(error)
    assert np.array_equal(everything(Npz(path=path, images_key="val_images"))[1], LABELS)


def test_arrays_are_found_under_other_names(tmp_path: Path) -> None:
    values, labels = everything(Npz(path=saved(tmp_path, pictures=IMAGES, kinds=LABELS[:, None], ids=LABELS * 1.5)))
    assert np.array_equal(values, IMAGES)
    assert np.array_equal(labels, LABELS)


def test_of_several_arrays_one_must_be_named(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=IMAGES, x_test=IMAGES[:5], y_train=LABELS, y_test=LABELS[:5])
    error = refusal(Npz(path=path))
    assert error.key == "images_key"
    assert "x_train (uint8 [20, 6, 5, 3]), x_test" in str(error)
    assert "Did you mean x_train?" in str(refusal(Npz(path=path, images_key="x_tran")))
    values, labels = everything(Npz(path=path, images_key="x_train", labels_key="y_train"))
    assert np.array_equal(values, IMAGES)
    assert np.array_equal(labels, LABELS)


def test_labels_can_be_switched_off(tmp_path: Path) -> None:
    assert Npz(path=saved(tmp_path, images=IMAGES, labels=LABELS), labels_key=None).describe().classes == 0


@pytest.mark.parametrize("labels", [LABELS[:19], LABELS - 1, LABELS + 100, LABELS * 0.5])
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: np.ndarray) -> None:
    assert refusal(Npz(path=saved(tmp_path, images=IMAGES, labels=labels))).key == "labels_key"


def test_labels_that_are_asked_for_must_be_there(tmp_path: Path) -> None:
    assert refusal(Npz(path=saved(tmp_path, images=IMAGES), labels_key="kinds")).key == "labels_key"


def test_points_are_kept_as_they_are(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(0, 3, (50, 2))
    source = Npz(path=saved(tmp_path, points=points))
    low, high = source.describe().value_range
    assert (low, high) == (np.float32(points.min()), np.float32(points.max()))
    values, _ = everything(source)
    assert values.dtype == np.float32
    assert np.array_equal(values, points.astype(np.float32))
    assert refusal(Npz(path=source.path, flip=True)).key == "flip"


@pytest.mark.parametrize("keys", [{}, {"image_size": 3}, {"channels": "grey"}])
def test_a_large_npy_file_is_streamed_bit_for_bit(tmp_path: Path, keys: dict[str, Any]) -> None:
    path = str(tmp_path / "data.npy")
    np.save(path, IMAGES)
    kept = Npz(path=path, **keys).open()
    streamed = Npz(path=path, memory_limit=0.0, **keys).open()
    assert isinstance(kept, InMemory)
    assert not isinstance(streamed, InMemory)
    some = np.array([3, 3, 19, 0])
    assert np.array_equal(kept.read(some)[0], streamed.read(some)[0])


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
