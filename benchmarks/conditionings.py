"""Every conditioning on the same labelled data, with the same networks, budget and loss; prints a Markdown table.

    python benchmarks/conditionings.py --runs FOLDER --data-dir TFDS            # MNIST, about 3 minutes a row
    python benchmarks/conditionings.py --runs FOLDER --data digits              # a minute a row
    python benchmarks/conditionings.py --runs FOLDER --only projection concat

Each run is `gan-train experiment=mnist` (or `digits`) with `conditioning=NAME`, in a process of its own, one after the
other; what FOLDER holds finished is not run again. `multi_hinge` has `loss=hinge`, whose place it takes. Evaluated are
10,000 samples of the averaged generator with the class frequencies of the data, at the end. `mean seconds a step` is
processor time of the whole run without its evaluation, which other programs on the machine change little.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from gan_cli.config.config_directory import config_directory

STEPS = {"mnist": 1000, "digits": 2000}
WITHOUT_LABELS = ("none", "infogan")
COLUMNS = {
    "fid": "FID",
    "intra_fid": "intra-FID",
    "intra_fid_worst": "worst class",
    "class_accuracy": "class accuracy",
    "cas": "CAS",
}
METRICS = "metric=[fid,intra_fid,class_accuracy,cas]"
HINGE = ["loss=hinge"]
RECIPES = {"multi_hinge": HINGE}


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains every conditioning and prints one table.")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--data", default="mnist", choices=list(STEPS), help="an experiment")
    parser.add_argument("--data-dir", help="of tensorflow-datasets, for MNIST")
    parser.add_argument("--only", nargs="*", help="of configs/conditioning")
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    files = sorted((config_directory() / "conditioning").glob("[!_]*.yaml"))
    names = options.only or [path.stem for path in files if path.stem not in WITHOUT_LABELS]
    heads = ["conditioning", *COLUMNS.values(), "ms of processor time a step"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    for name in names:
        print(row(name, options), flush=True)


def row(name: str, options: argparse.Namespace) -> str:
    """Trains, measures and returns the row of a conditioning."""
    run, steps = options.runs / f"{options.data}_{name}", STEPS[options.data]
    place = [f"dataset.data_dir={options.data_dir}"] if options.data == "mnist" and options.data_dir else []
    words = [f"experiment={options.data}", f"conditioning={name}", *place, *RECIPES.get(name, [])]
    words += [f"train.steps={steps}", "metric=[]", "logger=[]", f"run.checkpoint_every={steps}", "resume=auto"]
    used = run_timed(["train", *words, f"hydra.run.dir={run}"])
    noted = run / "processor_seconds.txt"
    if not noted.exists():
        noted.write_text(str(used))
    if not evaluation(run):
        run_timed(["evaluate", f"run={run}", METRICS, "features=classifier", "samples=10000"])
    values = evaluation(run)
    cells = [shown(values.get(column)) for column in COLUMNS]
    return f"| `{name}` | {' | '.join(cells)} | {float(noted.read_text()) / steps * 1000:.0f} |"


def run_timed(words: list[str]) -> float:
    """Runs a command. Returns its processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-P", "-m", f"gan_cli.commands.{words[0]}", *words[1:]], check=True, stdout=sys.stderr
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def evaluation(run: Path) -> dict[str, Any]:
    """The last evaluation of a run; empty without one."""
    path = run / "evaluations.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    return dict(lines[-1]["values"]) if lines else {}


def shown(measured: dict[str, Any] | None) -> str:
    """A value with its uncertainty, where it has one."""
    if measured is None or measured["value"] is None:
        return "-"
    error = measured.get("uncertainty")
    return f"{measured['value']:.3g}{f' ± {error:.1g}' if error else ''}"


if __name__ == "__main__":
    main()
