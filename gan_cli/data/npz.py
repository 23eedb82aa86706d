"""Images or 2-D points in a NumPy file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gan_cli.data import DataSpec, Examples, InMemory, Progress
from gan_cli.data.image_options import ImageSource
from gan_cli.data.loading import UndecodedExamples, load_examples
from gan_cli.data.npy_header import ArrayFile, ArrayHeader
from gan_cli.errors import ConfigError

DEFAULT_LABELS = "labels"
CHUNK_BYTES = 1024  # examples looked at together, so that a large file is never in memory as a whole


@dataclass(frozen=True, kw_only=True)
class Npz(ImageSource):
    """Arrays in a .npz or .npy file. configs/dataset/npz.yaml explains each key."""

    path: str
    images_key: str = "images"
    labels_key: str | None = DEFAULT_LABELS

    def describe(self) -> DataSpec:
        """Shape and count from the arrays' headers; only labels are read, and points, for their range.

        Raises:
            ConfigError: for a file that is missing, broken or of another kind, and arrays that can't be used.
        """
        file = ArrayFile.open(self.path)
        name = self.examples_name(file)
        header = file.headers[name]
        labels = self.labels(file, header.shape[0])
        classes = 0 if labels is None else int(labels.max()) + 1
        if is_points(header):
            return DataSpec((2,), header.shape[0], classes, self.range_of_points(file.load(name)))
        _, height, width, channels = (*header.shape, 1)[:4]
        return DataSpec(self.shape(height, width, channels), header.shape[0], classes)

    def open(self, progress: Progress | None = None) -> Examples:
        """The examples; a .npy file larger than `memory_limit` stays on disk.

        Raises:
            ConfigError: as `describe`, and for floats outside [-1, 1].
        """
        spec = self.describe()
        file = ArrayFile.open(self.path)
        values = file.load(self.examples_name(file))
        found = self.labels(file, spec.examples)
        labels = np.zeros(spec.examples, np.int32) if found is None else found
        if not spec.is_image:
            return InMemory(spec, np.array(values, np.float32), labels, [])
        black = self.black(values)
        fit = self.fit(spec.shape)

        def decode(index: int) -> tuple[np.ndarray, int]:
            image = values[index].reshape(*values.shape[1:3], -1)
            return fit.array(to_uint8(image, black)), int(labels[index])

        return load_examples(
            UndecodedExamples(spec, decode, "image {}".format, files=lambda: [Path(self.path)]),
            self.memory_limit,
            progress,
        )

    def examples_name(self, file: ArrayFile) -> str:
        """The array that holds the examples. Raises ConfigError where none will do."""
        suitable = [name for name, header in file.headers.items() if is_images(header) or is_points(header)]
        name = file.choose("images_key", self.images_key, suitable, "images")
        header = file.headers[name]
        if is_points(header) and (self.flip or self.image_size is not None):
            key = "flip" if self.flip else "image_size"
            raise ConfigError(key, f"{self.path} holds 2-D points, which have no pictures' sides", getattr(self, key))
        if name not in suitable or header.shape[0] == 0:
            problem = (
                f"expected uint8 or float images [n, height, width] or [n, height, width, 1, 3 or 4], not {header}"
            )
            if len(header.shape) == 4 and header.shape[1] in (1, 3, 4):
                advice = "Put the channels last: images.transpose(0, 2, 3, 1)."
            else:
                advice = (
                    "Whole numbers other than uint8 are mended by images.astype(np.uint8), if they are in 0 to 255."
                )
            raise ConfigError("images_key" if name else "path", problem, name or self.path, advice)
        return name

    def labels(self, file: ArrayFile, examples: int) -> np.ndarray | None:
        """int32 `[examples]`, None where there are none. Raises ConfigError where they don't fit the examples."""
        suitable = [name for name, header in file.headers.items() if is_labels(header, examples)]
        is_default = self.labels_key == DEFAULT_LABELS and DEFAULT_LABELS not in file.headers
        if self.labels_key is None or (is_default and not suitable):
            return None
        name = file.choose("labels_key", self.labels_key, suitable, "labels; labels_key=null goes without")
        if name not in suitable:
            problem = f"expected {examples:,} whole numbers, one for each example, not {file.headers[name]}"
            raise ConfigError("labels_key", problem, name, "dataset.labels_key=null goes without labels.")
        labels = file.load(name).reshape(-1)
        if labels.min() < 0 or labels.max() >= examples:
            problem = f"expected classes from 0 on; they reach from {labels.min()} to {labels.max()}"
            raise ConfigError("labels_key", problem, name, "np.unique(labels, return_inverse=True)[1] numbers them.")
        return labels.astype(np.int32)

    def range_of_points(self, points: np.ndarray) -> tuple[float, float]:
        low, high = float(np.float32(points.min())), float(np.float32(points.max()))
        if not np.isfinite([low, high]).all():
            raise ConfigError("path", "its points are not all finite", self.path)
        return low, high

    def black(self, values: np.ndarray) -> float:
        """The float that stands for black: 0 or -1; 0 for uint8. Raises ConfigError for another range."""
        if values.dtype == np.uint8:
            return 0.0
        bounds = [(portion.min(), portion.max()) for portion in chunks(values)]
        low, high = np.min(bounds), np.max(bounds)
        if not (low >= -1 and high <= 1):  # true of NaN as well
            problem = f"expected floats in [0, 1] or [-1, 1]; they reach from {low:g} to {high:g}"
            raise ConfigError("path", problem, self.path, "Scale them, or save uint8 in [0, 255].")
        return -1.0 if low < 0 else 0.0


def chunks(values: np.ndarray) -> Iterator[np.ndarray]:
    return (values[start : start + CHUNK_BYTES] for start in range(0, len(values), CHUNK_BYTES))


def to_uint8(image: np.ndarray, black: float) -> np.ndarray:
    """An image in [black, 1] to [0, 255]; uint8 as it is."""
    if image.dtype == np.uint8:
        return np.asarray(image)
    return np.round((image.astype(np.float64) - black) * (255 / (1 - black))).astype(np.uint8)


def is_images(header: ArrayHeader) -> bool:
    has_channels = len(header.shape) == 3 or (len(header.shape) == 4 and header.shape[3] in (1, 3, 4))
    return has_channels and (header.dtype == np.uint8 or header.dtype.kind == "f")


def is_points(header: ArrayHeader) -> bool:
    return len(header.shape) == 2 and header.shape[1] == 2 and header.dtype.kind == "f"


def is_labels(header: ArrayHeader, examples: int) -> bool:
    return header.dtype.kind in "iu" and header.shape in ((examples,), (examples, 1))
