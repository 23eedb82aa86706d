"""Features of examples: one pass through an extractor, stored in files and read in chunks.

The features of real examples lie in the cache, found by the content of the data and the identity of the extractor,
checked when it is read and written whole or not at all. Those of generated ones lie in a temporary folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import gan_cli.features
from gan_cli.cache import cache_folder, sha256_of_file
from gan_cli.data import DataSpec
from gan_cli.data.chunk_length import chunk_length
from gan_cli.errors import ConfigError
from gan_cli.evaluation.example_sets import ExampleSet, StoredExamples
from gan_cli.evaluation.feature_file import FeatureFile, FeatureFileWriter
from gan_cli.features import FeatureExtractor
from gan_cli.metrics import FeatureSet, Value
from gan_cli.progress import ProgressReporter
from gan_cli.runs.atomic_files import write_json
from gan_cli.runs.environment import installed_version

FORMAT = 1
FILES = ("features", "logits")
DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


class StoredFeatures(FeatureSet):
    """What metrics read of one side: `gan_cli.metrics.FeatureSet`.

    Args:
        examples: the side itself; whole examples are read from there whenever they are asked for.
        embedding: what turns them into features; None where no metric asks for them.
        rows: its features and logits in files; computed whenever they are asked for where they are not there.
    """

    def __init__(self, examples: ExampleSet, embedding: FeatureExtractor | None, rows: dict[str, FeatureFile]) -> None:
        self.of, self.embedding, self.rows = examples, embedding, rows
        self.cache: dict[str, Any] = {}

    @property
    def data(self) -> DataSpec:
        return self.of.data

    @property
    def count(self) -> int:
        return self.of.count

    @property
    def labels(self) -> np.ndarray | None:
        return self.of.labels

    def features(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        if "features" in self.rows:
            return self.rows["features"].read(start, stop)
        return self.extracted(start, stop, "features")

    def logits(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        if "logits" in self.rows:
            return self.rows["logits"].read(start, stop)
        return self.extracted(start, stop, "logits")

    def examples(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        return self.of.read(start, self.count if stop is None else min(stop, self.count))

    def cached(self, name: str, compute: Callable[[], Value]) -> Value:
        if name not in self.cache:
            self.cache[name] = compute()
        value: Value = self.cache[name]
        return value

    def extracted(self, start: int, stop: int | None, part: str) -> np.ndarray:
        last = self.count if stop is None else min(stop, self.count)
        if self.embedding is None:
            raise ValueError(f"No extractor was opened, so there are no {part}.")
        rows = getattr(self.embedding(self.of.read(start, last)), part)
        if rows is None:
            raise ValueError(f"The extractor gives no {part}.")
        return check_finite(rows)


@contextmanager
def extract_features(
    examples: ExampleSet, embedding: FeatureExtractor | None, reporter: ProgressReporter, what: str
) -> Iterator[StoredFeatures]:
    """The features, kept for as long as the context is open. `what` names the side for people."""
    if embedding is None or embedding.is_free:
        yield StoredFeatures(examples, embedding, {})
        return
    with tempfile.TemporaryDirectory(prefix="gan-cli-") as folder:
        write_features(examples, embedding, Path(folder), reporter, what)
        yield StoredFeatures(examples, embedding, open_feature_file(Path(folder)))


def cached_features(
    examples: StoredExamples, embedding: FeatureExtractor | None, reporter: ProgressReporter, what: str = "real"
) -> StoredFeatures:
    """Features of real examples, from the cache where they are there."""
    if embedding is None or embedding.is_free:
        return StoredFeatures(examples, embedding, {})
    if not is_package_target(embedding):
        return uncached_features(examples, embedding, reporter, what)
    about = {"format": FORMAT, **content(examples), "embedding": embedding.identity, "code": code_of_features()}
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache_folder() / "features" / key
    if folder.exists():
        try:
            return StoredFeatures(examples, embedding, read_checked(folder, about, examples.count))
        except DAMAGE as error:
            reporter.warn(f"the cached features in {folder} can't be used ({error}); they are computed again")
            shutil.rmtree(folder, ignore_errors=True)
    try:
        keep(examples, embedding, folder, about, reporter, what)
    except OSError as error:
        advice = "the features of real examples will be computed each time; GAN_CLI_CACHE=FOLDER names another place"
        reporter.warn(f"the cache {folder.parent} can't be written ({error.strerror}): {advice}")
        return uncached_features(examples, embedding, reporter, what)
    try:
        return StoredFeatures(examples, embedding, read_checked(folder, about, examples.count))
    except DAMAGE as error:  # damaged features that could not be removed stand there still
        reporter.warn(f"the cached features in {folder} can't be replaced ({error}); delete that folder")
        return uncached_features(examples, embedding, reporter, what)


def uncached_features(
    examples: ExampleSet, embedding: FeatureExtractor, reporter: ProgressReporter, what: str
) -> StoredFeatures:
    """Features in a temporary folder for as long as they are used."""
    folder = Path(tempfile.mkdtemp(prefix="gan-cli-"))
    try:
        write_features(examples, embedding, folder, reporter, what)
        features = StoredFeatures(examples, embedding, open_feature_file(folder))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(features, shutil.rmtree, folder, ignore_errors=True)
    return features


def is_package_target(embedding: FeatureExtractor) -> bool:
    """Whether an extractor is one of gan-cli's; the code of others may change from one call to the next."""
    return type(embedding).__module__.startswith("gan_cli.")


@cache
def code_of_features() -> dict[str, str | None]:
    """What else decides over features: the code of the extractors, and the versions that it runs on."""
    digest = hashlib.sha256()
    for path in sorted(Path(gan_cli.features.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    versions = {name: installed_version(name) for name in ("tensorflow", "keras", "numpy")}
    return {"sha256": digest.hexdigest(), **versions}


def content(examples: StoredExamples) -> dict[str, Any]:
    """What of a set decides over its features: not where it came from."""
    return {"content": examples.fingerprint.labelled, "shape": list(examples.data.shape), "count": examples.count}


def keep(
    examples: StoredExamples,
    embedding: FeatureExtractor,
    folder: Path,
    about: dict[str, Any],
    reporter: ProgressReporter,
    what: str,
) -> None:
    """Fills the cache's `folder`, whole or not at all; another process may do the same meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=folder.parent, ignore_cleanup_errors=True) as made:
        write_features(examples, embedding, Path(made), reporter, what)
        files = {path.name: sha256_of_file(path) for path in sorted(Path(made).iterdir())}
        write_json(Path(made) / "about.json", {**about, "files": files, "source": examples.identity})
        try:
            Path(made).chmod(0o755)  # a cache may be shared
            Path(made).rename(folder)
        except OSError:
            if not (folder / "about.json").is_file():  # else the other process was first, with the same content
                raise
            return
        Path(made).mkdir()  # so that there is something to clean up


def write_features(
    examples: ExampleSet, embedding: FeatureExtractor, folder: Path, reporter: ProgressReporter, what: str
) -> None:
    """Features, and logits where there are some, of every example into files of `folder`."""
    count = examples.count
    writers = {"features": FeatureFileWriter(folder / "features.npy", count, embedding.dimensions)}
    if embedding.classes:
        writers["logits"] = FeatureFileWriter(folder / "logits.npy", count, embedding.classes)
    try:
        step = chunk_length(examples.data.example_bytes, embedding.batch_size)
        for start in range(0, count, step):
            stop = min(start + step, count)
            extracted = embedding(examples.read(start, stop))
            for name, writer in writers.items():
                writer.append(check_finite(getattr(extracted, name)))
            reporter.progress(f"features of {what} examples", stop, count)
    finally:
        for writer in writers.values():
            writer.close()


def check_finite(rows: np.ndarray) -> np.ndarray:
    if not np.isfinite(rows).all():
        raise ConfigError("", "some examples have features that are not finite", advice="Has training diverged?")
    return rows


def open_feature_file(folder: Path) -> dict[str, FeatureFile]:
    return {name: FeatureFile(folder / f"{name}.npy") for name in FILES if (folder / f"{name}.npy").is_file()}


def read_checked(folder: Path, about: dict[str, Any], count: int) -> dict[str, FeatureFile]:
    """The cached rows. Raises one of DAMAGE where they are not what was written."""
    stored = json.loads((folder / "about.json").read_text("utf-8"))
    if any(stored[name] != json.loads(json.dumps(value)) for name, value in about.items()):
        raise ValueError("it is of other examples")
    for name, expected in stored["files"].items():
        if sha256_of_file(folder / Path(name).name) != expected:
            raise ValueError(f"{name} was changed")
    rows = open_feature_file(folder)
    if {f"{name}.npy" for name in rows} != set(stored["files"]) or any(each.count != count for each in rows.values()):
        raise ValueError("files are missing")
    return rows
