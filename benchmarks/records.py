"""Records: how soon an experiment comes to an FID, and the best that it reaches, over seeds; writes docs/records.md.

    python benchmarks/records.py --runs FOLDER --data-dir TFDS --eurosat EUROSAT --write docs/records.md
    python benchmarks/records.py --runs FOLDER --only digits --seeds 0        # one row

Each run is `gan-train experiment=NAME` itself, in a process of its own, one after the other; FOLDER keeps what has
finished, and only what is missing is run. An FID is of 10,000 samples of the averaged generator against all training
images, with the features of a classifier of the data's labels, measured while training: its seconds are those of the
run's own log, with evaluations, sample grids and checkpoints. Processor time is that of the whole command.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from interleaved_timing import processor

MINUTES = 10
"""The budget of the best value."""
PROTOCOL = ["metric=[fid,prdc]", "features=classifier", "eval.samples=10000", "logger=[]"]


@dataclass(frozen=True)
class Record:
    """A row.

    Attributes:
        words: of the command.
        every: steps from one evaluation to the next.
        below: the FID whose seconds are reported.
        picture: in docs/images, of a run with seed 0.
    """

    words: list[str]
    every: int
    below: float
    picture: str


RECORDS = {
    "digits": Record(["experiment=digits"], 500, 2.0, "digits.png"),
    "mnist": Record(["experiment=mnist"], 1500, 2.0, "mnist.png"),
    "eurosat": Record(["experiment=eurosat"], 1000, 60.0, "eurosat.png"),
}


@dataclass(frozen=True)
class Measured:
    """What a run's log says.

    Attributes:
        evaluations: seconds and FID of each evaluation, in their order.
        precision: at the evaluation with the best FID within the budget.
        processor_seconds: of the whole command; None where it ran in an earlier call that did not note it.
        date, commit: of its start.
    """

    evaluations: list[tuple[float, float]]
    precision: float
    processor_seconds: float | None
    date: str
    commit: str

    def seconds_to(self, value: float) -> float | None:
        """The time of the first evaluation with at most this FID; None where there is none."""
        return next((seconds for seconds, fid in self.evaluations if fid <= value), None)

    @property
    def best(self) -> float:
        """The best FID within the budget."""
        return min(within_budget(self.evaluations), key=lambda one: one[1])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains experiments over seeds and writes the table of records.")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--only", nargs="*", default=list(RECORDS), choices=list(RECORDS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--data-dir", help="of tensorflow-datasets, for MNIST")
    parser.add_argument("--eurosat", type=Path, help="the folder of EuroSAT's classes")
    parser.add_argument("--write", type=Path, help="the Markdown file; printed without it")
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Measured]] = {}
    for name in options.only:
        if name == "eurosat" and options.eurosat is None:
            print("no --eurosat: its row is left out", file=sys.stderr)
            continue
        found[name] = [read_run(train(name, seed, options)) for seed in options.seeds]
    text = page(found, options.seeds)
    if options.write:
        options.write.write_text(text)
    else:
        print(text)


def train(name: str, seed: int, options: argparse.Namespace) -> Path:
    """The directory of a finished run; trains it, or what is left of it."""
    record, run = RECORDS[name], options.runs / f"{name}_{seed}"
    where = {"mnist": ("dataset.data_dir", options.data_dir), "eurosat": ("dataset.path", options.eurosat)}
    key, value = where.get(name, ("", None))
    words = [
        *record.words,
        *PROTOCOL,
        f"eval.every={record.every}",
        f"seed={seed}",
        *([f"{key}={value}"] * bool(value)),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-m", "gan_cli.commands.train", *words, f"hydra.run.dir={run}", "resume=auto"]
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    noted = run / "processor_seconds.txt"
    if not noted.exists():
        noted.write_text(str(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return run


def read_run(run: Path) -> Measured:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    measured = [line for line in lines if "fid" in line]
    best = min(within_budget([(line["seconds"], line) for line in measured]), key=lambda one: one[1]["fid"])[1]
    noted = run / "processor_seconds.txt"
    first = json.loads((run / "environment.json").read_text())[0]
    return Measured(
        [(line["seconds"], line["fid"]) for line in measured],
        best["precision"],
        float(noted.read_text()) if noted.exists() else None,
        first["time"][:10],
        (first.get("git") or {}).get("commit", "")[:7],
    )


def within_budget(measured: list[tuple[float, Any]]) -> list[tuple[float, Any]]:
    """The evaluations of the first ten minutes; the first one where there is none."""
    return [one for one in measured if one[0] <= MINUTES * 60] or measured[:1]


def page(found: dict[str, list[Measured]], seeds: list[int]) -> str:
    """The Markdown page."""
    intro = (Path(__file__).parent / "records.md").read_text()
    heads = ["experiment", "FID to reach", "seconds to it", f"best FID in {MINUTES} minutes", "precision there"]
    heads += ["processor seconds", "date", "commit", "picture"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(cells(name, runs))} |" for name, runs in found.items()]
    over = f"Seeds {', '.join(map(str, seeds))}; mean and standard deviation over them."
    machine = f"{over} Machine: {processor()}, {os.cpu_count()} cores."
    return "\n".join([intro, machine, "", *lines, ""])


def cells(name: str, runs: list[Measured]) -> list[str]:
    record = RECORDS[name]
    times = [run.seconds_to(record.below) for run in runs]
    reached = [time for time in times if time is not None]
    came = spread(reached, 0) if len(reached) == len(times) else f"{len(reached)} of {len(times)} seeds came to it"
    processor_seconds = [run.processor_seconds for run in runs if run.processor_seconds is not None]
    return [
        f"`gan-train {' '.join(record.words)}`",
        f"{record.below:g}",
        came,
        spread([run.best for run in runs], 2),
        spread([run.precision for run in runs], 3),
        spread(processor_seconds, 0),
        max(run.date for run in runs),
        ", ".join(sorted({run.commit for run in runs if run.commit})),
        f"![{name}](images/{record.picture}){{ width=\"120\" }}",
    ]  # fmt: skip


def spread(values: list[float], digits: int) -> str:
    """The mean with the standard deviation of single values."""
    if not values:
        return "-"
    return f"{mean(values):.{digits}f}" + (f" ± {stdev(values):.{digits}f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
