"""NumPy files: images, points, labels, and what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan_cli.data import DataSpec, InMemory
from gan_cli.data.npz import Npz
from gan_cli.errors import ConfigError

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 6, 4, 3), np.uint8)
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
    assert source.describe() == DataSpec((6, 4, 3), 20, 3)
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


@pytest.mark.parametrize(("worst", "named"), [(255.0, "to 255"), (-1.5, "from -1.5"), (np.nan, "nan")])
def test_floats_outside_their_range_are_refused_with_the_range(tmp_path: Path, worst: float, named: str) -> None:
    floats = IMAGES.astype(np.float32) / 255
    floats[11, 2, 2, 2] = worst
    error = refusal(Npz(path=saved(tmp_path, images=floats)))
    assert error.key == "path"
    assert named in str(error)


def test_arrays_are_found_under_other_names(tmp_path: Path) -> None:
    values, labels = everything(Npz(path=saved(tmp_path, pictures=IMAGES, kinds=LABELS[:, None], ids=LABELS * 1.5)))
    assert np.array_equal(values, IMAGES)
    assert np.array_equal(labels, LABELS)


def test_of_several_arrays_one_must_be_named(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=IMAGES, x_test=IMAGES[:5], y_train=LABELS, y_test=LABELS[:5])
    error = refusal(Npz(path=path))
    assert error.key == "images_key"
    assert "x_train (uint8 [20, 6, 4, 3]), x_test" in str(error)
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
        (IMAGES[:0], "expected uint8 or float images"),
        (LABELS, "expected uint8 or float images"),
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
