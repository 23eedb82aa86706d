"""Checks paths that a user typed, and proposes the nearest existing name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError, nearest


def existing_folder(key: str, typed: str) -> Path:
    """The folder that `typed` names, relative to the current one; `~` is the home folder. Raises ConfigError."""
    path = existing(key, typed)
    if not path.is_dir():
        raise ConfigError(key, "is a file; expected a folder", typed, f"Its folder is {path.parent}.")
    return path


def existing_file(key: str, typed: str) -> Path:
    """The file that `typed` names, relative to the current folder; `~` is the home folder. Raises ConfigError."""
    path = existing(key, typed)
    if not path.is_file():
        raise ConfigError(key, "is a folder; expected a file", typed)
    return path


def expand_user(key: str, typed: str) -> Path:
    """The path that `typed` names, `~` and `~name` being home folders. Raises ConfigError for a user who has none."""
    try:
        return Path(typed).expanduser()
    except RuntimeError as error:
        advice = f"Give the whole path, or ./{typed} for a folder of that name."
        raise ConfigError(key, "names the home folder of a user that is not known", typed, advice) from error


def expand_home(key: str, typed: Any) -> Any:
    """The value of a path key with `~` and `~name` replaced in each path of it; other values as they are.

    Args:
        key: for errors.
        typed: a path, a list of paths, or None.
    """
    if isinstance(typed, list):
        return [expand_home(key, path) for path in typed]
    return str(expand_user(key, typed)) if isinstance(typed, str) and typed.startswith("~") else typed


def existing(key: str, typed: str) -> Path:
    path = expand_user(key, typed)
    if typed and path.exists():
        return path
    raise ConfigError(key, "there is no such file or folder", typed, advice_on(path))


def advice_on(path: Path) -> str:
    """Proposes the nearest existing name for the first part of `path` that does not exist."""
    path = path.absolute()
    missing = next((part for part in [*reversed(path.parents), path] if not part.exists()), path)
    try:
        siblings = [entry.name for entry in missing.parent.iterdir()]
    except OSError:
        siblings = []
    near = nearest(missing.name, siblings)
    return near or f"{missing.parent} exists and holds no {missing.name}."
