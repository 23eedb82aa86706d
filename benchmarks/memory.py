"""Whether memory stays flat over a long run of the real command; prints a Markdown table. Linux only.

    python benchmarks/memory.py                 5,000 steps, a minute or two
    python benchmarks/memory.py --steps 50000

A small network, so that what is measured is the loop: thousands of graph calls and hundreds of lines, pictures and
checkpoints. The memory is the resident set of the training process, as the kernel counts it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from interleaved_timing import processor

MEBIBYTE = 2**20
TARGET = 50  # MiB of growth
WARM_UP = 0.2  # share of the run after which every kind of work has been done many times
INTERVALS = {"run.log_every": 10, "run.sample_every": 20, "run.checkpoint_every": 20}
SMALL = [
    *("dataset=digits", "model=dcgan", "model.width=8", "loss=non_saturating"),
    *("train.batch_size=16", "train.steps_per_call=5"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures whether training's memory grows.")
    parser.add_argument("--steps", type=int, default=5000)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        samples = train(Path(folder), steps)
    print(report(samples, steps))


def train(folder: Path, steps: int) -> list[tuple[int, int]]:
    """Trains, and gives pairs of a step and the bytes of resident memory then.

    Raises:
        RuntimeError: with what it printed, if training fails.
    """
    run = folder / "run"
    settings = [f"train.steps={steps}", f"hydra.run.dir={run}", *(f"{key}={every}" for key, every in INTERVALS.items())]
    with (folder / "output").open("w+") as output:
        command = [sys.executable, "-m", "gan_cli.commands.train", *SMALL, *settings]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        samples: list[tuple[int, int]] = []
        while process.poll() is None:
            step, memory = last_step(run / "metrics.jsonl"), resident(process.pid)
            if step is not None and memory is not None:
                samples.append((step, memory))
            time.sleep(0.2)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(output.read()[-4000:])
    return samples


def last_step(path: Path) -> int | None:
    """The step of the last whole line of a metrics file, None before there is one."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        lines = file.read().split(b"\n")[:-1]
    return int(json.loads(lines[-1])["step"]) if lines else None


def resident(process: int) -> int | None:
    """Bytes of memory that a process has, None once it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") or None


def report(samples: list[tuple[int, int]], steps: int) -> str:
    """The median memory in tenths of the run, and what it grew from the end of the warm-up to the last tenth."""
    rows = []
    for tenth in range(10):
        inside = [memory for step, memory in samples if tenth * steps / 10 <= step < (tenth + 1) * steps / 10]
        if inside:
            rows.append((tenth, median(inside) / MEBIBYTE))
    settled = [memory for tenth, memory in rows if tenth >= 10 * WARM_UP]
    growth = settled[-1] - settled[0]
    pictures, lines = steps // INTERVALS["run.sample_every"], steps // INTERVALS["run.log_every"]
    verdict = "met" if growth < TARGET else "missed"
    return "\n".join([
        f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}:",
        f"{steps:,} steps with {lines:,} lines of metrics, {pictures:,} pictures and as many checkpoints.",
        "",
        "| steps | resident memory, MiB |",
        "|---|---|",
        *(f"| {tenth * steps // 10:,} to {(tenth + 1) * steps // 10:,} | {memory:.0f} |" for tenth, memory in rows),
        "",
        f"Growth after the first {WARM_UP:.0%} of the run: {growth:+.1f} MiB; target below {TARGET} MiB, {verdict}.",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
