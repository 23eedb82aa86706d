"""Index of the images in a folder or zip archive: which files are images, their sizes, and their classes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gan_cli.cache import cache_folder, write_json_to_cache
from gan_cli.data import Progress, SkippedFile
from gan_cli.data.image_decoding import ImageHeader, NotAnImageError, UnreadableImageError, read_header, too_many_pixels
from gan_cli.data.image_labels import ImageLabels, find_labels, label_file_names
from gan_cli.data.image_store import FileEntry, ImageStore
from gan_cli.data.loading import map_in_threads

ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".webp", ".avif"),
    *(".tif", ".tiff", ".bmp", ".dib", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"),
)
CACHE_FORMAT = 1


@dataclass(frozen=True)
class FolderIndex:
    """The readable images of a store.

    Attributes:
        files: their names, sorted.
        headers: size and kind of each.
        labels: class of each, and the names of the classes.
        skipped: files that are no images, and images that can't be read.
    """

    files: list[str]
    headers: list[ImageHeader]
    labels: ImageLabels
    skipped: list[SkippedFile]


def index_images(
    store: ImageStore, labels: str | None, max_megapixels: float, progress: Progress | None = None
) -> FolderIndex:
    """Reads the header of every image file; headers of files that did not change come from the cache.

    Raises:
        ConfigError: for labels that don't fit the images.
    """
    candidates: list[FileEntry] = []
    others: list[FileEntry] = []
    for entry in store.entries():
        (candidates if is_candidate(entry) else others).append(entry)
    headers, broken = read_headers(store, candidates, max_megapixels, progress)
    files = [entry.name for entry in candidates if entry.name in headers]
    # Classes come from the names alone, so that they do not change where a file turns out to be broken.
    named = [entry.name for entry in candidates if has_image_ending(entry.name) or entry.name in headers]
    readable = {entry.name for entry in others if not entry.problem}
    present = [name for name in label_file_names([entry.name for entry in candidates]) if name in readable]
    found = find_labels(store, labels, present, named, files)
    foreign = [foreign_file(entry) for entry in others if entry.name not in present]
    return FolderIndex(files, [headers[name] for name in files], found, [*foreign, *broken])


def has_image_ending(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def is_candidate(entry: FileEntry) -> bool:
    """Whether a file may be an image by its name: an image's ending, or none (a number, as in `img.0001`, is none)."""
    ending = ending_of(entry.name)[1:]
    return not entry.problem and (has_image_ending(entry.name) or not ending or ending.isdigit())


def foreign_file(entry: FileEntry) -> SkippedFile:
    return SkippedFile(entry.name, entry.problem or f"not an image file ({ending_of(entry.name)})")


def ending_of(name: str) -> str:
    return os.path.splitext(name)[1]  # noqa: PTH122 - a Path for each of a million names takes seconds


def read_headers(
    store: ImageStore, entries: Sequence[FileEntry], max_megapixels: float, progress: Progress | None
) -> tuple[dict[str, ImageHeader], list[SkippedFile]]:
    """Headers by name, and the files whose headers can't be read."""
    cache = HeaderCache(store)
    headers = {entry.name: header for entry in entries if (header := cache.get(entry)) is not None}
    unknown = [entry for entry in entries if entry.name not in headers]

    def read(place: int) -> ImageHeader | SkippedFile:
        name = unknown[place].name
        try:
            return read_header(store.locate(name, max_megapixels), max_megapixels)
        except NotAnImageError as error:
            return SkippedFile(name, str(error) if has_image_ending(name) else "not an image file (no ending)")
        except UnreadableImageError as error:
            return SkippedFile(name, str(error))

    results = map_in_threads(read, len(unknown), progress) if unknown else []
    for entry, result in zip(unknown, results, strict=True):
        if isinstance(result, ImageHeader):
            headers[entry.name] = result
            cache.put(entry, result)
    skipped = [result for result in results if isinstance(result, SkippedFile)]
    cache.keep(headers)
    for name, header in list(headers.items()):
        if header.height * header.width > max_megapixels * 1_000_000:  # from the cache of a start with a larger limit
            skipped.append(SkippedFile(name, too_many_pixels(header.width, header.height, max_megapixels)))
            del headers[name]
    return headers, skipped


class HeaderCache:
    """Headers of one store's images in the cache folder, valid while size and version of a file stay the same.

    The file holds numbers alone: {name: [size, version, height, width, channels]}.
    """

    def __init__(self, store: ImageStore) -> None:
        root = os.path.realpath(store.root)
        name = hashlib.sha256(os.fsencode(root)).hexdigest()
        self.path = cache_folder() / "image_headers" / f"{name}.json"
        self.rows: dict[str, list[int]] = {}
        self.is_changed = False
        try:
            content = json.loads(self.path.read_text("utf-8"))
            if content["format"] == CACHE_FORMAT:
                self.rows = {name: row for name, row in content["headers"].items() if is_row(row)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # missing or damaged: all headers are read

    def get(self, entry: FileEntry) -> ImageHeader | None:
        row = self.rows.get(entry.name)
        return ImageHeader(*row[2:]) if row is not None and row[:2] == [entry.size, entry.version] else None

    def put(self, entry: FileEntry, header: ImageHeader) -> None:
        self.rows[entry.name] = [entry.size, entry.version, header.height, header.width, header.channels]
        self.is_changed = True

    def keep(self, names: Iterable[str]) -> None:
        """Stores the rows of `names` and drops all others, where that changes anything."""
        rows = {name: self.rows[name] for name in names}
        if self.is_changed or len(rows) != len(self.rows):
            write_json_to_cache(self.path, {"format": CACHE_FORMAT, "headers": rows})


def is_row(row: object) -> bool:
    is_numbers = isinstance(row, list) and len(row) == 5 and all(type(number) is int for number in row)
    return is_numbers and row[2] > 0 and row[3] > 0 and row[4] in (1, 3, 4)  # type: ignore[index]
