"""A file server of the tests' own, that misbehaves as networks do, and a reporter that remembers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from gan_cli.progress import SilentReporter

CONTENT = np.random.default_rng(0).bytes(3_500_000)


@dataclass
class Server:
    """A file server.

    Attributes:
        content: of its one file.
        breaks_after: how many bytes each of the next answers sends before the connection ends; all of them after those.
        sends_rests: whether it heeds a `Range`.
        falls_silent: whether it keeps the connection where it would end it.
        asked: the `Range` of each request, "" for none.
    """

    content: bytes = CONTENT
    breaks_after: list[int] = field(default_factory=list)
    sends_rests: bool = True
    falls_silent: bool = False
    asked: list[str] = field(default_factory=list)
    url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.sends_rests else 0
        total = len(self.content)
        if request.path != "/file":
            return request.send_error(404)
        if start >= total:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{total}")
            request.send_header("Content-Length", "0")
            return request.end_headers()
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        request.send_header("Content-Length", str(total - start))
        request.end_headers()
        stop = start + self.breaks_after.pop(0) if self.breaks_after else total
        request.wfile.write(self.content[start:stop])
        if stop < total and self.falls_silent:
            self.closing.wait()
        return None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    settings = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            settings.answer(self)

        def log_message(self, format: str, *arguments: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        settings.url = f"http://127.0.0.1:{listening.server_port}/file"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield settings
        settings.closing.set()
        listening.shutdown()
        thread.join()


class Heard(SilentReporter):
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[tuple[str, int, int]] = []
        self.spoken = threading.Event()

    def line(self, text: str) -> None:
        self.lines.append(text)
        self.spoken.set()

    def warn(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, what: str, done: int, total: int) -> None:
        self.steps.append((what, done, total))
