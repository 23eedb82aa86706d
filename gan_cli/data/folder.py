"""A folder of pictures: PNG, JPEG, WebP, BMP or GIF, in sub-folders or not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from gan_cli.data import DataSpec, Examples, Progress, SkippedFile
from gan_cli.data.folder_index import FolderIndex, index_folder
from gan_cli.data.image_decoding import Header, UnreadableImageError, read_header, read_picture
from gan_cli.data.image_options import ImageSource
from gan_cli.data.input_paths import existing_folder
from gan_cli.data.loading import UndecodedExamples, load_examples, map_in_threads
from gan_cli.errors import ConfigError

SAMPLED = 64  # headers that tell the size and the kind of all; read within a tenth of a second


@dataclass(frozen=True, kw_only=True)
class Folder(ImageSource):
    """Pictures in a folder; the sub-folders are the classes. configs/dataset/folder.yaml explains each key."""

    path: str

    def describe(self) -> DataSpec:
        """Shape from the headers of some files, counts from the names of all.

        Raises:
            ConfigError: for a path that holds no pictures, or pictures of several sizes where `image_size` is null.
        """
        return self.describe_listing(self.listing())

    def open(self, progress: Progress | None = None) -> Examples:
        """Every file that holds a whole picture; the others are named in `skipped`.

        Raises:
            ConfigError: as `describe`, and where no file can be read.
        """
        listing = self.listing()
        spec = self.describe_listing(listing)
        headers, broken = read_headers(listing, range(len(listing.files)), progress)
        self.check_sizes(list(headers.values()))
        kept = list(headers)
        fit = self.fit(spec.shape)

        def decode(index: int) -> tuple[np.ndarray, int]:
            file = kept[index]
            picture = read_picture(listing.root / listing.files[file], headers[file].orientation)
            return fit.picture(picture), listing.labels[file]

        undecoded = UndecodedExamples(
            spec=replace(spec, examples=len(kept)),
            decode=decode,
            name=lambda index: listing.files[kept[index]],
            skipped=[*listing.foreign, *broken],
            files=lambda: (listing.root / listing.files[file] for file in kept),
        )
        try:
            return load_examples(undecoded, self.memory_limit, progress)
        except ConfigError as error:
            raise ConfigError("path", error.problem, self.path, error.advice) from error

    def listing(self) -> FolderIndex:
        root = existing_folder("path", self.path)
        listing = index_folder(root)
        if not listing.files:
            seen = f"; {len(listing.foreign):,} other files lie there" if listing.foreign else ""
            advice = "Name the folder that holds PNG, JPEG, WebP, BMP or GIF files, directly or in sub-folders."
            raise ConfigError("path", f"holds no pictures{seen}", self.path, advice)
        return listing

    def describe_listing(self, listing: FolderIndex) -> DataSpec:
        count = len(listing.files)
        sampled = sorted(set(np.linspace(0, count - 1, min(SAMPLED, count)).astype(int).tolist()))
        found, broken = read_headers(listing, sampled, None)
        headers = list(found.values())
        if not headers:
            problem = f"none of the {len(broken)} files looked at is a picture that can be read"
            raise ConfigError("path", problem, self.path, f"{broken[0].name}: {broken[0].reason}.")
        self.check_sizes(headers)
        channels = max(header.channels for header in headers)
        shape = self.shape(headers[0].height, headers[0].width, channels)
        return DataSpec(shape, count, len(listing.classes))

    def check_sizes(self, headers: list[Header]) -> None:
        sizes = Counter(f"{header.height}x{header.width}" for header in headers)
        if self.image_size is None and len(sizes) > 1:
            some = ", ".join(f"{size} ({count:,})" for size, count in sizes.most_common(5))
            more = f" and {len(sizes) - 5:,} more" if len(sizes) > 5 else ""
            problem = f"the pictures have {len(sizes):,} different sizes: {some}{more}"
            raise ConfigError("image_size", problem, None, "Choose one size for all of them: dataset.image_size=64.")


def read_headers(
    listing: FolderIndex, files: range | list[int], progress: Progress | None
) -> tuple[dict[int, Header], list[SkippedFile]]:
    """Headers by the file's place in the listing, and the files whose headers can't be read."""

    def read(place: int) -> Header | SkippedFile:
        name = listing.files[files[place]]
        try:
            return read_header(listing.root / name)
        except UnreadableImageError as error:
            return SkippedFile(name, str(error))

    results = dict(zip(files, map_in_threads(read, len(files), progress), strict=True))
    headers = {file: result for file, result in results.items() if isinstance(result, Header)}
    return headers, [result for result in results.values() if isinstance(result, SkippedFile)]
