"""Runs in processes of their own, and reading of run directories."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.runs.checkpoint import list_checkpoints, load_checkpoint

CLOCK = ("seconds", "images_per_second")
"""What differs between two runs of the same configuration."""


def restore_signals() -> None:
    """Undoes what a shell does to background jobs, and nohup: a test's own process may ignore these signals."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def training(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own, from its first step on; killed at the end if it still lives."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gan_cli.commands.train", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=restore_signals,
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        for line in process.stdout:
            if line.startswith("step "):
                break
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def metric_lines(run: Path) -> list[dict[str, Any]]:
    """The metric log without its times."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in CLOCK} for line in lines]


def status(run: Path) -> dict[str, Any]:
    found = json.loads((run / "status.json").read_text())
    assert isinstance(found, dict)
    return found


def pictures(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run / "samples").glob("*.png"))}


def assert_same_run(first: Path, second: Path) -> None:
    """Weights, optimizer state, averages, metric lines and pictures are equal bit for bit."""
    newest = [load_checkpoint(list_checkpoints(run / "checkpoints")[0]) for run in (first, second)]
    assert newest[0].step == newest[1].step
    assert newest[0].arrays.keys() == newest[1].arrays.keys()
    for name, array in newest[0].arrays.items():
        np.testing.assert_array_equal(array, newest[1].arrays[name], err_msg=name)
    assert metric_lines(first) == metric_lines(second)
    assert len(metric_lines(first)) > 1
    assert pictures(first) == pictures(second)
