"""Symbolic links in a run directory: nothing is written, truncated or deleted through one that leaves the directory.

A run directory may come from anybody. A link in it (`samples`, `train.log`, `mlflow/mlflow.db`) would let a command
write to, or delete, files elsewhere. Two checks prevent that:

- `check_run_tree` refuses a whole run directory before training opens it, because loggers write files of their own.
- `check_parent_inside_run` is part of every function that writes or deletes (`gan_cli.runs.atomic_files`), for all
  commands.

Links that stay inside the run directory are allowed, and so is a link to the run directory itself.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from gan_cli.errors import ConfigError

MARKERS = ("checkpoints", "generator.keras", "status.json", "metrics.jsonl", "evaluations.jsonl")
"""A folder with a config.yaml and one of these is a run directory, and so is one with a lock file."""
LOCK_FILE = ".lock"

LOGGER_LINKS = ("latest-run", "debug.log", "debug-internal.log")
"""Links in RUN/wandb that Weights & Biases replaces at each start and never writes through."""


class LeavingLinkError(OSError):
    """A path that a symbolic link leads out of its run directory."""

    def __init__(self, path: Path, run: Path) -> None:
        problem = f"a symbolic link leads out of the run directory {run}"
        super().__init__(errno.ELOOP, problem, str(path))


def check_parent_inside_run(path: Path, run: Path | None = None) -> None:
    """Raises LeavingLinkError where the folder of `path` lies outside the run directory that the path names.

    The last part of the path is not followed: the callers replace or remove it, which leaves a link's target alone.

    Args:
        path: a file or folder to be written or removed; it need not exist.
        run: the run directory; None for the one that `path` lies in, if any.
    """
    for enclosing in find_enclosing_runs(path) if run is None else [run]:
        if not is_inside(path.parent, enclosing):
            raise LeavingLinkError(path, enclosing)


def check_inside_run(path: Path, run: Path | None = None) -> None:
    """The same for a file or folder that is opened in place: its last part may not leave the run directory either."""
    for enclosing in find_enclosing_runs(path) if run is None else [run]:
        if not is_inside(path, enclosing):
            raise LeavingLinkError(path, enclosing)


def is_inside(path: Path, folder: Path) -> bool:
    """Whether `path` is `folder` or lies in it, with all symbolic links followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def find_enclosing_runs(path: Path) -> list[Path]:
    """The run directories that `path` names by its parts: at most one by its own name, and one by a link into it.

    A folder that is itself a link may be an alias of a run directory or a link inside one, so the search continues
    above it. Of several links into run directories the outermost counts: those below it lie in that run.
    """
    alias = None
    for folder in path.absolute().parents:
        if folder.is_symlink():
            alias = find_run_around(Path(os.path.realpath(folder))) or alias
        elif is_run_directory(folder):
            return [folder] if alias is None else [folder, alias]
    return [] if alias is None else [alias]


def find_run_around(folder: Path) -> Path | None:
    """The run directory that is `folder` or holds it, None where there is none; `folder` has no links in it."""
    return next((place for place in (folder, *folder.parents) if is_run_directory(place)), None)


def is_run_directory(folder: Path) -> bool:
    if os.path.lexists(folder / LOCK_FILE):  # the first file of a new run
        return True
    return (folder / "config.yaml").is_file() and any(os.path.lexists(folder / name) for name in MARKERS)


def check_run_tree(key: str, run: Path) -> None:
    """Raises ConfigError for a link that leaves the run directory, and for a pipe, socket or device in it.

    Args:
        key: the configuration key that names the directory.
        run: the run directory; it need not exist.
    """
    for path in walk(run):
        if path.is_symlink() and not is_inside(path, run) and not is_logger_link(path, run):
            name = path.relative_to(run)
            problem = f"{name} is a symbolic link to {os.path.realpath(path)}, outside the run directory"
            raise ConfigError(key, problem, run, "Replace the link by a copy of what it names, or remove it.")
    check_regular_files(key, run)


def check_regular_files(key: str, run: Path) -> None:
    """Raises ConfigError for a pipe, socket or device in a run directory, or a link to one: reading it may never end.

    Args:
        key: the configuration key that names the directory.
        run: the run directory; it need not exist.
    """
    for path in walk(run):
        try:
            mode = path.stat().st_mode
        except OSError:  # a link that leads nowhere, or a temporary file of a process that trains
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            problem = f"{path.relative_to(run)} is a pipe, socket or device, which no run writes"
            raise ConfigError(key, problem, run, "Remove it.")


def is_logger_link(path: Path, run: Path) -> bool:
    return path.parent == run / "wandb" and path.name in LOGGER_LINKS


def walk(folder: Path) -> Iterator[Path]:
    """Everything below `folder`, without following links below it."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent) / name for name in (*folders, *files))
