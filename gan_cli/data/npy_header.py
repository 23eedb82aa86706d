"""NumPy files: what arrays they hold, told from their headers, and the arrays themselves. Pickles are never loaded."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from gan_cli.data.input_paths import existing_file
from gan_cli.errors import ConfigError, nearest

# What zipfile and numpy raise for a file that is cut off or no such file at all.
BROKEN = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error)
ALONE = ""  # the name of the one array in a .npy file


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
        path: where it lies.
        headers: by the name of the array; that of a .npy file is "".
    """

    typed: str
    path: Path
    headers: dict[str, ArrayHeader]

    @staticmethod
    def open(typed: str) -> ArrayFile:
        """Raises ConfigError for a file that is missing, incomplete, of another kind or holds pickles."""
        path = existing_file("path", typed)
        try:
            headers = read_zip_headers(path) if zipfile.is_zipfile(path) else {ALONE: read_file_header(path)}
        except BROKEN as error:
            raise unreadable(typed, error) from error
        for name, header in headers.items():
            if header.dtype.hasobject:
                problem = f"{name or 'its array'} holds Python objects, and loading those can run code"
                advice = "Save numbers: np.savez(path, images=np.stack(list_of_images).astype(np.uint8))."
                raise ConfigError("path", problem, typed, advice)
        return ArrayFile(typed, path, headers)

    def load(self, name: str) -> np.ndarray:
        """The array `name`; memory-mapped where the file is a .npy. Raises ConfigError."""
        try:
            if name == ALONE:
                return np.load(self.path, mmap_mode="r", allow_pickle=False)
            with np.load(self.path, allow_pickle=False) as arrays:
                return arrays[name]
        except BROKEN as error:
            raise unreadable(self.typed, error) from error

    def choose(self, key: str, name: str, suitable: list[str], kind: str) -> str:
        """`name` where there is such an array, else the only suitable one. Raises ConfigError."""
        if name in self.headers:
            return name
        if len(suitable) == 1:
            return suitable[0]
        if ALONE in self.headers:
            return ALONE  # whoever asked says what is wrong with it
        held = ", ".join(f"{other} ({header})" for other, header in self.headers.items())
        many = "several" if suitable else "none"
        problem = f"there is no such array, and {many} that could be the {kind}; the file holds {held}"
        raise ConfigError(key, problem, name, nearest(name, self.headers))


def read_zip_headers(path: Path) -> dict[str, ArrayHeader]:
    headers = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".npy"):
                with archive.open(member) as file:
                    headers[member.filename.removesuffix(".npy")] = read_header(file, member.file_size)
    if not headers:
        raise ValueError("a zip archive without a NumPy array in it")
    return headers


def read_file_header(path: Path) -> ArrayHeader:
    with path.open("rb") as file:
        return read_header(file, path.stat().st_size)


def read_header(file: IO[bytes], size: int) -> ArrayHeader:
    """The header of a .npy file of `size` bytes. Raises ValueError."""
    version = npy_format.read_magic(file)
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, _, dtype = read(file)
    needed = file.tell() + math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and needed > size:
        raise ValueError(f"it ends after {size:,} of {needed:,} bytes")
    return ArrayHeader(tuple(shape), dtype)


def unreadable(typed: str, error: Exception) -> ConfigError:
    advice = "Expected a whole .npz file (np.savez) or .npy file (np.save)."
    return ConfigError("path", f"can't be read ({str(error).splitlines()[0].rstrip('.')})", typed, advice)
