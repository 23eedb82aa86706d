"""Whether the same run in fresh processes gives the same bits; prints a Markdown table, exits with 1 where not.

    python benchmarks/determinism.py                                    48 processes of each combination, 4 at once
    python benchmarks/determinism.py --processes 12 --at-once 8 r2 ada  fewer, of two of them, on a busier machine
    python benchmarks/determinism.py --list                             the combinations

More processes at once than cores make threads wait at other places each time, which is when a race shows. What is
compared is every number of every step in metrics.jsonl but times, and every array of the last checkpoint.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gan_cli.runs.checkpoint import load_checkpoint

COMMON = (
    *("model=dcgan", "model.width=8", "train.batch_size=8", "logger=[]"),
    *("run.log_every=1", "run.checkpoint_every=1000000", "run.sample_every=1000000"),
)
COMBINATIONS: dict[str, tuple[str, ...]] = {
    "r2": ("loss=rpgan",),
    "gradient_penalty": ("loss=wgan_gp",),
    "ada": ("loss=rpgan", "augment=ada"),
    "diffaugment": ("loss=rpgan", "augment=diffaugment"),
    "dropout": ("loss=rpgan", "model.discriminator_dropout=0.3"),
    "bfloat16": ("loss=rpgan", "train.precision=mixed_bfloat16"),
    "streaming": ("loss=rpgan", "dataset.memory_limit=0"),
    "critic": ("loss=wgan_gp", "train.critic_steps=3", "train.update=simultaneous"),
}
CLOCK = ("seconds", "images_per_second")
Line = dict[str, Any]


def train(words: tuple[str, ...], steps: int) -> tuple[list[Line], str]:
    """The metric lines of one run in a process of its own, and a digest of the arrays of its last checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "gan_cli.commands.train", *COMMON, *words, f"train.steps={steps}"]
        done = subprocess.run([*command, "hydra.run.dir=run"], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        run = Path(folder) / "run"
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        digest = hashlib.sha256()
        arrays = load_checkpoint(run / "checkpoints" / f"step_{steps:08d}.npz").arrays
    for name in sorted(arrays):
        digest.update(name.encode() + arrays[name].tobytes())
    return [{name: value for name, value in line.items() if name not in CLOCK} for line in lines], digest.hexdigest()


def describe_difference(most: tuple[list[Line], str], odd: tuple[list[Line], str]) -> str:
    """Where a run first departs from most others."""
    for one, other in zip(most[0], odd[0], strict=True):
        names = [name for name in one if one[name] != other[name]]
        if names:
            return f"from step {one['step']}: " + ", ".join(f"{name} {one[name]} v {other[name]}" for name in names)
    return "in the checkpoint alone"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("combinations", nargs="*", metavar="COMBINATION", help="default: all")
    parser.add_argument("--processes", type=int, default=48, help="of each combination (default: 48)")
    parser.add_argument("--at-once", type=int, default=4, help="processes that run at the same time (default: 4)")
    parser.add_argument("--steps", type=int, default=12, help="of each run (default: 12)")
    parser.add_argument("--list", action="store_true", help="print the combinations")
    options = parser.parse_args()
    unknown = set(options.combinations) - set(COMBINATIONS)
    if unknown:
        parser.error(f"no such combination: {', '.join(sorted(unknown))}; there are {', '.join(COMBINATIONS)}")
    if options.list:
        print("\n".join(f"{name}: {' '.join(words)}" for name, words in COMBINATIONS.items()))
        return 0
    cores = len(os.sched_getaffinity(0))
    versions = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras"))
    print(f"{datetime.date.today()}, {platform.machine()}, {cores} cores, {versions};", end=" ")
    print(f"{options.steps} steps a run, {options.at_once} processes at once\n")
    print("| combination | processes | odd ones | where they differ |\n|---|---|---|---|", flush=True)
    differ = False
    for name in options.combinations or COMBINATIONS:
        with ThreadPoolExecutor(options.at_once) as pool:
            runs = list(pool.map(lambda _, n=name: train(COMBINATIONS[n], options.steps), range(options.processes)))
        (most, _), *_ = Counter(json.dumps(run) for run in runs).most_common(1)
        odd = [run for run in runs if json.dumps(run) != most]
        where = "; ".join(sorted({describe_difference(tuple(json.loads(most)), run) for run in odd}))
        print(f"| {name} | {len(runs)} | {len(odd)} | {where or '-'} |", flush=True)
        differ |= bool(odd)
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
