"""Files that are whole at any moment, however the process ends."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from gan_cli.errors import ConfigError


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes a file through a temporary name beside it, so that a kill leaves the old or the new one, never half.

    Args:
        path: the file; its folder exists.
        write: is given the open binary file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves the new name with nothing in it
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(key: str, folder: Path) -> None:
    """Makes a folder to write into. Raises ConfigError where it can't be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(key, f"can't be written ({error.strerror})", folder, "Name another place.") from error
    if not os.access(folder, os.W_OK):
        raise ConfigError(key, "can't be written (Permission denied)", folder, "Name another place.")


def link_atomically(source: Path, path: Path) -> None:
    """Gives the file `source` a second name, in place of what has it; a copy where the file system has no links."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    write_atomically(path, lambda file: file.write(content))


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects in a file with one a line, none where there is no such file.

    What is none, such as a last line that a kill cut in half, is left out.
    """
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(errors="replace").splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines


def remove_temporary_files(folder: Path) -> None:
    """Removes temporary files of a process that was killed while it wrote."""
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)
