"""Writes files atomically: a file holds the old or the new content at any moment, however the process ends.

Every function here that writes or deletes refuses a path that a symbolic link leads out of its run directory
(`gan_cli.runs.symlink_checks`). Text is UTF-8 whatever the locale.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from gan_cli.errors import ConfigError
from gan_cli.regular_files import check_regular, read_regular
from gan_cli.runs.symlink_checks import check_inside_run, check_parent_inside_run

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LONGEST_INTEGER = 300  # digits; a larger one is no float, and Python refuses to read those of thousands
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes a file through a temporary name in the same folder, then renames it.

    Args:
        path: the file; its folder exists. A symbolic link of that name is replaced, not followed.
        write: is given the open binary file.

    Raises:
        OSError: where it can't be written; the file of before is left as it was.
    """
    check_parent_inside_run(path)
    temporary = temporary_path(path)
    temporary.unlink(missing_ok=True)  # left by a killed process of the same number, or planted as a link
    try:
        with os.fdopen(os.open(temporary, NEW_FILE, 0o666), "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name with no content
        temporary.replace(path)
    except OSError as error:
        if error.filename is None:  # writing raises errors that do not name the file
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def temporary_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def open_to_append(path: Path, run: Path | None = None) -> IO[bytes]:
    """Opens a file of a run directory for appending, and creates it where it is missing.

    Args:
        path: the file. A symbolic link of that name is refused, wherever it leads.
        run: the run directory; None for the one that `path` lies in, if any.
    """
    check_inside_run(path, run)
    return os.fdopen(check_regular(os.open(path, APPEND, 0o666), path), "ab")


def make_folder(path: Path, run: Path | None = None) -> None:
    """Makes a folder and those above it. Raises OSError where that can't be done, or a link leaves the run."""
    check_inside_run(path, run)
    path.mkdir(parents=True, exist_ok=True)


def remove_file(path: Path, run: Path | None = None) -> None:
    """Removes a file, or a link without its target; nothing happens where there is none."""
    check_parent_inside_run(path, run)
    path.unlink(missing_ok=True)


def remove_folder(path: Path, run: Path | None = None) -> None:
    """Removes a folder with everything in it. Raises OSError for a link."""
    check_inside_run(path, run)
    shutil.rmtree(path)


def check_folder(key: str, folder: Path) -> None:
    """Makes a folder to write into. Raises ConfigError where it can't be made or written to."""
    try:
        make_folder(folder)
    except OSError as error:
        raise ConfigError(key, f"can't be written ({error.strerror})", folder, "Name another place.") from error
    if not os.access(folder, os.W_OK):
        raise ConfigError(key, "can't be written (Permission denied)", folder, "Name another place.")


def link_atomically(source: Path, path: Path) -> None:
    """Gives the file `source` a second name, in place of what has it; copies where the file system has no links."""
    check_parent_inside_run(path)
    temporary = temporary_path(path)
    temporary.unlink(missing_ok=True)
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
    """Writes UTF-8. What UTF-8 can't hold (a file name that is no UTF-8) is written as an escape, such as \\udcff."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_text(path: Path) -> str:
    """The content of a UTF-8 text file. Raises OSError, also for a pipe or device, or UnicodeDecodeError."""
    return read_regular(path).decode("utf-8")


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects in a file with one JSON object a line; none where there is no such file.

    Lines that are no object are left out, such as a last line that a kill cut in half. A number that is not finite is
    read as None, as gan-cli writes it.
    """
    if not path.is_file():
        return []
    lines = []
    for text in read_regular(path).decode("utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text, parse_constant=as_null, parse_float=as_float, parse_int=as_int)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines


def as_null(constant: str) -> None:
    """NaN, Infinity and -Infinity, which are no JSON."""


def as_float(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None  # 1e999 is infinite


def as_int(text: str) -> int | None:
    return int(text) if len(text) <= LONGEST_INTEGER else None


def remove_temporary_files(folder: Path) -> None:
    """Removes temporary files of a process that was killed while it wrote."""
    for path in folder.glob(".*.tmp"):
        remove_file(path)
