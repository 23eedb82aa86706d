"""The cache folder: files that were downloaded or computed once and can be restored, outside any run and project."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

CHUNK_BYTES = 2**20


def cache_folder() -> Path:
    """`$GAN_CLI_CACHE`, else `$XDG_CACHE_HOME/gan-cli`, else `~/.cache/gan-cli`; it need not exist yet.

    A user without a home folder gets one in the folder for temporary files, where anybody can make folders.
    """
    own = os.environ.get("GAN_CLI_CACHE")
    if own:
        return Path(own)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan-cli"
    except RuntimeError:  # neither $HOME nor an entry in the list of users, as in some containers
        return temporary_home() / ".cache" / "gan-cli"


def temporary_home() -> Path:
    """The home folder of a user without one."""
    return private_folder(Path(tempfile.gettempdir()) / f"gan-cli-{os.getuid()}")


def set_library_folders() -> None:
    """Gives libraries a private folder for their settings where the user has no home folder, or can't write there.

    Without one, W&B and MLflow fail, and Keras takes `~` for a name in the working folder. Where the home folder can't
    be written, Keras shares `/tmp/.keras` with all users. It reads settings there.
    """
    try:
        home = Path.home()
    except RuntimeError:
        home = Path("~")
    if not home.is_absolute():
        os.environ["HOME"] = str(temporary_home())
    elif not os.access(home, os.W_OK):
        for variable, name in (("KERAS_HOME", "keras"), ("MPLCONFIGDIR", "matplotlib")):
            if not os.environ.get(variable):
                os.environ[variable] = str(temporary_home() / name)


def private_folder(folder: Path) -> Path:
    """Makes `folder`, to which only this user may write; where somebody else has made it, a new one of another name."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077:
            return folder
    return new_private_folder(folder.name)


@lru_cache(maxsize=1)
def new_private_folder(prefix: str) -> Path:
    """One for the whole process, whose name nobody can know before."""
    return Path(tempfile.mkdtemp(prefix=f"{prefix}-"))


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_json_to_cache(path: Path, value: Any) -> None:
    """Writes a JSON file below the cache folder atomically. Does nothing where the folder can't be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(json.dumps(value), "utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
