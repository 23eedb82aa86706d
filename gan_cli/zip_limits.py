"""Bounds on zip archives that somebody else may have written, checked before any member is read.

A zip member may declare, or unpack to, a thousand times its size in the file: 1 MiB becomes 1 GiB of memory. A .npy
member may declare a shape of 10^14 numbers. `open_zip` bounds the former, `read_npy_member` the latter. A damaged
directory may hide members; `check_contiguous` finds the gap.
"""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from gan_cli.errors import first_line
from gan_cli.regular_files import open_regular

LARGEST_RATIO = 100.0
"""Unpacked to packed size. Weights and photographs stay below 2; all-zero arrays reach 1,000."""
SMALL = 2**20
"""Bytes that a member may always unpack to, whatever its ratio: a short text can be very regular."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
LOCAL_HEADER = 30
"""Bytes before a member's name; the last four are the lengths of its name and of its extra field."""
NUMBERS = "biufc"
"""Kinds of NumPy types that hold numbers and no references."""


@contextmanager
def open_zip(
    file: Path | IO[bytes], largest_ratio: float = LARGEST_RATIO, always_allowed: int = SMALL
) -> Iterator[zipfile.ZipFile]:
    """Opens a zip archive whose members all have plausible sizes.

    Args:
        file: its path, or the open file.
        largest_ratio: by how much a member may unpack; 1 for archives that are written without compression.
        always_allowed: bytes that a member may unpack to, whatever its ratio.

    Raises:
        zipfile.BadZipFile: where it is no zip archive, or holds a member that unpacks to too much, is named twice,
            encrypted, or packed in an unknown way.
        OSError: where the file can't be read.
    """
    opened = open_regular(file) if isinstance(file, Path) else nullcontext(file)
    with opened as content, zipfile.ZipFile(content) as archive:
        check_members(archive, largest_ratio, always_allowed)
        yield archive


def check_members(archive: zipfile.ZipFile, largest_ratio: float = LARGEST_RATIO, always_allowed: int = SMALL) -> None:
    """Raises BadZipFile for members that `open_zip` refuses."""
    assert archive.fp is not None  # it is open
    size = archive.fp.seek(0, 2)
    members = archive.infolist()
    if len({member.filename for member in members}) < len(members):
        raise zipfile.BadZipFile("two members have the same name")
    if sum(member.compress_size for member in members) > size:
        raise zipfile.BadZipFile("its members overlap")
    for member in members:
        name = member.filename[:80]
        if member.flag_bits & ENCRYPTED or member.compress_type not in METHODS:
            raise zipfile.BadZipFile(f"{name!r} is encrypted or packed in an unknown way")
        is_stored = member.compress_type == zipfile.ZIP_STORED
        largest = member.compress_size if is_stored else max(largest_ratio * member.compress_size, always_allowed)
        if largest_ratio <= 1:
            largest = member.compress_size
        if member.file_size > largest:
            raise zipfile.BadZipFile(f"{name!r} unpacks from {member.compress_size:,} to {member.file_size:,} bytes")


def read_npy_header(file: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and type from the header of a .npy file; `file` stands at the first number afterwards.

    Args:
        file: open at its beginning.
        size: bytes of the whole file, or of the whole zip member.

    Raises:
        ValueError: where the header is malformed, or declares another number of bytes than there are.
    """
    shape, is_fortran, dtype = parse_npy_header(file)
    if dtype.kind in NUMBERS:
        declared = file.tell() + math.prod(shape) * dtype.itemsize
        if declared != size:
            raise ValueError(f"an array of {declared:,} bytes in {size:,} bytes")
    return shape, is_fortran, dtype


def parse_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """As `read_npy_header`, without a comparison of the declared size with the real one.

    Raises:
        ValueError: where the header is malformed. It is a Python literal, for which NumPy raises nearly any error.
    """
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, is_fortran, dtype = read(file)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"malformed header of an array ({first_line(error)})") from error
    if any(type(side) is not int or side < 0 for side in shape):
        raise ValueError(f"an array of the shape {shape}")
    return tuple(shape), is_fortran, dtype


def read_npy_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """The array of numbers in a member of an archive that `open_zip` opened. Raises ValueError or BadZipFile."""
    with archive.open(member) as file:
        shape, is_fortran, dtype = read_npy_header(file, member.file_size)
        if dtype.kind not in NUMBERS:
            raise ValueError(f"an array of {dtype}; expected numbers")
        content = file.read()  # to the end, so that the member's checksum is compared
    if len(content) != math.prod(shape) * dtype.itemsize:
        raise ValueError("an array is cut off")
    array = np.frombuffer(bytearray(content), dtype)
    return array.reshape(shape[::-1]).T if is_fortran else array.reshape(shape)


def check_contiguous(archive: zipfile.ZipFile, largest_gap: int = 0) -> None:
    """Raises BadZipFile unless the members fill the file from its beginning to the directory at its end.

    A flipped bit in the directory can hide members; then there is a gap.

    Args:
        archive: an open archive.
        largest_gap: bytes that may stand after a member. A writer that can't seek puts a data descriptor there.
    """
    assert archive.fp is not None  # it is open
    position = gap = 0
    for member in sorted(archive.infolist(), key=lambda member: member.header_offset):
        if not position <= member.header_offset <= position + gap:
            raise zipfile.BadZipFile("members are missing from its directory")
        archive.fp.seek(member.header_offset)
        name_length, extra_length = struct.unpack("<26xHH", archive.fp.read(LOCAL_HEADER))
        position = member.header_offset + LOCAL_HEADER + name_length + extra_length + member.compress_size
        gap = largest_gap
    if not position <= archive.start_dir <= position + gap:
        raise zipfile.BadZipFile("members are missing from its directory")
