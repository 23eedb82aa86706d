"""The real examples of a run or a data set: those that training sees, and those that it never sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gan_cli.config.config_trust import stored
from gan_cli.config.job_builder import build, stored_evaluation, stored_section
from gan_cli.data import DataSpec, Examples, Progress, Source
from gan_cli.data.folder import Folder
from gan_cli.data.image_decoding import DEFAULT_MEGAPIXELS
from gan_cli.data.image_options import parse_channels, parse_size
from gan_cli.data.input_paths import expand_user
from gan_cli.data.npy_header import ArrayFile
from gan_cli.data.npz import Npz
from gan_cli.data.pixel_range import parse_value_range
from gan_cli.data.skipped_files import describe_skipped
from gan_cli.data.splits import split_held_out
from gan_cli.errors import ConfigError, check_number
from gan_cli.progress import ProgressReporter

MOST_OPENED = 3
"""Data sets of a run: that of training, its test split, and that of an extractor's labels."""
NONE_HELD_OUT = "Train with eval.held_out=0.1, or on a data set with a test split, such as mnist."


class OpenedSources:
    """Opens each data set once: the last ones that were opened are kept, as many as a run has."""

    def __init__(self) -> None:
        self.opened: list[tuple[Source, Examples]] = []

    def open(self, source: Source, progress: Progress | None) -> Examples:
        """The examples of a source, read now unless an equal source was opened before."""
        for known, examples in self.opened:
            if known == source:
                return examples
        del self.opened[: len(self.opened) + 1 - MOST_OPENED]
        self.opened.append((source, source.open(progress)))
        return self.opened[-1][1]


@dataclass(frozen=True)
class RealData:
    """Real examples, opened when they are asked for.

    Attributes:
        source: where they come from.
        about: the same in plain JSON.
        share: of the examples that training never sees.
        key: of the source in the configuration, for errors.
        opened: the sources that are open.
    """

    source: Source
    about: dict[str, Any]
    share: float = 0.0
    key: str = "dataset"
    opened: OpenedSources = field(default_factory=OpenedSources, repr=False, compare=False)

    def describe(self) -> DataSpec | None:
        """What is known of the source at once."""
        try:
            return self.source.describe()
        except ConfigError as error:
            raise error.below(self.key) from error

    def whole(self, progress: Progress | None) -> Examples:
        try:
            return self.opened.open(self.source, progress)
        except ConfigError as error:
            raise error.below(self.key) from error

    def training(self, progress: Progress | None) -> Examples:
        return split_held_out(self.whole(progress), self.share)[0]

    def held_out(self, progress: Progress | None) -> Examples | None:
        """The share kept aside, else the data set's own test split; None where there is neither."""
        if self.share > 0:
            return split_held_out(self.whole(progress), self.share)[1]
        return open_held_out(self.source, progress, self.opened)

    def check_held_out(self, key: str, value: Any) -> None:
        """Raises ConfigError where there are no held-out examples, as far as that is known before a download.

        Args:
            key, value: what asks for them.
        """
        if self.share == 0 and self.source.held_out() is None:
            raise ConfigError(key, "there are no held-out examples", value, NONE_HELD_OUT)

    def split(self, name: str, progress: Progress | None) -> tuple[Examples, dict[str, Any]]:
        """The examples of `train` or `held_out`, and their description. Raises ConfigError where there are none."""
        if name == "train":
            return self.training(progress), self.about
        found = self.held_out(progress)
        if found is None:
            raise ConfigError("split", "there are no held-out examples", name, NONE_HELD_OUT)
        return found, {**self.about, "split": "held_out"}


def open_held_out(source: Source, progress: Progress | None, opened: OpenedSources | None = None) -> Examples | None:
    """The examples that a data set keeps for tests, None where it has none."""
    found = source.held_out()
    try:
        return None if found is None else (opened or OpenedSources()).open(found, progress)
    except ConfigError as error:
        raise error.below("dataset") from error


def data_of_run(config: Mapping[str, Any], trust: bool) -> RealData:
    """The data that a run's configuration, read from disk, describes.

    Raises:
        ConfigError: where it names code of others and `trust` is false, or can't be built.
    """
    node = stored_section(config, "dataset")
    share = stored_evaluation(config).held_out
    return RealData(build("dataset", node, stored(trust)), describe_dataset(node), share)


def describe_dataset(node: Mapping[str, Any]) -> dict[str, Any]:
    """Where real examples come from, in plain JSON: the data set's name, its split, its path."""
    name = node.get("name") or str(node["_target_"]).rpartition(".")[2].lower()
    more = {key: node[key] for key in ("split", "path", "classes") if node.get(key) is not None}
    return {"name": name, "split": "train", **more}


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """The keys of gan-eval for the files of `real` and `fake`: those of dataset=folder and dataset=npz."""

    image_size: Any = None
    channels: Any = "auto"
    max_megapixels: float = DEFAULT_MEGAPIXELS
    value_range: Any = "auto"
    memory_limit: float = 2.0

    def __post_init__(self) -> None:
        parse_size(self.image_size)
        parse_channels(self.channels)
        check_number("max_megapixels", self.max_megapixels, above=0)
        parse_value_range(self.value_range)
        check_number("memory_limit", self.memory_limit, at_least=0)

    @classmethod
    def of(cls, settings: Any) -> FileOptions:
        """The values of these keys in the settings of a command. Raises ConfigError for values that can't be."""
        return cls(**{one.name: getattr(settings, one.name) for one in fields(cls)})


def files(key: str, path: str, options: FileOptions) -> Source:
    """Images in a folder or a zip archive, or an array file. Raises ConfigError where there is neither at `path`."""
    ending = Path(path).suffix.lower()
    common = {name: getattr(options, name) for name in ("image_size", "channels", "memory_limit")}
    if expand_user(key, path).is_dir() or ending == ".zip":
        return Folder(path=path, max_megapixels=options.max_megapixels, **common)
    if ending not in (".npz", ".npy"):
        problem = "expected a folder or a .zip of images, or a .npz or .npy file"
        is_there = expand_user(key, path).exists()
        raise ConfigError(key, problem if is_there else f"there is no such folder or file; {problem}", path)
    # Only an array of that name: gan-sample writes the seeds beside the images, which are no classes.
    labels = "labels" if "labels" in ArrayFile.open(path).headers else None
    return Npz(path=path, value_range=options.value_range, labels_key=labels, **common)


def describe_files(key: str, path: str, options: FileOptions) -> DataSpec:
    """What is known at once of files; `key` names them in errors."""
    try:
        found = files(key, path, options).describe()
    except ConfigError as error:
        raise renamed(error, key) from error
    assert found is not None  # files can always be looked at
    return found


def open_files(key: str, path: str, options: FileOptions, progress: Progress | None) -> Examples:
    """The examples in a folder or an array file; `key` names them in errors."""
    try:
        return files(key, path, options).open(progress)
    except ConfigError as error:
        raise renamed(error, key) from error


def renamed(error: ConfigError, key: str) -> ConfigError:
    """An error of a source as one of gan-eval, with the keys of `FileOptions` and `real` or `fake` for the path."""
    named = error.key if error.key in FileOptions.__dataclass_fields__ else key
    return ConfigError(named, error.problem, error.value, error.advice.replace("dataset.", ""))


def report_skipped(side: str, examples: Examples, reporter: ProgressReporter) -> None:
    """Reports the files of one side that can't be used, and warnings about its images."""
    for line in describe_skipped(examples.skipped):
        reporter.warn(f"skipped in {side}: {line}")
    for warning in examples.warnings:
        reporter.warn(f"{side}: {warning}")
