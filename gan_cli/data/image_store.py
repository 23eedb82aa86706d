"""Files in a folder or in a zip archive, listed with their size and time of change, and read in place."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gan_cli.data.image_decoding import UnreadableImageError, read_header
from gan_cli.errors import ConfigError, first_line
from gan_cli.regular_files import open_regular
from gan_cli.zip_limits import LARGEST_RATIO

BYTES_PER_PIXEL = 8  # of the largest format that is read: RGBA with 16 bits, not compressed
METADATA_BYTES = 2**24
"""Bytes of a file besides its pixels. A member of an archive that unpacks to less is read whole."""
LARGEST_TEXT = 2**28  # bytes of a file of labels


class FileEntry(NamedTuple):
    """A file that is not hidden.

    Attributes:
        name: relative to the root, with `/` on every system.
        size: in bytes.
        version: changes with the content: the time of the last change, or a checksum.
        problem: why the file can't be read; "" where it can.
    """

    name: str
    size: int
    version: int
    problem: str = ""


class ImageStore(ABC):
    """Where image files lie.

    Attributes:
        root: the folder or the archive.
    """

    root: Path

    @abstractmethod
    def entries(self) -> list[FileEntry]:
        """Every file that isn't hidden, sorted by name."""

    @abstractmethod
    def locate(self, name: str, max_megapixels: float) -> Path | bytes:
        """The path of an image, or its content. Raises UnreadableImageError."""

    @abstractmethod
    def read_file(self, name: str, limit: int) -> bytes:
        """The content of a file, but no more than `limit` bytes of it. Raises as `locate`, or OSError."""

    @abstractmethod
    def read_text(self, name: str) -> bytes:
        """The content of a file of labels. Raises OSError or ValueError."""

    @abstractmethod
    def source_files(self, names: Iterable[str]) -> Iterable[Path]:
        """The files on disk that hold the images."""


class FolderStore(ImageStore):
    """All files below a folder, links to folders followed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def entries(self) -> list[FileEntry]:
        found: list[FileEntry] = []
        visited = set()
        for folder, below, files in os.walk(self.root, followlinks=True):
            place = os.path.realpath(folder)
            if place in visited:  # a link that leads back up would lead round in circles
                below.clear()
                continue
            visited.add(place)
            below[:] = sorted(name for name in below if not name.startswith("."))
            within = Path(folder).relative_to(self.root).as_posix()
            prefix = "" if within == "." else f"{within}/"
            found += [file_entry(f"{folder}/{name}", prefix + name) for name in files if not name.startswith(".")]
        return sorted(found)

    def locate(self, name: str, max_megapixels: float) -> Path | bytes:
        return self.root / name

    def read_file(self, name: str, limit: int) -> bytes:
        with open_regular(self.root / name) as file:
            return file.read(limit)

    def read_text(self, name: str) -> bytes:
        with open_regular(self.root / name) as file:
            content = file.read(LARGEST_TEXT + 1)
        if len(content) > LARGEST_TEXT:
            raise ValueError(f"it has more than {LARGEST_TEXT:,} bytes")
        return content

    def source_files(self, names: Iterable[str]) -> Iterable[Path]:
        return (self.root / name for name in names)


def file_entry(path: str, name: str) -> FileEntry:
    try:
        facts = os.stat(path)  # noqa: PTH116 - a Path for each of a million files takes seconds
    except OSError:
        return FileEntry(name, 0, 0)  # a link that leads nowhere; reading it gives the reason
    problem = "" if stat.S_ISREG(facts.st_mode) else "not a regular file"  # a pipe may never end once it is opened
    return FileEntry(name, facts.st_size, facts.st_mtime_ns, problem)


class ZipStore(ImageStore):
    """The members of a zip archive, such as StyleGAN's data sets. Nothing is extracted."""

    def __init__(self, path: Path) -> None:
        self.root = path
        try:
            self.archive = zipfile.ZipFile(path)  # stays open; members can be read from several threads
        except Exception as error:  # damage makes zipfile raise errors of many kinds
            advice = (
                "Expected a folder of images or a whole zip archive of images; dataset=npz reads .npy and .npz files."
            )
            raise ConfigError("path", f"can't be read ({first_line(error)})", path, advice) from error
        if sum(info.compress_size for info in self.archive.infolist()) > path.stat().st_size:
            raise ConfigError("path", "its members overlap, as in no archive of images", path)
        self.members = {info.filename: info for info in self.archive.infolist() if not info.is_dir()}

    def entries(self) -> list[FileEntry]:
        return sorted(
            FileEntry(name, info.file_size, info.CRC, problem_of(info))
            for name, info in self.members.items()
            if not is_hidden(name)
        )

    def locate(self, name: str, max_megapixels: float) -> Path | bytes:
        limit = int(max_megapixels * 1_000_000) * BYTES_PER_PIXEL + METADATA_BYTES
        if METADATA_BYTES < self.size_of(name) <= limit:
            limit = self.largest_size(name, max_megapixels)
        return self.read_member(name, limit)

    def read_file(self, name: str, limit: int) -> bytes:
        return b"" if self.size_of(name) > limit else self.read_member(name, limit)

    def largest_size(self, name: str, max_megapixels: float) -> int:
        """The most bytes that the image in a member can need, by its header. Raises UnreadableImageError.

        The member is not unpacked for that, since a small one can unpack to hundreds of megabytes.
        """
        with archive_errors(), self.archive.open(self.members[name]) as member:
            content = io.BytesIO(member.read(METADATA_BYTES)) if self.is_bomb(name) else member
            header = read_header(content, max_megapixels)
        return header.height * header.width * BYTES_PER_PIXEL + METADATA_BYTES

    def read_text(self, name: str) -> bytes:
        return self.read_member(name, METADATA_BYTES if self.is_bomb(name) else LARGEST_TEXT)

    def size_of(self, name: str) -> int:
        """Bytes of a member once it is decompressed; 0 where there is none of this name."""
        return self.members[name].file_size if name in self.members else 0

    def is_bomb(self, name: str) -> bool:
        """Whether a member unpacks to more than an image or a text usually does."""
        return name in self.members and self.members[name].file_size > LARGEST_RATIO * self.members[name].compress_size

    def read_member(self, name: str, limit: int) -> bytes:
        if name not in self.members:
            raise UnreadableImageError("the archive has no such file")
        info = self.members[name]
        if info.file_size > limit:
            raise UnreadableImageError(f"has {info.file_size:,} bytes once it is decompressed, which is too much")
        with archive_errors():
            return self.archive.read(info)  # at most file_size bytes, whatever the member claims inside

    def source_files(self, names: Iterable[str]) -> Iterable[Path]:
        return [self.root]


@contextmanager
def archive_errors() -> Iterator[None]:
    """Turns any error of zipfile and its four decompressors into UnreadableImageError."""
    try:
        yield
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(f"can't be read from the archive ({first_line(error)})") from error


def is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in parts)


def problem_of(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 0x1:
        return "encrypted"
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:  # reading it is harmless; as a class it would be a strange one
        return "its name leads out of the archive"
    return ""
