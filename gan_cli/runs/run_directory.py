"""One run directory: made, opened, locked, and its small files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from gan_cli.errors import ConfigError, nearest
from gan_cli.runs.atomic_files import (
    make_folder,
    open_to_append,
    read_text,
    remove_temporary_files,
    write_json,
    write_text,
)
from gan_cli.runs.environment import describe_environment
from gan_cli.runs.evaluations_log import EvaluationsLog
from gan_cli.runs.file_locks import try_lock
from gan_cli.runs.metrics_log import MetricsLog
from gan_cli.runs.renamed_keys import upgrade_config, upgrade_override
from gan_cli.runs.status import Status, read_status
from gan_cli.runs.stored_linked_keys import insert_links, insert_links_of_0_1, resolve_links
from gan_cli.runs.symlink_checks import LOCK_FILE, check_regular_files, check_run_tree
from gan_cli.runs.yaml_limits import load_yaml

HEADER = """\
# The whole configuration of this run. To repeat it:
#   gan-train --config-dir=THIS_FOLDER --config-name=config
# To resume it:
#   gan-train resume=THIS_FOLDER
"""
USE = """\
# What makes this file repeat the run by itself: nothing resumed, how jobs of a sweep are started, where to write.
resume: null
dry_run: false
trust: false
defaults:
  - override hydra/launcher: process_each
  - override hydra/job_logging: disabled
  - override hydra/hydra_logging: disabled
  - _self_
"""
HYDRA = {
    "sweep": {"dir": "outputs/${now:%Y%m%d-%H%M%S}_sweep", "subdir": "${path_name:${hydra.job.override_dirname}}"},
    "output_subdir": None,
}

ADDED = ("defaults", "hydra", "resume", "dry_run", "trust")
"""Keys of config.yaml that say how it is used, not what the run is."""

EARLY_FILES = {"status.json", "train.log", LOCK_FILE}
"""All that a job leaves that failed before its run began."""


class RunDirectory:
    """Paths and small files of a run. Checkpoints are read and written by `gan_cli.runs.checkpoint`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.overrides = path / "overrides.yaml"
        self.environment = path / "environment.json"
        self.log = path / "train.log"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.best = self.checkpoints / "best.npz"
        self.best_before_end = self.checkpoints / "best_before_end.npz"
        self.generator = path / "generator.keras"
        self.evaluations = EvaluationsLog(path / "evaluations.jsonl")
        self.evaluation_pictures = path / "evaluations"
        self.metrics = MetricsLog(path / "metrics.jsonl")

    def sample(self, step: int) -> Path:
        """The picture of a step."""
        return self.samples / f"step_{step:08d}.png"

    def prepare(
        self,
        config: dict[str, Any],
        overrides: list[str],
        links: Mapping[str, str] | None = None,
        start: Mapping[str, Any] | None = None,
    ) -> None:
        """Makes the folders and writes what is known at the start, or updates it when a run resumes.

        `start` describes the other run whose weights this one begins with; None where there is none.
        """
        for folder in (self.path, self.samples, self.checkpoints):
            make_folder(folder, run=self.path)
            remove_temporary_files(folder)
        self.write_config(config, overrides, links)
        starts = describe_environment(self.environment, start)
        write_json(self.environment, starts)

    def write_config(
        self, config: dict[str, Any], overrides: list[str], links: Mapping[str, str] | None = None
    ) -> None:
        """Writes config.yaml, with links where they hold, and overrides.yaml."""
        name = re.sub(r"^\d{8}-\d{6}_", "", self.path.absolute().name).replace("$", "_")
        directories = {"run": {"dir": f"outputs/${{now:%Y%m%d-%H%M%S}}_{name}"}, **HYDRA}
        linked = insert_links({key: value for key, value in config.items() if key not in ADDED}, links or {})
        text = yaml.safe_dump(linked, sort_keys=False, allow_unicode=True)
        write_text(self.config, HEADER + text + USE + yaml.safe_dump({"hydra": directories}, allow_unicode=True))
        write_text(self.overrides, yaml.safe_dump(overrides, allow_unicode=True))

    def write_status(self, status: Status) -> None:
        write_json(self.path / "status.json", status.as_dict())

    def is_locked(self) -> bool:
        """Whether a process is training in this directory now."""
        try:
            with self.locked():
                return False
        except ConfigError:
            return True

    @contextmanager
    def locked(self, key: str = "resume") -> Iterator[None]:
        """Keeps other processes from training in this directory; a kill frees it too.

        Args:
            key: the configuration key that names the directory.

        Raises:
            ConfigError: where another process holds it, or links in it lead out of it.
        """
        check_run_tree(key, self.path)
        try:
            file = open_to_append(self.path / LOCK_FILE, run=self.path)
        except OSError as error:
            raise ConfigError(key, f"may not be written to ({error.strerror})", self.path) from error
        with file:
            if not try_lock(file):
                problem = "another process is training in this directory"
                raise RunBusyError(key, problem, self.path, "Stop it first, or wait.")
            yield


class RunBusyError(ConfigError):
    """Another process is training in a directory."""


@contextmanager
def create_exclusive(wanted: Path) -> Iterator[RunDirectory]:
    """A directory for a new run, made and locked: `wanted`, or `wanted_2`, `wanted_3`, ... where that one is taken.

    Two runs that start in the same second get two directories.

    Raises:
        ConfigError: where it can't be made.
    """
    path, count = wanted, 1
    with ExitStack() as stack:
        while True:
            try:
                path.mkdir(parents=True, exist_ok=True)
                run = RunDirectory(path)
                if is_free(path):
                    stack.enter_context(run.locked("hydra.run.dir"))
                    break
            except RunBusyError:
                pass  # made a moment ago, by somebody else
            except OSError as error:
                raise ConfigError("hydra.run.dir", f"can't be made ({error.strerror})", path) from error
            count += 1
            path = wanted.with_name(f"{wanted.name}_{count}")
        yield run


def is_free(directory: Path) -> bool:
    """Whether an existing directory holds no run, and nothing else of anybody's."""
    return not {entry.name for entry in directory.iterdir()} - EARLY_FILES


def check_free(directory: Path) -> None:
    """Raises ConfigError where a new run can't be put: in a run of before, in a file, or where one may not write."""
    if (directory / "config.yaml").exists():
        raise ConfigError(
            "hydra.run.dir",
            "holds a run already",
            directory,
            f"Resume it by resume={directory}, or name another directory.",
        )
    if directory.is_dir() and not is_free(directory):
        raise ConfigError("hydra.run.dir", "is not empty", directory, "Name a new or an empty directory.")
    check_can_be_made("hydra.run.dir", directory)


def check_can_be_made(key: str, directory: Path) -> None:
    """Raises ConfigError for a directory that can't be made: below a file, or where one may not write.

    Args:
        key: the configuration key that names it.
        directory: may exist.
    """
    existing = next(folder for folder in (directory, *directory.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise ConfigError(key, f"can't be made, since {existing} is a file", directory)
    if not os.access(existing, os.W_OK):
        raise ConfigError(key, f"can't be made: {existing} may not be written to", directory)


def find_run(key: str, path: Path) -> RunDirectory:
    """The run in the folder `path`.

    Raises:
        ConfigError: with the nearest name where there is none; for a pipe, socket or device in it.
    """
    if not path.exists():
        siblings = [p.name for p in path.absolute().parent.iterdir()] if path.absolute().parent.is_dir() else []
        raise ConfigError(key, "there is no such run directory", path, nearest(path.name, siblings))
    if not (path / "config.yaml").is_file():
        inside = sorted(p.parent.name for p in path.glob("*/config.yaml")) if path.is_dir() else []
        advice = f"Runs in it: {', '.join(inside[-3:])}." if inside else "A run directory holds a config.yaml."
        raise ConfigError(key, "is not a run directory", path, advice)
    check_regular_files(key, path)
    return RunDirectory(path)


def read_config(run: RunDirectory) -> dict[str, Any]:
    """What config.yaml holds. Raises ConfigError where it can't be read."""
    return resolve_links(read_linked_config(run))


def read_linked_config(run: RunDirectory) -> dict[str, Any]:
    """What config.yaml holds, with its links (see `gan_cli.runs.stored_linked_keys`)."""
    try:
        config = load_yaml(read_text(run.config))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError("", f"{run.config} can't be read: {error}") from error
    if not isinstance(config, dict):
        raise ConfigError("", f"{run.config} does not hold a configuration")
    upgraded = upgrade_config({key: value for key, value in config.items() if key not in ADDED})
    typed = {word.partition("=")[0].lstrip("+") for word in read_overrides(run)}
    return insert_links_of_0_1(upgraded, typed)


def read_overrides(run: RunDirectory) -> list[str]:
    """What the user typed when the run began, but for Hydra's own settings; nothing where that can't be read.

    Hydra's settings (a search path, say) can name code, and a run that is resumed has its directory already.
    """
    try:
        words = load_yaml(read_text(run.overrides))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []
    typed = [str(word) for word in words] if isinstance(words, list) else []
    return [upgrade_override(word) for word in typed if not word.lstrip("+~").startswith("hydra")]


def unfinished_runs(parent: Path) -> list[RunDirectory]:
    """The runs in `parent` that have not finished, the newest first."""
    runs = [RunDirectory(p.parent) for p in sorted(parent.glob("*/config.yaml"), reverse=True) if p.is_file()]
    return [run for run in runs if read_status(run.path).state != "finished"]
