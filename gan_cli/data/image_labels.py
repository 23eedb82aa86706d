"""Classes of images: from sub-folders, from StyleGAN's dataset.json, or from a labels.csv."""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_cli.data import NO_LABEL
from gan_cli.data.class_names import LONGEST_NAME, is_list_of_names
from gan_cli.data.image_decoding import UnreadableImageError
from gan_cli.data.image_store import ImageStore
from gan_cli.errors import ConfigError, nearest

AUTO, FOLDERS = "auto", "folders"
LABEL_FILES = ("dataset.json", "labels.csv")
"""Files of labels that are found by their names; the first one counts."""
LONGEST_NUMBER = 18  # digits of a class; Python refuses to read those of thousands
WITHOUT_LABELS = "dataset.labels=null trains without classes."


@dataclass(frozen=True)
class ImageLabels:
    """Classes of images.

    Attributes:
        labels: the class of each image, NO_LABEL for one without.
        classes: number of classes, 0 for none.
        names: of the classes, in the order of the labels; empty where classes are numbers.
    """

    labels: list[int]
    classes: int = 0
    names: tuple[str, ...] = ()


def label_file_names(images: Sequence[str]) -> list[str]:
    """Where files of labels are looked for: in the folder or archive itself, then in each folder that holds all images.

    An archive of a folder has that folder's name before every name.
    """
    holding = {name.rpartition("/")[0] for name in images}
    shared = posixpath.commonpath(holding) if holding else ""
    parts = shared.split("/") if shared else []
    folders = ["".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts) + 1)]
    return [f"{folder}{name}" for folder in folders for name in LABEL_FILES]


def find_labels(
    store: ImageStore, wanted: str | None, present: Sequence[str], named: Sequence[str], files: Sequence[str]
) -> ImageLabels:
    """The class of each of `files`.

    Args:
        wanted: `auto`, `folders`, the name of a file of labels, or None for no classes.
        present: those of `label_file_names` that are there.
        named: names of all image files, broken ones too; sub-folders are classes where no image lies beside them.

    Raises:
        ConfigError: for a missing or malformed file of labels, and an image without a label.
    """
    if wanted is None:
        return ImageLabels([NO_LABEL] * len(files))
    if wanted == FOLDERS:
        return labels_from_folders(named, files)
    if wanted != AUTO:
        return labels_from_file(store, wanted, files)
    for name in present:
        if not name.endswith("dataset.json") or is_stylegan(store, name):
            return labels_from_file(store, name, files)
    return labels_from_folders(named, files)


def check_labels_key(value: Any) -> None:
    """Raises ConfigError for a value that can't be the key `labels`."""
    is_file = isinstance(value, str) and value.lower().endswith((".json", ".csv"))
    if value is not None and value not in (AUTO, FOLDERS) and not is_file:
        problem = f"expected {AUTO}, {FOLDERS}, null or the name of a .json or .csv file in the folder"
        raise ConfigError("labels", problem, value, nearest(str(value), (AUTO, FOLDERS, *LABEL_FILES)))


def labels_from_folders(named: Sequence[str], files: Sequence[str]) -> ImageLabels:
    classes = dict(zip(named, class_of_each(named), strict=False))
    names = sorted(set(classes.values()))
    if len(names) < 2:
        return ImageLabels([NO_LABEL] * len(files))
    number = {name: index for index, name in enumerate(names)}
    return ImageLabels([number[classes[name]] for name in files], len(names), tuple(names))


def class_of_each(files: Sequence[str]) -> list[str]:
    """The sub-folder of each file, below the folder that all share; [] if a file lies directly in that one.

    `data/eurosat/Forest/1.jpg` and `data/eurosat/River/2.jpg` are a Forest and a River whether the user named `data`
    or `data/eurosat`.
    """
    if not files:
        return []
    folders = [name.rpartition("/")[0] for name in files]
    distinct = set(folders)
    shared = posixpath.commonpath(distinct) if "" not in distinct else ""
    if shared in distinct:
        return []
    depth = len(shared) + 1 if shared else 0
    return [folder[depth:].partition("/")[0] for folder in folders]


def is_stylegan(store: ImageStore, name: str) -> bool:
    """Whether a dataset.json is of StyleGAN's format, and not some other program's; also where it is damaged."""
    try:
        content = json.loads(store.read_text(name))
    except (OSError, ValueError, RecursionError, UnreadableImageError):
        return True  # labels that are left out silently would be missed late
    return isinstance(content, dict) and isinstance(content.get("labels", 0), list | None)


def labels_from_file(store: ImageStore, name: str, files: Sequence[str]) -> ImageLabels:
    try:
        content = store.read_text(name)
        found = read_json(content) if name.lower().endswith(".json") else read_csv(content)
    except (OSError, KeyError, ValueError, TypeError, RecursionError, csv.Error, UnreadableImageError) as error:
        problem = f"{name} can't be read as labels ({error or type(error).__name__})"
        expected = 'Expected {"labels": [["a.png", 0], ...]} in JSON, or rows of file,class in CSV.'
        raise ConfigError("labels", problem, advice=f"{expected} {WITHOUT_LABELS}") from error
    if found is None:
        return ImageLabels([NO_LABEL] * len(files))
    folder = name[: name.rfind("/") + 1]  # names in a file of labels may begin at its own folder
    keys = [file if file in found else file.removeprefix(folder) for file in files]
    missing = [file for file, key in zip(files, keys, strict=True) if key not in found]
    if missing:
        problem = f"{name} has no class for {len(missing):,} of {len(files):,} images, such as {missing[0]}"
        raise ConfigError("labels", problem, advice=f"Add them to it. {WITHOUT_LABELS}")
    return as_labels(name, [found[key] for key in keys])


def read_json(content: bytes) -> Mapping[str, Any] | None:
    """Classes by file name; None where the file says that there are none (StyleGAN's dataset_tool writes null)."""
    labels = json.loads(content)["labels"]
    return None if labels is None else {str(name).replace("\\", "/"): label for name, label in labels}


def read_csv(content: bytes) -> Mapping[str, Any]:
    """Classes by file name, of the first two columns; a first row of headings does no harm."""
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return {row[0].strip().replace("\\", "/"): row[1].strip() for row in rows if len(row) > 1}


def as_labels(name: str, values: Sequence[Any]) -> ImageLabels:
    """Keeps numbers from 0 on; numbers texts in alphabetical order, and one-hot lists by the place of their 1.

    NO_LABEL everywhere stands for no classes. Raises ConfigError.
    """
    if all(str(value) == str(NO_LABEL) for value in values):
        return ImageLabels([NO_LABEL] * len(values))
    if values and all(isinstance(value, list) for value in values):
        return from_one_hot(name, values)
    texts = all(isinstance(value, str) for value in values)
    if texts and not all(value.isascii() and value.isdigit() for value in values):
        names = sorted(set(values))
        if not is_list_of_names(names):
            problem = f"{name} has a class with a name of more than {LONGEST_NAME:,} characters"
            raise ConfigError("labels", problem, advice=f"Shorten it. {WITHOUT_LABELS}")
        number = {text: index for index, text in enumerate(names)}
        return ImageLabels([number[value] for value in values], len(names), tuple(names))
    numbers = [int(value) if len(value) <= LONGEST_NUMBER else value for value in values] if texts else list(values)
    wrong = next((number for number in numbers if type(number) is not int or not 0 <= number < len(numbers)), None)
    if wrong is not None:
        problem = (
            f"{name} gives the class {str(wrong)[:40]}; expected whole numbers from 0 on, below the number of images"
        )
        raise ConfigError("labels", problem, advice=f"Number the classes from 0, or name them. {WITHOUT_LABELS}")
    return ImageLabels(numbers, max(numbers, default=-1) + 1)


def from_one_hot(name: str, rows: Sequence[list[Any]]) -> ImageLabels:
    """Labels of rows of zeros with a single one each. Raises ConfigError."""
    classes = len(rows[0])
    for row in rows:
        if len(row) != classes or sorted(set(row), key=str) not in ([0, 1], [1]) or row.count(1) != 1:
            problem = f"{name} gives the class {str(row)[:40]}; expected a list of zeros with a single 1"
            raise ConfigError("labels", problem, advice=f"Give numbers instead. {WITHOUT_LABELS}")
    return ImageLabels([row.index(1) for row in rows], classes)
