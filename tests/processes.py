"""Commands in processes of their own, for tests of output, exit codes and signals.

Importing TensorFlow takes longer than most of what is tested. So a server imports it once, without running anything,
and each command is a fork of the server: with its own TensorFlow runtime, threads, standard streams and signals.
Tests of the start of the interpreter itself (locale, `sys.path`, closed streams) use `subprocess`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path
from subprocess import CompletedProcess
from typing import IO

Process = multiprocessing.context.ForkServerProcess
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["preloaded_commands"])


def run_command(
    name: str, words: list[str], folder: str, environment: dict[str, str], out: str, err: str, file_size: int
) -> None:
    """Becomes the process of a command. `out` and `err` are files, pipes or, where equal, one of them for both.

    Its standard streams are buffered as those of Python are, and flushed at its end: a command that leaves something
    in a broken stream ends with an exit code of its own.
    """
    assert "preloaded_commands" in sys.modules, "the server has imported nothing"
    import tensorflow
    from preloaded_commands import MAIN

    from gan_cli.devices import quiet_start

    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        signal.signal(number, handler)  # a shell's background jobs ignore some
    os.environ.clear()
    os.environ.update(environment)
    streams = [os.open(out, os.O_WRONLY)]
    streams.append(streams[0] if err == out else os.open(err, os.O_WRONLY))
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    with quiet_start():  # what a command does where it imports TensorFlow itself
        tensorflow.config.list_physical_devices("GPU")
    sys.argv = [name, *words]
    try:
        sys.exit(MAIN[name]())
    finally:
        atexit._run_exitfuncs()


def ensure_server() -> None:
    """Starts the server, which finds its modules by PYTHONPATH, and nothing in the working folder."""
    before = dict(os.environ)
    folders = [str(Path(__file__).parent), *filter(None, [before.get("PYTHONPATH")])]
    os.environ.update(PYTHONPATH=os.pathsep.join(folders), PYTHONSAFEPATH="1")
    try:
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def start(
    name: str,
    words: tuple[str, ...],
    out: Path,
    err: Path,
    folder: Path | None,
    more: dict[str, str],
    file_size: int = resource.RLIM_INFINITY,
) -> Process:
    ensure_server()
    environment = {**os.environ, **more}
    process = SERVER.Process(
        target=run_command,
        args=(name, list(words), str(folder or Path.cwd()), environment, str(out), str(err), file_size),
    )
    process.start()
    return process


def command(
    name: str,
    *words: str,
    folder: Path | None = None,
    output: Path | None = None,
    file_size: int = resource.RLIM_INFINITY,
    **more: str,
) -> CompletedProcess[str]:
    """Runs one of the commands as a user does, in a process of its own; `more` is added to its environment.

    Args:
        output: what its standard output is written to, instead of what is returned.
        file_size: the most bytes that it may write into one file.
    """
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place) / "out", Path(place) / "err"
        out.touch()
        err.touch()
        process = start(name, words, output or out, err, folder, more, file_size)
        try:
            process.join(300)
            assert process.exitcode is not None, f"{name} {' '.join(words)} takes more than 300 s"
        finally:
            process.kill()
        return CompletedProcess([name, *words], process.exitcode, out.read_text(), err.read_text())


class RunningCommand:
    """A command that runs.

    Attributes:
        output: its standard output and error, as a pipe.
    """

    def __init__(self, process: Process, output: IO[str]) -> None:
        self.process, self.output = process, output

    def send_signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def wait(self, timeout: float = 60) -> int:
        """Returns the exit code, after at most `timeout` seconds."""
        self.process.join(timeout)
        assert self.process.exitcode is not None
        return self.process.exitcode


@contextmanager
def training(*words: str, first_line: str = "step ") -> Iterator[RunningCommand]:
    """gan-train in a process of its own, from the first line on that starts so; killed at the end if it still lives."""
    with tempfile.TemporaryDirectory() as place:
        pipe = Path(place) / "pipe"
        os.mkfifo(pipe)
        process = start("gan-train", words, pipe, pipe, None, {})
        with pipe.open() as output:
            try:
                read = []
                for line in output:
                    read.append(line)
                    if line.startswith(first_line):
                        break
                else:
                    raise AssertionError("".join(read))
                yield RunningCommand(process, output)
            finally:
                process.kill()
                process.join()
