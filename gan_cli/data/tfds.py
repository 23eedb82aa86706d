"""Image data sets of tensorflow-datasets: https://www.tensorflow.org/datasets/catalog."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.data import NO_LABEL, DataSpec, Examples, Progress
from gan_cli.data.image_decoding import UnreadableImageError, read_image
from gan_cli.data.image_options import ImageSource
from gan_cli.data.input_paths import existing_folder, expand_user
from gan_cli.data.loading import UndecodedExamples, load_examples
from gan_cli.data.png_decoding import can_decode, decode_small_pngs
from gan_cli.data.tfds_features import check_feature_classes
from gan_cli.data.tfds_metadata import Feature, ImageFeature, Metadata, find_prepared, read_metadata
from gan_cli.data.tfds_name import DatasetName, parse_name
from gan_cli.data.tfds_records import TFRecords, open_records
from gan_cli.errors import ConfigError, first_line, nearest


def known(height: int, width: int, channels: int, train: int, test: int) -> Metadata:
    features: dict[str, Feature] = {"image": ImageFeature((height, width, channels)), "label": 10}
    return Metadata(features, {"train": train, "test": test})


CATALOG = "The catalog: https://www.tensorflow.org/datasets/catalog"
LONGEST_REASON = 300  # characters of another library's message
# So that a wrong image size is reported before a download. The numbers are those of the catalog pages.
KNOWN = {
    "mnist": known(28, 28, 1, 60_000, 10_000),
    "fashion_mnist": known(28, 28, 1, 60_000, 10_000),
    "cifar10": known(32, 32, 3, 50_000, 10_000),
}
MIRROR_SYMMETRIC = {
    **dict.fromkeys(("cifar10", "cifar100", "eurosat", "oxford_flowers102", "stl10"), True),
    # Writing, and clothes whose shoes all point to the left.
    **dict.fromkeys(("mnist", "emnist", "kmnist", "fashion_mnist", "omniglot", "svhn_cropped"), False),
}
"""Whether the mirrored images of a data set are as likely as its images, where that is known."""


@dataclass(frozen=True, kw_only=True)
class TFDS(ImageSource):
    """Images of tensorflow-datasets, downloaded and prepared if necessary. configs/dataset/_tfds.yaml has the keys."""

    name: str
    config: str | None = None
    split: str = "train"
    data_dir: str | None = None
    image_key: str = "image"
    label_key: str | None = "label"

    @property
    def is_mirror_symmetric(self) -> bool | None:
        return MIRROR_SYMMETRIC.get(self.parsed_name().builder)

    def describe(self) -> DataSpec | None:
        """Reads the metadata of prepared data; of a few known data sets before a download, None of others.

        Raises:
            ConfigError: for a folder that doesn't exist, and a split or key that the data lacks.
        """
        metadata = self.metadata()
        return self.spec(metadata) if metadata else None

    def check_stored_values(self) -> None:
        """Raises ConfigError where the data would be downloaded into a folder that the configuration chooses.

        One that does not exist is no such folder: `describe` and `open` report it.
        """
        if self.data_dir is None or not expand_user("data_dir", self.data_dir).exists():
            return
        if not find_prepared(self.folder(), self.parsed_name()):
            raise ConfigError("data_dir", "holds no prepared data, and a download would write there", self.data_dir)

    def open(self, progress: Progress | None = None) -> Examples:
        """Loads the images of the split; downloads and prepares them first where they are missing.

        Raises:
            ConfigError: as `describe`; for an unknown name; where the data can't be downloaded or read.
        """
        from tensorflow_datasets.proto import tf_example_pb2

        self.describe()  # reports what is wrong before a download
        builder = self.prepared_builder()
        spec = self.spec(read_metadata(Path(builder.data_path)))
        records = open_records(builder, self.split)
        fit = self.fit(spec.shape)

        def parse(record: bytes) -> tuple[bytes, int]:
            """The content of the image and the label, which may be NO_LABEL (the unlabelled part of stl10)."""
            with record_errors():
                example = tf_example_pb2.Example.FromString(record).features.feature
                content = example[self.image_key].bytes_list.value[0]
                label = example[self.label_key].int64_list.value[0] if spec.classes else NO_LABEL
            if not NO_LABEL <= label < max(spec.classes, 1):
                raise UnreadableImageError(f"its label {label} is not one of the {spec.classes} classes")
            return content, label

        def read(index: int) -> tuple[bytes, int]:
            with record_errors():
                record = records[index]
            return parse(record)

        def decode(index: int) -> tuple[np.ndarray, int]:
            content, label = read(index)
            return fit.image(read_image(content, apply_orientation=False)), label

        def decode_many(indices: range) -> tuple[np.ndarray, Sequence[int]] | None:
            try:
                if not isinstance(records, TFRecords) or not can_decode(parse(records[indices.start])[0]):
                    return None
                contents, labels = zip(*map(parse, records.read(indices)), strict=True)
            except UnreadableImageError:
                return None
            images = decode_small_pngs(contents)
            return None if images is None else (fit.arrays(images), labels)

        return load_examples(
            UndecodedExamples(
                spec=spec,
                decode=decode,
                name="record {}".format,
                files=lambda: sorted(Path(builder.data_path).iterdir()),
                decode_many=decode_many,
                label=lambda index: read(index)[1],
            ),
            self.memory_limit,
            progress,
        )

    def held_out(self) -> TFDS | None:
        """The test or validation split, where training uses none of it; None without one."""
        if not re.fullmatch(r"train(\[.*\])?", self.split):
            return None  # `all`, say, or a sum of splits
        metadata = self.metadata()
        splits = metadata.splits if metadata else {}
        for split in ("test", "validation"):
            if split in splits:
                return replace(self, split=split)
        return None

    def parsed_name(self) -> DatasetName:
        return parse_name(self.name, self.config)

    def metadata(self) -> Metadata | None:
        """Of prepared data, or of a few known data sets; None of others before a download. Raises ConfigError."""
        name = self.parsed_name()
        prepared = find_prepared(self.folder(), name)
        return read_metadata(prepared) if prepared else KNOWN.get(str(name))

    def folder(self) -> Path:
        """The folder of prepared data."""
        if self.data_dir is not None:
            return existing_folder("data_dir", self.data_dir)
        return expand_user("data_dir", os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets"))

    def spec(self, metadata: Metadata) -> DataSpec:
        height, width, channels = metadata.image_shape(self.image_key)
        if self.image_size is None and (height is None or width is None):
            problem = f"the images of {self.name} have different sizes"
            raise ConfigError("image_size", problem, None, "Choose one size for all of them: dataset.image_size=64.")
        shape = self.shape(height or 0, width or 0, channels or 3)
        names = metadata.class_names.get(self.label_key or "", ())
        return DataSpec(shape, metadata.examples(self.split), metadata.classes(self.label_key), class_names=names)

    def prepared_builder(self) -> Any:
        """A tfds builder whose data is prepared."""
        import tensorflow_datasets as tfds

        name = self.parsed_name()
        for folder in folders_of(self.folder(), name.builder):
            check_feature_classes(folder)
        prepared = find_prepared(self.folder(), name)
        if prepared:
            return open_builder(prepared)
        try:
            builder = tfds.builder(str(name), data_dir=str(self.folder()))
        except tfds.core.DatasetNotFoundError as error:
            advice = nearest(name.builder, tfds.list_builders()) or CATALOG
            raise ConfigError("name", "tensorflow-datasets knows no such data set", self.name, advice) from error
        except Exception as error:  # ValueError for a variant, AssertionError for a version, and others
            key, value = ("config", self.config) if self.config else ("name", self.name)
            problem = f"tensorflow-datasets has no such variant or version ({one_line(error)})"
            raise ConfigError(key, problem, value, CATALOG) from error
        default = Path(builder.data_path)  # of the default variant
        if (default / "dataset_info.json").is_file():
            return open_builder(default)
        downloads = (self.folder() / "downloads").rglob("*")
        fetched = [path for path in downloads if path.is_file() and ".tmp." not in path.name]
        try:
            if not fetched and not builder.MANUAL_DOWNLOAD_INSTRUCTIONS and is_offline():
                raise ConnectionError("no network")  # tfds itself would try for minutes
            builder.download_and_prepare()
        except Exception as error:  # whatever a download, an archive or a manual step may raise
            problem = f"{self.name} is not prepared in {self.folder()} and can't be downloaded ({one_line(error)})"
            advice = "Name the folder that holds it prepared, dataset.data_dir=..., or connect to the network."
            raise ConfigError("data_dir", problem, self.data_dir, advice) from error
        return builder


@contextmanager
def record_errors() -> Iterator[None]:
    """Turns any error of a damaged record into UnreadableImageError; those of a disk stay."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # such as IndexError, ValueError and protobuf's DecodeError
        raise UnreadableImageError(f"a record without an image and a label ({first_line(error)})") from error


def open_builder(folder: Path) -> Any:
    """The tfds builder of data that is prepared in `folder`.

    Raises:
        ConfigError: where its metadata are damaged, or name a class that is not part of tensorflow-datasets.
    """
    import tensorflow_datasets as tfds

    check_feature_classes(folder)
    try:
        return tfds.builder_from_directory(str(folder))
    except Exception as error:  # ParseError for a key that it does not know, and others
        problem = f"the prepared data in {folder} can't be read ({one_line(error)})"
        raise ConfigError("data_dir", problem, advice="Delete that folder to have it prepared again.") from error


def folders_of(data_dir: Path, name: str) -> list[Path]:
    """The folders in which tensorflow-datasets may find a data set, which it also takes as `FashionMnist`."""
    letters = bare_name(name)
    folders = sorted(data_dir.iterdir()) if data_dir.is_dir() else []
    return [folder for folder in folders if folder.is_dir() and bare_name(folder.name) == letters]


def bare_name(name: str) -> str:
    return name.lower().replace("_", "")


def is_offline() -> bool:
    """Whether no name of the internet can be resolved, and no proxy is there to do it."""
    if any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")):
        return False
    try:
        socket.getaddrinfo("www.tensorflow.org", 443)
    except OSError:
        return True
    return False


def one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}..."
