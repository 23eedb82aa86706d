"""Downloads that may be interrupted at any moment: the received part is kept, and the next call requests the rest.

Not done with `pooch`, which begins an interrupted download again, has no lock for two processes that want the same
file, and waits for name servers without a limit. Its check of a pinned hash needs a published hash, which the only
file that is downloaded here does not have (see `gan_cli.features.inception_weights`).
"""

from __future__ import annotations

import http.client
import queue
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gan_cli.cache import CHUNK_BYTES
from gan_cli.progress import ProgressReporter
from gan_cli.runs.file_locks import try_lock, wait_for_lock

ATTEMPTS = 3
"""Attempts in a row that receive no byte. A server that sends something each time is asked again."""
MEGABYTE = 10**6


class DownloadError(Exception):
    """The cause of a failed download, as a clause without a full stop."""


def download(url: str, path: Path, reporter: ProgressReporter, patience: float = 10.0) -> None:
    """Downloads a file, whole or not at all. The received part is in `path` + ".part" until it is whole.

    Args:
        url: http or https; the usual variables (`https_proxy`) name a proxy.
        path: where to put it; its folder exists.
        reporter: receives the progress.
        patience: seconds to wait for an answer or for a next byte.

    Raises:
        DownloadError: without a connection after `patience` seconds, whatever name servers and fire walls do.
        OSError: where it can't be written.
    """
    part = path.with_name(f"{path.name}.part")
    failures = 0
    while True:
        before = size_of(part)
        try:
            fetch_rest(url, part, reporter, patience)
            break
        except InterruptedDownloadError as error:
            failures = 0 if size_of(part) > before else failures + 1
            if failures == ATTEMPTS:
                kept = f"; {size_of(part) / MEGABYTE:.1f} MB are kept, and the next attempt resumes there"
                raise DownloadError(f"the connection to {host_of(url)} was interrupted: {error}{kept}") from error
    part.replace(path)


class InterruptedDownloadError(Exception):
    """The connection ended before the file did."""


def fetch_rest(url: str, part: Path, reporter: ProgressReporter, patience: float) -> None:
    """Appends the missing rest to `part`; a server that does not resume, or has another file by now, sends it all."""
    start = size_of(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        answer = within(patience, lambda: urllib.request.urlopen(request, timeout=patience))
    except urllib.error.HTTPError as error:
        with error:
            if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise DownloadError(f"{host_of(url)} answers {error.code} {error.reason}") from error
            if start == total_size(error.headers):
                return  # it was whole, and its process was killed before it could say so
        part.unlink()
        raise InterruptedDownloadError("the part that was received before does not belong to it") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DownloadError(f"no connection to {host_of(url)}: {getattr(error, 'reason', error)}") from error
    with answer:
        is_resumed = answer.status == http.client.PARTIAL_CONTENT
        receive(answer, part, start if is_resumed else 0, reporter)


def receive(answer: Any, part: Path, start: int, reporter: ProgressReporter) -> None:
    """Writes an answer's body into `part` from byte `start` on."""
    name = part.name.removesuffix(".part")
    total = total_size(answer.headers) or start + (answer.length or 0)
    done = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        while True:
            try:
                chunk = answer.read1(CHUNK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise InterruptedDownloadError(str(error) or type(error).__name__) from error
            if not chunk:
                break
            file.write(chunk)
            done += len(chunk)
            reporter.progress(f"downloading {name} (MB)", done // MEGABYTE, max(total, done) // MEGABYTE)
    if done < total:
        raise InterruptedDownloadError(f"{done:,} of {total:,} bytes were received")


def total_size(headers: Any) -> int:
    """Size of the whole file, from `Content-Range: bytes 10-19/20` or `bytes */20`; 0 where the header is missing."""
    total = headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdecimal() else 0


def host_of(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """Returns or raises what `call` does, or raises TimeoutError. A socket's timeout applies to each of a host's many
    addresses, and the look-up of its name has none."""
    outcome: queue.Queue[tuple[Any, Exception | None]] = queue.Queue()

    def work() -> None:
        try:
            outcome.put((call(), None))
        except Exception as error:
            outcome.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        result, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} seconds") from None
    if error is not None:
        raise error
    return result


@contextmanager
def exclusive_lock(path: Path, reporter: ProgressReporter) -> Iterator[None]:
    """Makes other processes wait that want to write the file `path` at the same time. A kill releases the lock."""
    with path.with_name(f".{path.name}.lock").open("ab") as file:
        if not try_lock(file):
            reporter.line(f"Another process is downloading {path}: waiting for it.")
            wait_for_lock(file)
        yield
