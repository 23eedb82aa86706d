"""NumPy files: headers of the arrays in them, and the arrays, whole or in chunks. Pickles are never loaded."""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np

from gan_cli.data.chunk_length import chunk_length
from gan_cli.data.input_paths import existing_file
from gan_cli.errors import ConfigError, first_line, nearest
from gan_cli.zip_limits import open_zip, parse_npy_header

ALONE = ""  # the name of the one array in a .npy file; an archive may hold an array of this name too
ALWAYS_ALLOWED = 2**26  # bytes: masks and labels may be very regular, and an array of this size fits into any memory


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and type of an array that is not read yet."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


@dataclass(frozen=True)
class ArrayFile:
    """A file of arrays, of which only the headers are read so far.

    Attributes:
        typed: its path as the user typed it, for messages.
        path: of the file.
        headers: by the name of the array; that of a .npy file is "".
        members: of a .npz file, by the name of the array; empty for a .npy file.
    """

    typed: str
    path: Path
    headers: dict[str, ArrayHeader]
    members: dict[str, zipfile.ZipInfo]

    @property
    def is_archive(self) -> bool:
        return bool(self.members)

    @staticmethod
    def open(typed: str) -> ArrayFile:
        """Raises ConfigError for a file that is missing, incomplete, of another kind or holds pickles."""
        path = existing_file("path", typed)
        try:
            is_archive = zipfile.is_zipfile(path)
            headers, members = read_zip_headers(path) if is_archive else ({ALONE: read_file_header(path)}, {})
        except Exception as error:  # damage makes zipfile and its decompressors raise errors of many kinds
            raise unreadable(typed, error) from error
        for name, header in headers.items():
            if header.dtype.hasobject:
                problem = f"{name or 'its array'} holds Python objects, and loading those can run code"
                advice = "Save numbers: np.savez(path, images=np.stack(list_of_images).astype(np.uint8))."
                raise ConfigError("path", problem, typed, advice)
        return ArrayFile(typed, path, headers, members)

    def can_stay_on_disk(self, name: str) -> bool:
        """Whether the array `name` is not compressed, so that it can be memory-mapped."""
        return not self.is_archive or self.members[name].compress_type == zipfile.ZIP_STORED

    def load(self, name: str) -> np.ndarray:
        """The array `name`, memory-mapped unless it is compressed. Raises ConfigError."""
        try:
            if not self.is_archive:
                return np.load(self.path, mmap_mode="r", allow_pickle=False)
            if self.can_stay_on_disk(name) and 0 not in self.headers[name].shape:
                return self.map_member(self.members[name])
            with np.load(self.path, allow_pickle=False) as arrays:
                return arrays[name]
        except MemoryError as error:
            advice = "Save it uncompressed, with np.save or np.savez: then it stays on disk."
            raise ConfigError("path", f"{name} does not fit in memory", self.typed, advice) from error
        except Exception as error:
            raise unreadable(self.typed, error) from error

    def map_member(self, info: zipfile.ZipInfo) -> np.ndarray:
        """An uncompressed member of the archive, memory-mapped."""
        with self.path.open("rb") as file:
            file.seek(info.header_offset)
            name_length, extra_length = struct.unpack("<26xHH", file.read(30))
            file.seek(name_length + extra_length, 1)
            shape, fortran, dtype = read_layout(file)
            order: Literal["F", "C"] = "F" if fortran else "C"
            return np.memmap(self.path, dtype, "r", file.tell(), shape, order)

    def read_chunks(self, name: str) -> Iterator[np.ndarray]:
        """The array `name` in parts along its first axis, one in memory at a time. Raises ConfigError."""
        try:
            with self.open_member(name) as file:
                shape, fortran, dtype = read_layout(file)
                row_bytes = math.prod(shape[1:]) * dtype.itemsize
                rows = chunk_length(row_bytes)
                if fortran:  # its rows lie scattered
                    whole = self.load(name)
                    yield from (whole[start : start + rows] for start in range(0, len(whole), rows))
                    return
                for start in range(0, shape[0], rows):
                    count = min(rows, shape[0] - start)
                    content = file.read(count * row_bytes)
                    if len(content) < count * row_bytes:
                        raise ValueError("it ends before its last row")
                    yield np.frombuffer(content, dtype).reshape(count, *shape[1:])
        except ConfigError:
            raise
        except Exception as error:
            raise unreadable(self.typed, error) from error

    @contextmanager
    def open_member(self, name: str) -> Iterator[IO[bytes]]:
        if not self.is_archive:
            with self.path.open("rb") as file:
                yield file
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as member:
                yield member

    def choose(self, key: str, name: str, suitable: list[str], kind: str, is_typed: bool) -> str:
        """`name` where there is such an array, else the only suitable one.

        Raises:
            ConfigError: which proposes the nearest name where `name` is typed, else a suitable array.
        """
        if name in self.headers:
            return name
        if len(suitable) == 1:
            return suitable[0]
        if not self.is_archive:
            return ALONE  # the caller reports what is wrong with it
        held = ", ".join(f"{other} ({header})" for other, header in self.headers.items())
        many = "several" if suitable else "none"
        problem = f"there is no such array, and {many} that could be the {kind}; the file holds {held}"
        near = nearest(name, self.headers) if is_typed else ""
        first = next((other for other in suitable if "train" in other.lower()), suitable[0] if suitable else "")
        raise ConfigError(key, problem, name, near or (f"For example dataset.{key}={first}." if first else ""))


def read_zip_headers(path: Path) -> tuple[dict[str, ArrayHeader], dict[str, zipfile.ZipInfo]]:
    """The arrays of a .npz file and their members of the archive, by the names of the arrays."""
    headers, members = {}, {}
    with open_zip(path, always_allowed=ALWAYS_ALLOWED) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".npy"):
                name = member.filename.removesuffix(".npy")
                members[name] = member
                with archive.open(member) as file:
                    headers[name] = read_header(file, member.file_size)
    if not headers:
        raise ValueError("a zip archive without a NumPy array in it")
    return headers, members


def read_file_header(path: Path) -> ArrayHeader:
    with path.open("rb") as file:
        return read_header(file, path.stat().st_size)


def read_header(file: IO[bytes], size: int) -> ArrayHeader:
    """The header of a .npy file of `size` bytes. Raises ValueError."""
    shape, _, dtype = read_layout(file)
    needed = file.tell() + math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and needed > size:
        raise ValueError(f"it ends after {size:,} of {needed:,} bytes")
    return ArrayHeader(tuple(shape), dtype)


def read_layout(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and type of the array that follows in `file`. Raises ValueError."""
    shape, fortran, dtype = parse_npy_header(file)
    return shape, fortran and len(shape) > 1, dtype


def unreadable(typed: str, error: Exception) -> ConfigError:
    advice = "Expected a whole .npz file (np.savez) or .npy file (np.save); dataset=folder reads a zip of images."
    return ConfigError("path", f"can't be read ({first_line(error)})", typed, advice)
