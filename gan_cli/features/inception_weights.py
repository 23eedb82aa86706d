"""The file of Inception's weights in the cache folder: found, downloaded, and compared with its recorded SHA-256.

No SHA-256 of the archive is published with it. The one of the graph file is therefore recorded at the first use, and
every later use compares with it (trust on first use): a file that was exchanged or damaged since is refused.
"""

from __future__ import annotations

import json
from pathlib import Path

from gan_cli.cache import cache_folder
from gan_cli.errors import ConfigError
from gan_cli.features.download import DownloadError, download, exclusive_lock
from gan_cli.features.inception_graph import ARCHIVE, GRAPH, URL, GraphError, graph_bytes
from gan_cli.progress import ProgressReporter
from gan_cli.runs.atomic_files import write_json

RECORD = "recorded_sha256.json"


def find_cached() -> Path | None:
    """The weights in the cache folder: downloaded, or put there by the user."""
    return next((path for path in (folder() / GRAPH, folder() / ARCHIVE) if path.is_file()), None)


def folder() -> Path:
    """The cache folder of the weights."""
    return cache_folder() / "inception"


def download_archive(url: str, reporter: ProgressReporter) -> Path:
    """The archive in the cache folder, downloaded if it is not there yet.

    Raises:
        ConfigError: where that can't be done. The part that was received is kept, unless it is damaged.
    """
    archive = folder() / ARCHIVE
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with exclusive_lock(archive, reporter):
            if not archive.is_file():  # another process may have downloaded it while this one waited
                reporter.line(f"Downloading {url} (89 MB) into {folder()}")
                download(url, archive, reporter)
                check_archive(archive)
    except DownloadError as error:
        problem = f"are not there and can't be downloaded ({error})"
        raise ConfigError("weights", problem, None, manual_download()) from error
    except GraphError as error:
        raise ConfigError("weights", f"what {url} gave {error}; it was removed", None, manual_download()) from error
    except OSError as error:
        advice = "Name another folder with the variable GAN_CLI_CACHE."
        raise ConfigError("weights", f"{folder()} can't be written to ({error.strerror})", None, advice) from error
    return archive


def check_archive(archive: Path) -> None:
    """Raises GraphError, and removes the file, where there is no graph in it or its checksum is wrong."""
    try:
        graph_bytes(archive)
    except GraphError:
        archive.unlink()
        raise


def check_recorded_sha256(path: Path, sha256: str, is_named: bool, reporter: ProgressReporter) -> None:
    """Compares the SHA-256 of a graph file with the recorded one, or records it at the first use of the cache.

    Args:
        path: the file with the graph.
        sha256: of the graph file's bytes.
        is_named: whether the user named the file (`weights=PATH`). Another one is then only warned of.
        reporter: receives the warning.

    Raises:
        ConfigError: where the file in the cache is not the one of the first use.
    """
    record = folder() / RECORD
    recorded = read_recorded(record)
    if recorded is None and not is_named:
        try:
            write_json(record, {"file": GRAPH, "sha256": sha256})
        except OSError as error:
            reporter.warn(f"the SHA-256 of Inception's weights can't be recorded in {record} ({error.strerror})")
    elif recorded is not None and recorded != sha256:
        problem = f"{path} is not the file of the first use: its SHA-256 is {sha256}, and {record} says {recorded}"
        if is_named:
            reporter.warn(f"{problem}; numbers of the two do not compare")
            return
        raise ConfigError("weights", problem, None, f"Delete {path}, and it is downloaded again; or delete the record.")


def read_recorded(record: Path) -> str | None:
    """The recorded SHA-256, None where there is none that can be read."""
    try:
        values = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    sha256 = values.get("sha256") if isinstance(values, dict) else None
    return sha256 if isinstance(sha256, str) else None


def manual_download() -> str:
    """Advice how to get the weights without a download by this program."""
    place = f"Get {URL} on another machine and put it into {folder()}"
    return f"{place}, or name it where it lies: features=inception features.weights=PATH."
