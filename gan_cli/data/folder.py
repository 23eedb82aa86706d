"""Images in a folder with its sub-folders, or in a zip archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gan_cli.data import DataSpec, Examples, Progress
from gan_cli.data.folder_index import FolderIndex, index_images
from gan_cli.data.image_decoding import (
    DEFAULT_MEGAPIXELS,
    FORMAT_NAMES,
    ImageHeader,
    UnreadableImageError,
    read_image,
)
from gan_cli.data.image_labels import AUTO, check_labels_key
from gan_cli.data.image_options import ImageSource
from gan_cli.data.image_store import FolderStore, ImageStore, ZipStore
from gan_cli.data.input_paths import existing
from gan_cli.data.loading import UndecodedExamples, load_examples
from gan_cli.data.png_decoding import LARGEST_FILE, can_decode, decode_small_pngs
from gan_cli.errors import ConfigError, check_number

MOST_SIZES = 5  # named in a message


@dataclass(frozen=True, kw_only=True)
class Folder(ImageSource):
    """Images in a folder or a zip archive. configs/dataset/folder.yaml explains each key."""

    path: str
    labels: str | None = AUTO
    max_megapixels: float = DEFAULT_MEGAPIXELS

    def __post_init__(self) -> None:
        super().__post_init__()
        check_labels_key(self.labels)
        check_number("max_megapixels", self.max_megapixels, above=0)

    def describe(self) -> DataSpec:
        """Reads the header of every file; of unchanged files from the cache.

        Raises:
            ConfigError: for a path without images, or images of several sizes where `image_size` is null.
        """
        return self.spec_of(self.index(self.store()))

    def open(self, progress: Progress | None = None) -> Examples:
        """Loads every file that holds a whole image, and lists the others in `skipped`.

        Raises:
            ConfigError: as `describe`, and where no file can be read.
        """
        store = self.store()
        index = self.index(store, progress)
        spec = self.spec_of(index)
        fit = self.fit(spec.shape)

        def decode(place: int) -> tuple[np.ndarray, int]:
            file = store.locate(index.files[place], self.max_megapixels)
            return fit.image(read_image(file, self.max_megapixels)), index.labels.labels[place]

        def decode_many(places: range) -> tuple[np.ndarray, Sequence[int]] | None:
            try:
                if not can_decode(store.read_file(index.files[places.start], LARGEST_FILE)):
                    return None
                contents = [store.read_file(index.files[place], LARGEST_FILE) for place in places]
            except (OSError, UnreadableImageError):
                return None
            images = decode_small_pngs(contents)
            return None if images is None else (fit.arrays(images), index.labels.labels[places.start : places.stop])

        undecoded = UndecodedExamples(
            spec=spec,
            decode=decode,
            name=index.files.__getitem__,
            skipped=index.skipped,
            files=lambda: store.source_files(index.files),
            decode_many=decode_many,
            label=index.labels.labels.__getitem__,
        )
        try:
            return load_examples(undecoded, self.memory_limit, progress)
        except ConfigError as error:
            raise ConfigError("path", error.problem, self.path, error.advice) from error

    def known_labels(self) -> np.ndarray:
        return np.array(self.index(self.store()).labels.labels, np.int32)

    def store(self) -> ImageStore:
        path = existing("path", self.path)
        return FolderStore(path) if path.is_dir() else ZipStore(path)

    def index(self, store: ImageStore, progress: Progress | None = None) -> FolderIndex:
        """The images. Raises ConfigError where there are none."""
        index = index_images(store, self.labels, self.max_megapixels, progress)
        if index.files:
            return index
        if not index.skipped:
            raise ConfigError("path", "holds no images", self.path, f"Expected {FORMAT_NAMES} files.")
        name, reason = index.skipped[-1]  # unreadable images come last
        problem = f"holds no image that can be read; {len(index.skipped):,} other files lie there"
        raise ConfigError("path", problem, self.path, f"Expected {FORMAT_NAMES} files. {name}: {reason}.")

    def spec_of(self, index: FolderIndex) -> DataSpec:
        self.check_sizes(index.headers)
        first = index.headers[0]
        shape = self.shape(first.height, first.width, max(header.channels for header in index.headers))
        return DataSpec(shape, len(index.files), index.labels.classes, class_names=index.labels.names)

    def check_sizes(self, headers: list[ImageHeader]) -> None:
        sizes = Counter(f"{header.height}x{header.width}" for header in headers)
        if self.image_size is None and len(sizes) > 1:
            some = ", ".join(f"{size} ({count:,})" for size, count in sizes.most_common(MOST_SIZES))
            more = f" and {len(sizes) - MOST_SIZES:,} more" if len(sizes) > MOST_SIZES else ""
            problem = f"the images have {len(sizes):,} different sizes: {some}{more}"
            raise ConfigError("image_size", problem, None, "Choose one size for all of them: dataset.image_size=64.")
