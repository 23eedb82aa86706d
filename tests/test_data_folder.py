"""Folders of pictures: what is found, what is left out, and that streaming changes nothing."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_cli.data import InMemory
from gan_cli.data.folder import Folder
from gan_cli.data.skipped_files import describe_skipped
from gan_cli.errors import ConfigError


def save(path: Path, level: int, size: tuple[int, int] = (6, 4)) -> None:
    """A grey picture, `size` being width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def save_broken(path: Path) -> None:
    """A PNG whose header is whole and whose pixels are not."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 6), np.uint8)
    Image.fromarray(noise).save(path)
    cut(path, 0.7)


def all_of(source: Folder) -> tuple[np.ndarray, np.ndarray]:
    examples = source.open()
    return examples.read(np.arange(examples.spec.examples))


def test_satellite_photographs_come_with_their_classes(eurosat_folder: Path) -> None:
    source = Folder(path=str(eurosat_folder))
    spec = source.describe()
    assert (spec.shape, spec.examples, spec.classes) == ((64, 64, 3), 5000, 10)
    examples = source.open()
    assert examples.spec == spec
    assert examples.skipped == []
    values, labels = examples.read(np.array([0, 4999]))
    first = sorted(eurosat_folder.glob("*/*/*.jpg"), key=lambda path: path.as_posix())[0]
    assert np.array_equal(values[0], np.asarray(Image.open(first)))
    assert labels.tolist() == [0, 9]
    assert labels.dtype == np.int32


def test_classes_are_the_same_from_one_folder_further_down(eurosat_folder: Path) -> None:
    assert Folder(path=str(eurosat_folder / "eurosat")).describe().classes == 10
    assert Folder(path=str(eurosat_folder / "eurosat" / "Forest")).describe().classes == 0


def test_emoji_streamed_are_those_in_memory_bit_for_bit(emoji_folder: Path, tmp_path: Path) -> None:
    for path in sorted(emoji_folder.rglob("*.png"))[::17]:
        shutil.copy(path, tmp_path)
    keys: dict[str, Any] = {"path": str(tmp_path), "image_size": "16x24", "channels": "rgb"}
    kept, streamed = Folder(**keys).open(), Folder(**keys, memory_limit=0.0).open()
    assert isinstance(kept, InMemory)
    assert not isinstance(streamed, InMemory)
    assert kept.spec == streamed.spec == Folder(**keys).describe()
    some = np.arange(kept.spec.examples)
    assert len(some) > 200
    for kept_part, streamed_part in zip(kept.read(some), streamed.read(some), strict=True):
        assert kept_part.dtype == streamed_part.dtype
        assert np.array_equal(kept_part, streamed_part)


def test_emoji_have_alpha(emoji_folder: Path) -> None:
    assert Folder(path=str(emoji_folder)).describe().shape == (128, 128, 4)


def test_channels_are_the_most_that_any_file_has(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 1)
    assert Folder(path=str(tmp_path)).describe().shape == (4, 6, 1)
    Image.new("RGB", (6, 4)).save(tmp_path / "b.png")
    assert Folder(path=str(tmp_path)).describe().shape == (4, 6, 3)
    Image.new("LA", (6, 4)).save(tmp_path / "c.png")
    assert Folder(path=str(tmp_path)).describe().shape == (4, 6, 4)


def test_files_are_sorted_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    for level, name in enumerate(["b/2.png", "b/10.png", "a/x/1.png", ".hidden/1.png", "a/.2.png"]):
        save(tmp_path / name, level)
    values, labels = all_of(Folder(path=str(tmp_path)))
    assert values[:, 0, 0, 0].tolist() == [2, 1, 0]  # a/x/1, b/10, b/2
    assert labels.tolist() == [0, 1, 1]


def test_pictures_beside_sub_folders_have_no_classes(tmp_path: Path) -> None:
    for name in ["a/1.png", "b/1.png", "1.png"]:
        save(tmp_path / name, 0)
    assert Folder(path=str(tmp_path)).describe().classes == 0


def test_a_link_in_a_circle_is_followed_once(tmp_path: Path) -> None:
    save(tmp_path / "a" / "1.png", 0)
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert Folder(path=str(tmp_path)).describe().examples == 1


@pytest.mark.parametrize("memory_limit", [1.0, 0.0])
def test_broken_and_foreign_files_are_named_and_left_out(tmp_path: Path, memory_limit: float) -> None:
    for level, name in enumerate(["a.png", "b.png", "e.png"]):
        save(tmp_path / name, level)
    save_broken(tmp_path / "c.png")
    (tmp_path / "d.jpg").write_text("no picture")
    (tmp_path / "empty.gif").touch()
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "Makefile").write_text("hello")
    examples = Folder(path=str(tmp_path), memory_limit=memory_limit).open()
    values, _ = examples.read(np.arange(examples.spec.examples))
    reasons = dict(examples.skipped)
    assert len(reasons) == len(examples.skipped) == 5
    assert reasons["notes.txt"] == "not an image file (.txt)"
    assert reasons["Makefile"] == "not an image file (no ending)"
    assert "its content is not PNG" in reasons["d.jpg"]
    assert "its content is not PNG" in reasons["empty.gif"]
    assert "truncated" in reasons["c.png"]
    assert sorted(set(values[:, 0, 0, 0])) == [0, 1, 2]


def test_a_streamed_file_that_proves_broken_is_replaced_by_the_next_good_one(tmp_path: Path) -> None:
    for level in range(6):
        save(tmp_path / f"{level % 2}" / f"{level}.png", level)  # sorted: 0 2 4, then 1 3 5
    for name in ["0/4.png", "1/1.png", "1/5.png"]:
        save_broken(tmp_path / name)
    examples = Folder(path=str(tmp_path), memory_limit=0.0).open()
    together = threading.Barrier(4)

    def read(_: int) -> list[list[int]]:
        together.wait()
        values, labels = examples.read(np.array([5, 4, 3, 2, 1, 0]))
        return [values[:, 0, 0, 0].tolist(), labels.tolist()]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [[[0, 3, 3, 3, 2, 0], [0, 1, 1, 1, 0, 0]]] * 4
    assert sorted(left.name for left in examples.skipped) == ["0/4.png", "1/1.png", "1/5.png"]


def test_a_decompression_bomb_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "good.png", 50)
    save(tmp_path / "large.png", 50, (30, 10))  # Pillow warns of one and refuses the other
    save(tmp_path / "huge.png", 50, (60, 10))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    examples = Folder(path=str(tmp_path), max_megapixels=0.0002).open()
    assert examples.spec.examples == 1
    assert [left.name for left in examples.skipped] == ["huge.png", "large.png"]
    assert all("max_megapixels=0.0002" in left.reason for left in examples.skipped)
    assert Folder(path=str(tmp_path), max_megapixels=0.001, image_size=4).open().spec.examples == 3
    assert Folder(path=str(tmp_path), max_megapixels=0.0004, image_size=4).describe().examples == 2  # headers cached


def test_several_sizes_need_an_image_size(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 0, (6, 4))
    save(tmp_path / "b.png", 0, (8, 8))
    with pytest.raises(ConfigError, match=r"image_size=null.*4x6 \(1\), 8x8 \(1\).*dataset.image_size=64"):
        Folder(path=str(tmp_path)).describe()
    assert Folder(path=str(tmp_path), image_size=4).describe().shape == (4, 4, 1)


@pytest.mark.parametrize("memory_limit", [1.0, 0.0])
def test_one_file_of_another_size_or_kind_among_many_is_found_at_once(tmp_path: Path, memory_limit: float) -> None:
    for index in range(130):
        save(tmp_path / f"{index:03}.png", 90, (2, 2))
    Image.new("RGB", (2, 2), (1, 2, 200)).save(tmp_path / "001.png")
    source = Folder(path=str(tmp_path), memory_limit=memory_limit)
    assert source.describe().shape == source.open().spec.shape == (2, 2, 3)
    assert source.open().read(np.array([1])).values[0, 0, 0].tolist() == [1, 2, 200]
    Image.new("LA", (2, 2)).save(tmp_path / "129.png")
    assert source.describe().shape == source.open().spec.shape == (2, 2, 4)
    save(tmp_path / "001.png", 0, (3, 2))
    with pytest.raises(ConfigError, match="2x3"):
        source.describe()


def test_headers_of_unchanged_files_are_read_once(tmp_path: Path) -> None:
    for index in range(5):
        save(tmp_path / "images" / f"{index}.png", 90)
    source = Folder(path=str(tmp_path / "images"))
    seen: list[int] = []
    source.open(lambda done, total: seen.append(total))
    assert seen == [5, 5]  # headers, then pixels
    save(tmp_path / "images" / "3.png", 90, (6, 4))
    save(tmp_path / "images" / "7.png", 90)
    (tmp_path / "images" / "0.png").unlink()
    seen.clear()
    assert source.open(lambda done, total: seen.append(total)).spec.examples == 5
    assert seen == [2, 5]


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1, "headers": {"a.png": [1, 2, -3, 4, 7]}}', "[" * 100_000])
def test_a_damaged_cache_of_headers_is_ignored(tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    save(tmp_path / "images" / "a.png", 90)
    source = Folder(path=str(tmp_path / "images"))
    source.describe()
    (cached,) = (tmp_path / "cache" / "image_headers").iterdir()
    cached.write_text(content)
    assert source.describe().shape == (4, 6, 1)


def test_many_foreign_files_make_one_line(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 90)
    for index in range(400):
        (tmp_path / f"{index:03}.txt").touch()
    (tmp_path / "notes.md").touch()
    lines = describe_skipped(Folder(path=str(tmp_path)).open().skipped)
    assert lines == [
        "400 files: not an image file (.txt): 000.txt, 001.txt, 002.txt, ...",
        "notes.md: not an image file (.md)",
    ]


def test_a_mistyped_path_is_reported_with_the_nearest_name(tmp_path: Path) -> None:
    save(tmp_path / "pictures" / "cats" / "1.png", 0)
    with pytest.raises(ConfigError, match=r"path=.*no such file or folder. Did you mean pictures\?"):
        Folder(path=str(tmp_path / "pictuers" / "cats")).describe()


def test_a_file_or_an_empty_folder_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "1.png", 0)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(ConfigError, match=r"path=.*can't be read .*whole zip archive of images"):
        Folder(path=str(tmp_path / "1.png")).describe()
    with pytest.raises(ConfigError, match=r"path=.*holds no image.*1 other files.*PNG, JPEG"):
        Folder(path=str(tmp_path / "empty")).describe()


def test_a_folder_of_broken_pictures_is_refused(tmp_path: Path) -> None:
    save_broken(tmp_path / "a.png")
    with pytest.raises(ConfigError, match=r"path=.*none of its 1.*a.png: .*truncated"):
        Folder(path=str(tmp_path)).open()
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(ConfigError, match=r"path=.*holds no image.*a.png: its content is not PNG"):
        Folder(path=str(tmp_path)).describe()


def test_progress_is_reported_up_to_the_end(tmp_path: Path) -> None:
    for index in range(70):
        save(tmp_path / f"{index}.png", 0, (2, 2))
    seen: list[tuple[int, int]] = []
    Folder(path=str(tmp_path)).open(lambda done, total: seen.append((done, total)))
    assert seen == [(64, 70), (70, 70)] * 2  # headers, then pixels


def test_a_pipe_among_the_pictures_is_left_out_without_being_opened(tmp_path: Path) -> None:
    for index in range(3):
        Image.fromarray(np.full((8, 8), index, np.uint8)).save(tmp_path / f"{index}.png")
    os.mkfifo(tmp_path / "pipe.png")
    examples = Folder(path=str(tmp_path)).open()
    assert examples.spec.examples == 3
    assert [(left.name, left.reason) for left in examples.skipped] == [("pipe.png", "not a regular file")]
