"""A checkpoint file gives exactly what was saved, or is refused as damaged with little memory and no other error."""

from __future__ import annotations

import io
import json
import random
import shutil
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import status

from gan_cli.commands.train import gan_train
from gan_cli.data import DataSpec
from gan_cli.runs.checkpoint import (
    Checkpoint,
    DamagedCheckpointError,
    load_checkpoint,
    load_checkpoint_part,
    read_checkpoint_header,
    save_checkpoint,
)

ARRAYS = {
    "generator/0000": np.arange(12, dtype=np.float32).reshape(3, 4),
    "averaged/0000": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "generator_optimizer/0000": np.array(7, np.int64),
    "discriminator/0000": np.zeros((0, 3), np.float32),
    "discriminator/0001": np.array([1, 2], np.uint32),
    "sums/generator_loss": np.array([0.5, 2], np.float32),
    "scalars/augment/ada/strength": np.float32(0.25).reshape(()),
}
SAVED = Checkpoint(5, 1.5, DataSpec((8, 8, 1), 10, 2), {"train": {"steps": 4}}, ARRAYS)


def save_format_1(path: Path, about: Any = None, **more: Any) -> Path:
    """Writes a checkpoint as release 0.1 did."""
    data = {"shape": [8, 8, 1], "examples": 10, "classes": 2, "value_range": [-1.0, 1.0]}
    facts = {"format": 1, "step": 5, "seconds": 1.5, "data": data, "config": SAVED.config}
    text = json.dumps({**facts, **more} if about is None else about) if not isinstance(about, str) else about
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, about=np.frombuffer(text.encode(), np.uint8), **ARRAYS)
    return path


@pytest.fixture(params=["format 1", "format 2"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "format 1":
        return save_format_1(tmp_path / "step_00000005.npz")
    return save_checkpoint(tmp_path, SAVED, keep=1)


def is_saved(found: Checkpoint) -> bool:
    facts = (found.step, found.seconds, found.data, found.config)
    return facts == (SAVED.step, SAVED.seconds, SAVED.data, SAVED.config) and as_bytes(found) == as_bytes(SAVED)


def as_bytes(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: (array.dtype, array.shape, array.tobytes()) for name, array in checkpoint.arrays.items()}


def test_everything_is_loaded_as_it_was_saved(checkpoint: Path) -> None:
    assert is_saved(load_checkpoint(checkpoint))
    assert read_checkpoint_header(checkpoint).arrays == {}
    assert set(load_checkpoint_part(checkpoint, "generator").arrays) == {"generator/0000"}


def test_numpy_alone_opens_a_checkpoint(checkpoint: Path) -> None:
    with np.load(checkpoint, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["generator/0000"], ARRAYS["generator/0000"])


def test_a_flipped_bit_is_harmless_or_damage(checkpoint: Path, tmp_path: Path) -> None:
    content, damaged = checkpoint.read_bytes(), 0
    directory = content.index(b"PK\x01\x02") * 8
    bits = random.Random(0)
    flips = [bits.randrange(directory) for _ in range(150)] + [
        bits.randrange(directory, len(content) * 8) for _ in range(300)
    ]
    for bit in flips:
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        (tmp_path / "flipped.npz").write_bytes(flipped)
        try:
            assert is_saved(load_checkpoint(tmp_path / "flipped.npz")), f"bit {bit}"
        except DamagedCheckpointError:
            damaged += 1
    assert damaged > len(flips) / 2


def test_a_checkpoint_that_is_cut_off_is_damaged(checkpoint: Path, tmp_path: Path) -> None:
    content = checkpoint.read_bytes()
    for size in range(0, len(content), 31):
        (tmp_path / "cut.npz").write_bytes(content[:size])
        with pytest.raises(DamagedCheckpointError):
            load_checkpoint(tmp_path / "cut.npz")


def rewritten(path: Path, change: Any, compression: int = zipfile.ZIP_STORED) -> Path:
    """A whole zip archive with other members than `path`."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    other = path.with_name("other.npz")
    with zipfile.ZipFile(other, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return other


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def header_of(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.pop("sums/generator_loss.npy"),
        lambda members: members.update({"sums/other.npy": npy(np.zeros(2, np.float32))}),
        lambda members: members.update({"generator/0000.npy": npy(np.zeros((3, 4), np.float32))}),
        lambda members: members.update({"generator/0000.npy": npy(ARRAYS["generator/0000"].reshape(4, 3))}),
        lambda members: members.update({"generator/0000.npy": npy(ARRAYS["generator/0000"].astype(np.float64))}),
        lambda members: members.pop("about_sha256.npy"),
        lambda members: members.pop("about.npy"),
    ],
)
def test_a_missing_or_changed_array_is_damage_although_the_archive_is_whole(tmp_path: Path, change: Any) -> None:
    path = rewritten(save_checkpoint(tmp_path, SAVED, keep=1), change)
    with pytest.raises(DamagedCheckpointError):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.update({"generator/0000.npy": header_of("(100000000000000,)") + bytes(64)}),
        lambda members: members.update({"generator/0000.npy": header_of("(" + "(" * 60)}),
        lambda members: members.update({"generator/0000.npy": header_of("(-3, -4)") + bytes(48)}),
        lambda members: members.update({"generator/0000.npy": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535}),
        lambda members: members.update({"generator/0000.npy": b""}),
    ],
)
def test_a_hostile_array_is_damage(checkpoint: Path, change: Any) -> None:
    path = rewritten(checkpoint, change)
    tracemalloc.start()
    with pytest.raises(DamagedCheckpointError):
        load_checkpoint(path)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_an_archive_that_unpacks_to_far_more_is_damage(checkpoint: Path) -> None:
    bomb = npy(np.zeros(2**26, np.uint8))
    path = rewritten(checkpoint, lambda members: members.update({"bomb.npy": bomb}), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(DamagedCheckpointError, match="unpacks from"):
        load_checkpoint(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "about",
    [
        [1, 2],
        "null",
        "[" * 50_000,
        '{"format": ' * 50_000,
        '{"format": 1, "format": [1]}',
    ],
)
def test_an_about_of_another_kind_is_damage(tmp_path: Path, about: Any) -> None:
    with pytest.raises(DamagedCheckpointError):
        load_checkpoint(save_format_1(tmp_path / "step_00000005.npz", about))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 3),
        ("format", {}),
        ("step", -1),
        ("step", "5"),
        ("step", True),
        ("step", 10**30),
        ("seconds", float("nan")),
        ("seconds", None),
        ("config", []),
        ("data", None),
        ("data", {"shape": [8, 8, 1], "examples": -1, "classes": 0, "value_range": [-1, 1]}),
        ("data", {"shape": [10**30], "examples": 1, "classes": 0, "value_range": [-1, 1]}),
        ("data", {"shape": "abc", "examples": 1, "classes": 0, "value_range": [-1, 1]}),
        ("data", {"shape": [8, 8, 1], "examples": 1, "classes": 0, "value_range": [-1]}),
    ],
)
def test_facts_of_no_use_are_damage(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(DamagedCheckpointError):
        load_checkpoint(save_format_1(tmp_path / "step_00000005.npz", **{key: value}))


def test_training_takes_the_checkpoint_before_a_damaged_one(ring_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ring_run, "run")
    newest = Path("run/checkpoints/step_00000010.npz")
    rewritten(newest, lambda members: members.pop("sums/generator_loss.npy")).replace(newest)
    capsys.readouterr()
    assert gan_train(["resume=run", "train.steps=12"]) == 0
    said = capsys.readouterr().out
    assert "Warning: run/checkpoints/step_00000010.npz can't be read whole" in said
    assert "Resuming from step 5:" in said
    assert status(Path("run"))["step"] == 12
