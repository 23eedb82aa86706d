"""Downloads from a server of the test's own that misbehaves as networks do."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from file_server import CONTENT, Heard, Server, server

from gan_cli.features.download import DownloadError, download, exclusive_lock
from gan_cli.progress import SilentReporter

__all__ = ["server"]  # a fixture


def files() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_a_file_arrives_whole_and_alone_and_its_progress_is_reported(server: Server) -> None:
    heard = Heard()
    download(server.url, Path("file"), heard)
    assert Path("file").read_bytes() == CONTENT
    assert files() == ["file"]
    assert heard.steps[-1] == ("downloading file (MB)", 3, 3)


def test_after_a_break_only_the_rest_is_asked_for(server: Server) -> None:
    server.breaks_after = [2_000_000, 0, 1_000_000]
    download(server.url, Path("file"), SilentReporter())
    assert Path("file").read_bytes() == CONTENT
    assert server.asked == ["", "bytes=2000000-", "bytes=2000000-", "bytes=3000000-"]


def test_what_had_come_is_kept_for_the_next_call(server: Server) -> None:
    server.breaks_after = [2_000_000, 0, 0, 0]
    with pytest.raises(DownloadError, match=r"2,000,000 of 3,500,000 bytes were received; 2\.0 MB are kept"):
        download(server.url, Path("file"), SilentReporter())
    assert files() == ["file.part"]
    download(server.url, Path("file"), SilentReporter())
    assert server.asked[-1] == "bytes=2000000-"
    assert Path("file").read_bytes() == CONTENT
    assert files() == ["file"]


def test_a_connection_that_falls_silent_is_a_break(server: Server) -> None:
    server.breaks_after, server.falls_silent = [1_000_000, 0], True
    download(server.url, Path("file"), SilentReporter(), patience=2)  # a busy machine may take half a second
    assert Path("file").read_bytes() == CONTENT
    assert server.asked == ["", "bytes=1000000-", "bytes=1000000-"]


def test_a_server_that_can_not_send_a_rest_sends_it_all(server: Server) -> None:
    server.sends_rests = False
    Path("file.part").write_bytes(b"begun elsewhere")
    download(server.url, Path("file"), SilentReporter())
    assert Path("file").read_bytes() == CONTENT


def test_a_part_that_is_whole_is_not_fetched_again(server: Server) -> None:
    Path("file.part").write_bytes(CONTENT)
    download(server.url, Path("file"), SilentReporter())
    assert server.asked == [f"bytes={len(CONTENT)}-"]
    assert files() == ["file"]


def test_a_part_of_something_longer_is_given_up(server: Server) -> None:
    Path("file.part").write_bytes(CONTENT + b"more")
    download(server.url, Path("file"), SilentReporter())
    assert Path("file").read_bytes() == CONTENT


def test_what_is_not_there_is_reported(server: Server) -> None:
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:\d+ answers 404 Not Found"):
        download(server.url.replace("file", "nothing"), Path("file"), SilentReporter())
    assert files() == []


def test_nobody_there_is_reported_at_once(server: Server) -> None:
    port_of_nobody = "http://127.0.0.1:9/file"
    with pytest.raises(DownloadError, match=r"no connection to 127\.0\.0\.1:9: .*refused"):
        download(port_of_nobody, Path("file"), SilentReporter())


def test_a_network_that_swallows_everything_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as listening:  # takes calls, answers none
        url = f"http://127.0.0.1:{listening.server_port}/file"
        with pytest.raises(DownloadError, match=r"no connection .*(timed out|no answer within 0\.2 seconds)"):
            download(url, Path("file"), SilentReporter(), patience=0.2)


def test_a_second_process_waits_for_the_first() -> None:
    order, heard = [], Heard()

    def second() -> None:
        with exclusive_lock(Path("file"), heard):
            order.append("second")

    with exclusive_lock(Path("file"), SilentReporter()):
        thread = threading.Thread(target=second)
        thread.start()
        assert heard.spoken.wait(timeout=10)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert "waiting" in heard.lines[0]
