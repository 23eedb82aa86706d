"""NumPy files: images, points, labels, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from npz_files import IMAGES, LABELS, everything, refusal, saved

from gan_cli.data import DataSpec, InMemory
from gan_cli.data.npz import Npz
from gan_cli.errors import ConfigError

RANDOM = np.random.default_rng(0)


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
    assert set(labels.tolist()) == {-1}


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
    if save is np.savez_compressed and memory_limit == 0:
        pytest.skip("such a file is refused")
    assert np.array_equal(everything(Npz(path=str(path), memory_limit=memory_limit))[0], IMAGES)


def test_compressed_images_that_do_not_fit_into_memory_are_refused_with_what_they_need(tmp_path: Path) -> None:
    images = np.zeros((30, 512, 512, 3), np.float32)  # 22.5 MiB as uint8
    images[:, ::2] = RANDOM.random((30, 256, 512, 3), np.float32)
    np.savez_compressed(tmp_path / "packed.npz", images=images)
    source = Npz(path=str(tmp_path / "packed.npz"), memory_limit=0.02)
    with pytest.raises(
        ConfigError, match=r"^memory_limit=0.02: the 30 images of .*packed.npz are compressed"
    ) as raised:
        source.describe()
    assert "take 0.03 GiB" in str(raised.value)
    assert "np.savez" in raised.value.advice
    assert "dataset.memory_limit=0.03" in raised.value.advice
    assert replace(source, memory_limit=0.03).open().is_in_memory
    np.savez(tmp_path / "plain.npz", images=images)
    assert not Npz(path=str(tmp_path / "plain.npz"), memory_limit=0.02).open().is_in_memory


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
