"""Images or 2-D points in a NumPy file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.data import NO_LABEL, DataSpec, Examples, InMemory, Progress
from gan_cli.data.aligned_array import aligned_empty
from gan_cli.data.class_names import is_list_of_names
from gan_cli.data.contrast_warnings import contrast_warnings
from gan_cli.data.image_options import ImageSource
from gan_cli.data.loading import GIBIBYTE, Streamed, UndecodedExamples, fits_in_memory, map_in_threads
from gan_cli.data.npy_header import ArrayFile, ArrayHeader
from gan_cli.data.pixel_range import UNIT, PixelRange, PixelStatistics, find_pixel_range, parse_value_range
from gan_cli.data.resize import ResizeOptions
from gan_cli.errors import ConfigError

DEFAULT_IMAGES, DEFAULT_LABELS = "images", "labels"
CLASS_NAMES = "class_names"
"""An array of texts with this name holds the names of the classes."""
PARTNERS = (("images", "labels"), ("image", "label"), ("x", "y"), ("X", "Y"), ("data", "target"))
"""Words in the names of arrays of images, and those of their labels: train_images and train_labels (MedMNIST)."""


@dataclass(frozen=True, kw_only=True)
class Npz(ImageSource):
    """Arrays in a .npz or .npy file. configs/dataset/npz.yaml explains each key."""

    path: str
    images_key: str = DEFAULT_IMAGES
    labels_key: str | None = DEFAULT_LABELS
    value_range: Any = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_value_range(self.value_range)

    def describe(self) -> DataSpec:
        """Shape and count from the arrays' headers; only labels are read, and points, for their range.

        Raises:
            ConfigError: for a file that is missing, broken or of another kind, and arrays that can't be used; for
                compressed images that take more than `memory_limit`.
        """
        file = ArrayFile.open(self.path)
        name = self.examples_name(file)
        header = file.headers[name]
        labels = self.labels(file, name)
        classes = self.count_classes(file, name, labels)
        names = class_names(file, classes)
        if is_points(header):
            return DataSpec((2,), header.shape[0], classes, self.range_of_points(file.load(name)), names)
        _, height, width, channels = (*header.shape, 1)[:4]
        spec = DataSpec(self.shape(height, width, channels), header.shape[0], classes, class_names=names)
        if not fits_in_memory(spec, self.memory_limit) and not file.can_stay_on_disk(name):
            needed = math.ceil(100 * spec.total_bytes / GIBIBYTE) / 100
            problem = f"the {spec.examples:,} images of {self.path} are compressed and take {needed:g} GiB in memory"
            advice = f"Save them with np.savez: they stay on disk then. Or set dataset.memory_limit={needed:g}."
            raise ConfigError("memory_limit", problem, self.memory_limit, advice)
        return spec

    def open(self, progress: Progress | None = None) -> Examples:
        """Loads the examples; images that take more than `memory_limit` stay on disk.

        Raises:
            ConfigError: as `describe`, and for floats whose range is not known.
        """
        spec = self.describe()
        file = ArrayFile.open(self.path)
        name = self.examples_name(file)
        found = self.labels(file, name)
        labels = np.full(spec.examples, NO_LABEL, np.int32) if found is None else found
        if not spec.is_image:
            return InMemory(spec, np.array(file.load(name), np.float32), labels, [])
        pixels = self.pixel_range(file, name)
        fit = self.fit(spec.shape)
        if fits_in_memory(spec, self.memory_limit):
            values = read_into_memory(file, name, spec, pixels, fit, progress)
            return InMemory(spec, values, labels, [], contrast_warnings(values.__getitem__, len(values)))
        stored = file.load(name)

        def decode(index: int) -> tuple[np.ndarray, int]:
            image = stored[index].reshape(*stored.shape[1:3], -1)
            return fit.array(pixels.to_uint8(image)), int(labels[index])

        undecoded = UndecodedExamples(
            spec=spec,
            decode=decode,
            name="image {}".format,
            files=lambda: [Path(file.path)],
            label=lambda index: int(labels[index]),
        )
        return Streamed(undecoded)

    def known_labels(self) -> np.ndarray | None:
        file = ArrayFile.open(self.path)
        return self.labels(file, self.examples_name(file))

    def examples_name(self, file: ArrayFile) -> str:
        """The array that holds the examples. Raises ConfigError where there is none that can be used."""
        usable = [name for name, header in file.headers.items() if is_images(header) or is_points(header)]
        suitable = [name for name in usable if file.headers[name].dtype != bool] or usable  # masks lie beside images
        wanted = "" if self.images_key == DEFAULT_IMAGES else self.images_key
        name = file.choose("images_key", self.images_key, suitable, "images", is_typed=bool(wanted))
        header = file.headers[name]
        if is_points(header) and (self.flip or self.image_size is not None):
            key = "flip" if self.flip else "image_size"
            raise ConfigError(key, f"{self.path} holds 2-D points, which have no image size", getattr(self, key))
        if name not in usable:
            problem = f"expected uint8, bool or float images {SHAPES}, not {header}"
            raise ConfigError("images_key" if name else "path", problem, name or self.path, advice_on(header))
        return name

    def labels(self, file: ArrayFile, images: str) -> np.ndarray | None:
        """int32 labels of the array `images`, None where there are none. Raises ConfigError where they don't fit."""
        name = self.labels_name(file, images)
        if name is None:
            return None
        examples, labels = file.headers[images].shape[0], file.load(name)
        if is_one_hot(file.headers[name], examples):
            return from_one_hot(labels, name)
        labels = labels.reshape(-1)
        if (labels == NO_LABEL).all():
            return None
        if labels.min() < 0 or labels.max() >= examples:
            problem = f"expected classes from 0 on; they reach from {labels.min()} to {labels.max()}"
            raise ConfigError("labels_key", problem, name, "np.unique(labels, return_inverse=True)[1] numbers them.")
        return labels.astype(np.int32)

    def labels_name(self, file: ArrayFile, images: str) -> str | None:
        """The array that holds the labels of `images`, None where there is none."""
        examples = file.headers[images].shape[0]
        suitable = [name for name, header in file.headers.items() if is_labels(header, examples)]
        is_default = self.labels_key == DEFAULT_LABELS and DEFAULT_LABELS not in file.headers
        if self.labels_key is None or (is_default and not suitable):
            return None
        named = [name for name in (self.labels_key, *partner_names(images)) if name in file.headers]
        # An array of several columns is taken for labels by its name alone: it may hold anything.
        suitable += [name for name in named if is_one_hot(file.headers[name], examples) and name not in suitable]
        partners = [name for name in partner_names(images) if name in suitable]
        kind = "labels; labels_key=null goes without"
        name = file.choose("labels_key", self.labels_key, partners[:1] or suitable, kind, is_typed=not is_default)
        if name not in suitable:
            problem = f"expected {examples:,} whole numbers, or rows of one-hot labels, not {file.headers[name]}"
            raise ConfigError("labels_key", problem, name, "dataset.labels_key=null goes without labels.")
        return name

    def count_classes(self, file: ArrayFile, images: str, labels: np.ndarray | None) -> int:
        """The number of classes: columns of one-hot labels, else one more than the largest label."""
        if labels is None:
            return 0
        name = self.labels_name(file, images)
        assert name is not None
        shape = file.headers[name].shape
        return shape[1] if is_one_hot(file.headers[name], shape[0]) else int(labels.max()) + 1

    def range_of_points(self, points: np.ndarray) -> tuple[float, float]:
        low, high = float(np.float32(points.min())), float(np.float32(points.max()))
        if not np.isfinite([low, high]).all():
            raise ConfigError("path", "its points are not all finite", self.path)
        return low, high

    def pixel_range(self, file: ArrayFile, name: str) -> PixelRange:
        """The values of black and white. Raises ConfigError where floats have another range."""
        if file.headers[name].dtype.kind != "f":
            return UNIT  # uint8 and bool have one range
        statistics = PixelStatistics.of(file.read_chunks(name))
        return find_pixel_range(statistics, parse_value_range(self.value_range), self.path)


SHAPES = "[n, height, width] or [n, height, width, 1, 3 or 4]"


def read_into_memory(
    file: ArrayFile, name: str, spec: DataSpec, pixels: PixelRange, fit: ResizeOptions, progress: Progress | None
) -> np.ndarray:
    """uint8 `[n, *spec.shape]`, converted chunk by chunk, so that the file's array is never in memory beside it."""
    values = aligned_empty((spec.examples, *spec.shape), np.uint8)
    start = 0
    for chunk in file.read_chunks(name):
        images = pixels.to_uint8(chunk.reshape(*chunk.shape[:3], -1))
        part = values[start : start + len(images)]
        if images.shape == part.shape:
            part[:] = images
        else:
            resize_into(part, images, fit)
        start += len(images)
        if progress:
            progress(start, len(values))
    return values


def resize_into(part: np.ndarray, images: np.ndarray, fit: ResizeOptions) -> None:
    def resize(index: int) -> None:
        part[index] = fit.array(images[index])

    map_in_threads(resize, len(images), None)


def partner_names(images: str) -> Sequence[str]:
    """Likely names of the labels of an array of images."""
    words = images.split("_")
    return ["_".join(label if word == image else word for word in words) for image, label in PARTNERS if image in words]


def advice_on(header: ArrayHeader) -> str:
    """What to do with an array that can't be used."""
    shape = header.shape
    if 0 in shape:
        return "It holds no pixels."
    if header.dtype.kind not in "fbu" or (header.dtype.itemsize > 1 and header.dtype.kind == "u"):
        return "Whole numbers in 0 to 255 are converted by images.astype(np.uint8)."
    if len(shape) == 3:
        single = "One image alone needs a leading axis: images[None]"
        return f"{single}; grey images that are {shape[2]} wide need a last one: images[..., None]."
    if len(shape) == 4 and shape[1] in (1, 3, 4):
        return "Put the channels last: images.transpose(0, 2, 3, 1)."
    return "Name the array of images: dataset.images_key=NAME."


def is_images(header: ArrayHeader) -> bool:
    """Whether an array can be images. One image, `[16, 16, 3]`, is none: it would be 16 grey ones of 16 x 3."""
    shape, kind = header.shape, header.dtype.kind
    if len(shape) == 3:
        has_channels = shape[2] not in (1, 3, 4) or shape[1] == shape[2]
    else:
        has_channels = len(shape) == 4 and shape[3] in (1, 3, 4)
    return has_channels and 0 not in shape and (header.dtype == np.uint8 or kind in "fb")


def is_points(header: ArrayHeader) -> bool:
    return len(header.shape) == 2 and header.shape[1] == 2 and header.shape[0] > 0 and header.dtype.kind == "f"


def is_labels(header: ArrayHeader, examples: int) -> bool:
    return header.dtype.kind in "iu" and header.shape in ((examples,), (examples, 1))


def is_one_hot(header: ArrayHeader, examples: int) -> bool:
    """Whether an array can be one-hot labels `[examples, classes]`."""
    shape = header.shape
    return header.dtype.kind in "iufb" and len(shape) == 2 and shape[0] == examples and shape[1] > 1


def from_one_hot(rows: np.ndarray, name: str) -> np.ndarray:
    """int32 labels `[n]` of rows with a single 1 each. Raises ConfigError."""
    is_one = np.asarray(rows) == 1
    if (np.asarray(rows)[~is_one] != 0).any() or (is_one.sum(axis=1) != 1).any():
        problem = "expected rows of zeros with a single 1, or whole numbers"
        raise ConfigError("labels_key", problem, name, "dataset.labels_key=null goes without labels.")
    labels: np.ndarray = is_one.argmax(axis=1).astype(np.int32)
    return labels


def class_names(file: ArrayFile, classes: int) -> tuple[str, ...]:
    """The texts in the array `class_names`, where the file has one with a text for each class."""
    header = file.headers.get(CLASS_NAMES)
    if header is None or header.dtype.kind not in "US" or header.shape != (classes,) or classes == 0:
        return ()
    names = tuple(name.decode(errors="replace") if isinstance(name, bytes) else name for name in read_texts(file))
    return names if is_list_of_names(list(names)) else ()


def read_texts(file: ArrayFile) -> list[str | bytes]:
    texts: list[str | bytes] = file.load(CLASS_NAMES).tolist()
    return texts
