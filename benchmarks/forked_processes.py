"""Runs functions in forks of this process, several at a time."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

PROCESS = multiprocessing.get_context("fork").Process


def write_result(task: Callable[[], Any], path: Path) -> None:
    """The whole of a forked process."""
    log = os.open(path.with_suffix(".log"), os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    path.write_bytes(pickle.dumps(task()))


def run_in_processes(tasks: Iterable[tuple[str, Callable[[], Any]]], at_once: int) -> Iterator[tuple[str, Any]]:
    """Runs each task in a fork of this process, `at_once` at a time. Yields what they return.

    Raises:
        RuntimeError: with its output, where a task fails.
    """
    running: dict[int, tuple[Any, str, Path]] = {}
    with tempfile.TemporaryDirectory() as folder:
        ahead = enumerate(tasks)
        while True:
            while len(running) < at_once and (one := next(ahead, None)):
                number, (name, task) = one
                path = Path(folder) / str(number)
                process = PROCESS(target=write_result, args=(task, path))
                process.start()
                running[process.sentinel] = process, name, path
            if not running:
                return
            for sentinel in wait(list(running)):
                process, name, path = running.pop(sentinel)
                process.join()
                if process.exitcode:
                    raise RuntimeError(f"{name}: exit code {process.exitcode}\n{path.with_suffix('.log').read_text()}")
                yield name, pickle.loads(path.read_bytes())
                path.unlink()
