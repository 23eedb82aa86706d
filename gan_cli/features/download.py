"""Downloads that may be broken off at any moment: what has come is kept, and the next call asks for the rest alone."""

from __future__ import annotations

import fcntl
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

ATTEMPTS = 3
"""In a row that bring no byte more. A server that gives something each time is asked for as long as it does."""
MEGABYTE = 10**6


class DownloadError(Exception):
    """Why a file can't be had, as a clause without a full stop."""


def download(url: str, path: Path, teller: ProgressReporter, patience: float = 10.0) -> None:
    """Fetches a file, whole or not at all. What has come of it lies in `path` + ".part" until it is whole.

    Args:
        url: http or https; the usual variables (`https_proxy`) name a proxy.
        path: where to put it; its folder exists.
        teller: is told how much has come.
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
            fetch_rest(url, part, teller, patience)
            break
        except BrokenOffError as error:
            failures = 0 if size_of(part) > before else failures + 1
            if failures == ATTEMPTS:
                kept = f"; {size_of(part) / MEGABYTE:.1f} MB are kept and need not come again"
                raise DownloadError(f"{host_of(url)} broke off: {error}{kept}") from error
    part.replace(path)


class BrokenOffError(Exception):
    """The connection ended before the file did."""


def fetch_rest(url: str, part: Path, teller: ProgressReporter, patience: float) -> None:
    """Appends to `part` what it lacks; a server that can't send a rest, or has another file by now, sends it all."""
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
        raise BrokenOffError("what had come before does not belong to it") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DownloadError(f"no connection to {host_of(url)}: {getattr(error, 'reason', error)}") from error
    with answer:
        goes_on = answer.status == http.client.PARTIAL_CONTENT
        receive(answer, part, start if goes_on else 0, teller)


def receive(answer: Any, part: Path, start: int, teller: ProgressReporter) -> None:
    """Writes an answer's body into `part` from byte `start` on."""
    name = part.name.removesuffix(".part")
    total = total_size(answer.headers) or start + (answer.length or 0)
    done = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        while True:
            try:
                portion = answer.read1(CHUNK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise BrokenOffError(str(error) or type(error).__name__) from error
            if not portion:
                break
            file.write(portion)
            done += len(portion)
            teller.progress(f"downloading {name} (MB)", done // MEGABYTE, max(total, done) // MEGABYTE)
    if done < total:
        raise BrokenOffError(f"{done:,} of {total:,} bytes have come")


def total_size(headers: Any) -> int:
    """Of the whole file, from `Content-Range: bytes 10-19/20` or `bytes */20`; 0 where that is not told."""
    total = headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdecimal() else 0


def host_of(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """What `call` returns or raises, or TimeoutError. A timeout of sockets is for each of a host's many addresses,
    and looking up their name has none."""
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
def one_at_a_time(path: Path, teller: ProgressReporter) -> Iterator[None]:
    """Keeps other processes from making the file `path` at the same time; they wait. A kill frees it too."""
    with path.with_name(f".{path.name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            teller.line(f"Another process is fetching {path}: waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: nobody can tell, so nobody waits
            pass
        yield
