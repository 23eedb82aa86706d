"""Zip archives of images, and classes from dataset.json, labels.csv and sub-folders."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_cli.data.content_hash import fingerprint
from gan_cli.data.folder import Folder
from gan_cli.errors import ConfigError


def png(level: int, size: tuple[int, int] = (6, 4)) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, level).save(file, "PNG")
    return file.getvalue()


def zipped(path: Path, members: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return str(path)


def unpacked(folder: Path, members: dict[str, bytes | str]) -> str:
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder)


def levels_and_labels(source: Folder) -> tuple[list[int], list[int]]:
    examples = source.open()
    assert examples.spec == source.describe()
    batch = examples.read(np.arange(examples.spec.examples))
    return batch.values[:, 0, 0, 0].tolist(), batch.labels.tolist()


STYLEGAN: dict[str, bytes | str] = {f"0000{index // 2}/img{index}.png": png(40 + index) for index in range(4)}
LABELLED = {
    **STYLEGAN,
    "dataset.json": json.dumps({"labels": [[name, 2 - index // 2] for index, name in enumerate(STYLEGAN)]}),
}


@pytest.mark.parametrize("memory_limit", [1.0, 0.0])
def test_a_zip_gives_what_its_folder_gives(tmp_path: Path, memory_limit: float) -> None:
    members = {"cats/1.png": png(50), "dogs/1.png": png(60), "dogs/notes.txt": "hello", "__MACOSX/cats/._1.png": "x"}
    sources = [
        Folder(path=path, memory_limit=memory_limit)
        for path in (zipped(tmp_path / "a.zip", members), unpacked(tmp_path / "a", members))
    ]
    assert levels_and_labels(sources[0]) == levels_and_labels(sources[1]) == ([50, 60], [0, 1])
    assert sources[0].describe().class_names == ("cats", "dogs")
    assert fingerprint(sources[0].open()) == fingerprint(sources[1].open())
    assert [left.name for left in sources[0].open().skipped] == ["dogs/notes.txt"]


@pytest.mark.parametrize("write", [zipped, unpacked])
def test_stylegan_s_labels_count_and_not_its_folders(tmp_path: Path, write: Any) -> None:
    source = Folder(path=write(tmp_path / "data", LABELLED))
    assert levels_and_labels(source) == ([40, 41, 42, 43], [2, 2, 1, 1])
    assert (source.describe().classes, source.describe().class_names) == (3, ())
    assert source.open().skipped == []
    without = {**STYLEGAN, "dataset.json": json.dumps({"labels": None})}
    assert Folder(path=write(tmp_path / "none", without)).describe().classes == 0
    assert Folder(path=source.path, labels="folders").describe().class_names == ("00000", "00001")
    assert Folder(path=source.path, labels=None).describe().classes == 0


@pytest.mark.parametrize("write", [zipped, unpacked])
@pytest.mark.parametrize("folder", ["data/", "a/b/"])
def test_labels_are_found_in_the_folder_that_an_archive_was_made_of(tmp_path: Path, write: Any, folder: str) -> None:
    members = {f"{folder}{name}": content for name, content in LABELLED.items()}
    source = Folder(path=write(tmp_path / "data", members))
    assert levels_and_labels(source) == ([40, 41, 42, 43], [2, 2, 1, 1])
    assert source.open().skipped == []
    table = "".join(f"{folder}{name},{'xy'[index // 2]}\n" for index, name in enumerate(STYLEGAN))  # whole names
    members = {**{f"{folder}{name}": content for name, content in STYLEGAN.items()}, f"{folder}labels.csv": table}
    assert Folder(path=write(tmp_path / "table", members)).describe().class_names == ("x", "y")


@pytest.mark.parametrize("heading", ["", "file,class\n"])
def test_labels_csv_gives_names_or_numbers(tmp_path: Path, heading: str) -> None:
    images = {"a.png": png(50), "b.png": png(60), "c.png": png(70)}
    named = Folder(path=unpacked(tmp_path / "a", {**images, "labels.csv": f"{heading}b.png,cat\na.png,dog\nc.png,cat"}))
    assert levels_and_labels(named) == ([50, 60, 70], [1, 0, 0])
    assert named.describe().class_names == ("cat", "dog")
    numbered = {**images, "my.csv": f"{heading}a.png,2\nb.png,0\nc.png,2\n"}
    assert levels_and_labels(Folder(path=unpacked(tmp_path / "b", numbered), labels="my.csv"))[1] == [2, 0, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps({"labels": [["a.png", 0]]}), "no class for 1 of 2 images, such as b.png"),
        (json.dumps({"labels": [["a.png", 0], ["b.png", -1]]}), "gives the class -1"),
        (json.dumps({"labels": [["a.png", 0], ["b.png", [0, 1]]]}), r"gives the class \[0, 1\]"),
        (json.dumps({"labels": [["a.png"]]}), "can't be read as labels"),
        (json.dumps({"labels": [7]}), "can't be read as labels"),
        ("{", "can't be read as labels"),
        ("[" * 100_000, "can't be read as labels"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = unpacked(tmp_path / "a", {"a.png": png(50), "b.png": png(60), "dataset.json": content})
    with pytest.raises(ConfigError, match=message) as refused:
        Folder(path=path, labels="dataset.json").describe()
    assert refused.value.key == "labels"


def test_a_class_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    path = unpacked(tmp_path / "a", {"a.png": png(50), "labels.csv": f"a.png,{'9' * 5000}\n"})
    with pytest.raises(ConfigError, match=r"gives the class 999.*expected whole numbers"):
        Folder(path=path, labels="labels.csv").describe()


def test_a_missing_file_of_labels_and_a_wrong_choice_are_refused(tmp_path: Path) -> None:
    path = unpacked(tmp_path / "a", {"a.png": png(50), "dataset.json": '{"pages": 3}'})
    assert Folder(path=path).describe().classes == 0  # some other program's file
    damaged = unpacked(tmp_path / "damaged", {"a.png": png(50), "dataset.json": '{"labels": [["a.png", 0]'})
    with pytest.raises(ConfigError, match=r"labels: dataset.json can't be read as labels"):
        Folder(path=damaged).describe()
    for source in (path, zipped(tmp_path / "a.zip", {"a.png": png(50)})):
        with pytest.raises(ConfigError, match=r"labels: none.csv can't be read"):
            Folder(path=source, labels="none.csv").describe()
    with pytest.raises(ConfigError, match=r"labels=folder: .*Did you mean folders\?"):
        Folder(path=path, labels="folder")


def test_names_that_lead_out_of_an_archive_and_encrypted_members_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    zipped(path, {"../../out.png": png(50), "/etc/passwd.png": png(50), "good/a.png": png(60), "b.png": png(70)})
    content = path.read_bytes()
    at = content.rindex(b"PK\x01\x02")  # the directory's entry of b.png
    path.write_bytes(content[: at + 8] + b"\x01\x00" + content[at + 10 :])
    examples = Folder(path=str(path)).open()
    assert examples.spec.examples == 1
    reasons = dict(examples.skipped)
    assert reasons["../../out.png"] == reasons["/etc/passwd.png"] == "its name leads out of the archive"
    assert reasons["b.png"] == "encrypted"
    assert not list(tmp_path.rglob("*.png"))
    assert not (tmp_path.parent.parent / "out.png").exists()


def test_a_member_that_grows_beyond_any_image_is_skipped_unread(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"bomb.bmp": bytes(2**25), "good.png": png(60)})
    examples = Folder(path=path, max_megapixels=1).open()
    assert [left.name for left in examples.skipped] == ["bomb.bmp"]
    assert "33,554,432 bytes" in examples.skipped[0].reason


def test_an_image_with_much_behind_it_is_skipped_and_not_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"bomb.png": png(50) + bytes(100 * 2**20), "good.png": png(60)})
    tracemalloc.start()
    examples = Folder(path=path).open()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [left.name for left in examples.skipped] == ["bomb.png"]
    assert "104,857,6" in examples.skipped[0].reason
    assert peak < 60 * 2**20


def test_large_images_in_a_zip_are_read(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (2600, 2400), (1, 2, 3)).save(file, "BMP")  # 18 MiB, which packs by a factor of about 1,000
    examples = Folder(path=zipped(tmp_path / "a.zip", {"a.bmp": file.getvalue()}), image_size=4).open()
    assert examples.skipped == []
    assert examples.read(np.arange(1)).values[0, 0, 0].tolist() == [1, 2, 3]


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    path = Path(zipped(tmp_path / "a.zip", {"a.png": png(50), "b.png": png(60)}, zipfile.ZIP_STORED))
    content = bytearray(path.read_bytes())
    for at in (content.index(b"PK\x01\x02"), content.rindex(b"PK\x01\x02")):
        content[at + 20 : at + 24] = (2**16).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="its members overlap"):
        Folder(path=str(path)).describe()


@pytest.mark.parametrize("name", ["labels.csv", "dataset.json"])
def test_a_pipe_among_images_is_left_out_and_not_waited_for(tmp_path: Path, name: str) -> None:
    path = unpacked(tmp_path / "a", {"a.png": png(50)})
    os.mkfifo(Path(path, name))
    examples = Folder(path=path).open()
    assert [(left.name, left.reason) for left in examples.skipped] == [(name, "not a regular file")]
    with pytest.raises(ConfigError, match=rf"labels: {name} can't be read"):
        Folder(path=path, labels=name).open()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_refused_and_a_damaged_member_skipped(tmp_path: Path, method: int) -> None:
    path = Path(zipped(tmp_path / "a.zip", {"a.png": png(50), "b.png": png(60)}, method))
    content = bytearray(path.read_bytes())
    content[45:60] = b"\xff" * 15
    path.write_bytes(content)
    assert [left.name for left in Folder(path=str(path)).open().skipped] == ["a.png"]
    path.write_bytes(content[:100])
    with pytest.raises(ConfigError, match=r"path=.*can't be read"):
        Folder(path=str(path)).describe()
