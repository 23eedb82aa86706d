"""Metadata of prepared tensorflow-datasets: shape, classes, sizes of the splits; read without that library."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan_cli.data.class_names import is_list_of_names
from gan_cli.data.tfds_name import DatasetName
from gan_cli.errors import MAX_INTEGER, ConfigError, nearest
from gan_cli.regular_files import read_regular

VERSION = re.compile(r"\d+\.\d+\.\d+")
LARGEST_NAMES = 2**24  # bytes of a file of class names
PART = re.compile(r"(?P<split>[\w-]+)(\[(?P<start>-?\d+%?)?:(?P<end>-?\d+%?)?\])?")


@dataclass(frozen=True)
class ImageFeature:
    """An image in each example: (height, width, channels), None for what differs from one to the next."""

    shape: tuple[int | None, ...]


Feature = ImageFeature | int | None
"""An image, the number of classes of a label, or None for anything else."""


@dataclass(frozen=True)
class Metadata:
    """A prepared data set, or a known one before its download.

    Attributes:
        features: by key.
        splits: number of examples by name.
        class_names: of each label, by key; in the order of the classes.
    """

    features: dict[str, Feature]
    splits: dict[str, int]
    class_names: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def image_shape(self, key: str) -> tuple[int | None, ...]:
        """(height, width, channels) of the feature `key`. Raises ConfigError unless it is an image."""
        feature = self.features.get(key)
        if isinstance(feature, ImageFeature):
            return feature.shape
        images = [name for name, other in self.features.items() if isinstance(other, ImageFeature)]
        problem = f"no image of this name in the data; its images: {', '.join(images) or 'none'}"
        raise ConfigError("image_key", problem, key, nearest(key, images))

    def classes(self, key: str | None) -> int:
        """Number of classes of the feature `key`, 0 for None. Raises ConfigError unless it is a label."""
        feature = 0 if key is None else self.features.get(key)
        if isinstance(feature, int):
            return feature
        labels = [name for name, other in self.features.items() if isinstance(other, int)]
        problem = f"no class label of this name in the data; its labels: {', '.join(labels) or 'none'}"
        raise ConfigError("label_key", problem, key, "dataset.label_key=null goes without labels.")

    def examples(self, split: str) -> int:
        """Size of `split`, such as `train`, `train[:80%]` or `train+test`. Raises ConfigError."""
        return sum(end - start for _, start, end in self.ranges(split))

    def ranges(self, split: str) -> list[tuple[str, int, int]]:
        """Name, first example and the one behind the last of each part of `split`. Raises ConfigError."""
        if split == "all":
            return [(name, 0, count) for name, count in self.splits.items()]
        found = []
        for part in re.split(r"\s*\+\s*", split):
            match = PART.fullmatch(part)
            if match is None:
                advice = "For instance train, test, train[:80%], train[1000:2000] or train+test."
                raise ConfigError("split", "no such way to name a split", split, advice)
            name = match["split"]
            if name not in self.splits:
                problem = f"no such split; there are {', '.join(self.splits)}"
                raise ConfigError("split", problem, split, nearest(name, self.splits))
            count = self.splits[name]
            start, end = boundary(match["start"], 0, count), boundary(match["end"], count, count)
            if not (0 <= start <= count and 0 <= end <= count):
                problem = f"{part} reaches beyond the {count:,} examples of {name}"
                raise ConfigError("split", problem, split, f"For example {name}[:{count}] or {name}[:80%].")
            if start >= end:
                raise ConfigError("split", "holds no examples", split)
            found.append((name, start, end))
        return found


def boundary(text: str | None, default: int, count: int) -> int:
    """An index as tensorflow-datasets reads it: percentages rounded, negative ones from the end."""
    if text is None:
        return default
    place = round(float(text[:-1]) * count / 100) if text.endswith("%") else int(text)
    return place + count if place < 0 else place


def find_prepared(data_dir: Path, name: DatasetName) -> Path | None:
    """The folder of the wanted or the newest prepared version, None where there is none."""
    folder = data_dir / name.builder / (name.config or "")
    versions = [
        path
        for path in (folder.iterdir() if folder.is_dir() else [])
        if (path.name == name.version if name.version else VERSION.fullmatch(path.name))
        and (path / "dataset_info.json").is_file()
        and (path / "features.json").is_file()
    ]
    return max(versions, key=lambda path: [int(number) for number in path.name.split(".")], default=None)


def read_metadata(folder: Path) -> Metadata:
    """Reads features.json and dataset_info.json in a prepared folder.

    Raises:
        ConfigError: where they can't be read.
    """
    try:
        described = json.loads(read_regular(folder / "features.json"))["featuresDict"]["features"]
        info = json.loads(read_regular(folder / "dataset_info.json"))
        splits = {split["name"]: sum(count_of(n) for n in split["shardLengths"]) for split in info["splits"]}
        features = {key: read_feature(feature) for key, feature in described.items()}
        labels = {key: classes for key, classes in features.items() if isinstance(classes, int)}
        return Metadata(features, splits, {key: read_names(folder, key, labels[key]) for key in labels})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        problem = f"features.json or dataset_info.json in {folder} can't be understood ({error!r})"
        raise ConfigError("data_dir", problem, advice="Delete that folder to have it prepared again.") from error


def read_names(folder: Path, key: str, classes: int) -> tuple[str, ...]:
    """Names of the classes, which tensorflow-datasets keeps in a text file; none where there is no such file."""
    path = folder / f"{key}.labels.txt"
    if "/" in key or not path.is_file() or path.stat().st_size > LARGEST_NAMES:
        return ()
    names = tuple(path.read_text("utf-8", errors="replace").splitlines())
    return names if len(names) == classes and is_list_of_names(list(names)) else ()


def count_of(value: Any) -> int:
    """A number of examples or classes. Raises ValueError for one that is negative or too large."""
    count = int(value)
    if not 0 <= count <= MAX_INTEGER:
        raise ValueError(f"it gives the number {str(value)[:40]}")
    return count


def read_feature(feature: dict[str, Any]) -> Feature:
    if "classLabel" in feature:
        return count_of(feature["classLabel"]["numClasses"])
    image = feature.get("image")
    if image is None or image.get("dtype") not in ("uint8", "uint16"):  # floats are encoded in another way
        return None
    sides = [int(side) for side in image["shape"]["dimensions"]]
    return ImageFeature(tuple(side if side > 0 else None for side in sides)) if len(sides) == 3 else None
