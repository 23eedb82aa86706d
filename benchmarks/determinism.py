"""Checks that the same training gives the same bits in fresh processes; prints a Markdown table, exits with 1 if not.

    python benchmarks/determinism.py                           67 processes of each combination, 6 at once
    python benchmarks/determinism.py --processes 12 r1_r2 ada  fewer, of two combinations
    python benchmarks/determinism.py --folder FOLDER           in parts: keeps results, and continues after a stop
    python benchmarks/determinism.py --command                 each process is gan-train as a user starts it
    python benchmarks/determinism.py --dependency-optimizer    with the Grappler pass that gan-train turns off
    python benchmarks/determinism.py --graphs                  accesses to variables that the graph does not order
    python benchmarks/determinism.py --list                    the combinations

More processes than cores run at once, so that threads wait at other places each time, which is when a race shows.

By default a process is a fork of one that has imported TensorFlow and Keras and has executed nothing with them. So
each has a TensorFlow runtime of its own: threads, allocator, kernels and random state. Each reads the data, lets
Grappler optimise the graph, and trains. It does not import TensorFlow, draw the initial weights and trace the training
loop, which is most of the time of a short run: for each combination one more process does so, and the others load its
graph and initial weights. That process trains too, by the calls of gan-train, and is compared with the others.
Compared are all metrics of each step and, at the end, all variables: weights, their EMA, the state of optimizers and
the scalars of losses, penalties and augmentations.

With `--graphs` one process of each combination records the graph that it executes. Counted are the pairs of an update
of a variable and another access to it that may happen in either order.

With `--command` nothing is shared. Compared are all numbers in metrics.jsonl but times, and all arrays of the last
checkpoint.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from forked_processes import run_in_processes
from traced_loop import Result, TracedLoop, digest, find_races, replay, trace

from gan_cli.config.compose import compose
from gan_cli.config.job_builder import TrainJob, build_job
from gan_cli.runs.checkpoint import load_checkpoint

RPGAN = ("loss=rpgan", "penalty.r1.every=1", "penalty.r2.every=1")
COMMON = (
    *("model=dcgan", "model.width=8", "train.batch_size=8", "logger=[]"),
    *("run.log_every=1", "run.checkpoint_every=1000000", "run.sample_every=1000000"),
)
COMBINATIONS: dict[str, tuple[str, ...]] = {
    "r1_r2": RPGAN,
    "ada": (*RPGAN, "augment=ada"),
    "dropout": (*RPGAN, "model.discriminator_dropout=0.3"),
    "bfloat16": (*RPGAN, "train.precision=mixed_bfloat16"),
    "streaming": (*RPGAN, "dataset.memory_limit=0"),
    "batch_norm": ("loss=non_saturating",),
    "float16": (
        *("loss=non_saturating", "penalty=r1", "penalty.r1.every=2"),
        *("augment=diffaugment", "train.precision=mixed_float16"),
    ),
    "gradient_penalty": ("loss=wgan_gp", "train.critic_steps=3"),
    "max_one_sided_drift": (
        *("loss=wgan_gp", "penalty=[gradient_penalty_max,gradient_penalty_one_sided,drift]"),
        "train.critic_steps=1",
    ),
    "dragan_zero_gp_orthogonal": ("loss=minimax", "penalty=[dragan,zero_gp,orthogonal]"),
    "weight_clip": ("loss=wgan", "train.critic_steps=2", "train.update=simultaneous"),
    "spectral": ("loss=geometric", "model.discriminator_normalization=spectral", "augment=instance_noise"),
    "consistency_lecam": (
        *("loss=hinge", "penalty=[balanced_consistency,latent_consistency,lecam]"),
        *("penalty.lecam.start=2", "augment=apa"),
    ),
    "mmd": ("loss=mmd", "train.critic_steps=2"),
    "generator_terms": ("loss=lsgan", "penalty=[feature_matching,kernel_diversity]"),
}
TIMES = ("seconds", "images_per_second")


def run_command(words: tuple[str, ...], steps: int) -> Result:
    """Runs gan-train in an interpreter of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "gan_cli.commands.train", *COMMON, *words, f"train.steps={steps}"]
        done = subprocess.run([*command, "hydra.run.dir=run"], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        run = Path(folder) / "run"
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        arrays = load_checkpoint(run / "checkpoints" / f"step_{steps:08d}.npz").arrays
    rows = tuple({name: value for name, value in line.items() if name not in TIMES} for line in lines)
    return Result(rows, digest(arrays[name] for name in sorted(arrays)))


def describe_difference(most: Result, odd: Result) -> str:
    """Where a process first departs from most others."""
    for step, (one, other) in enumerate(zip(most.rows, odd.rows, strict=True), start=1):
        names = [name for name in one if one[name] != other[name] and one[name] == one[name]]  # NaN is not equal
        if names:
            return f"from step {step}: " + ", ".join(f"{name} {one[name]} v {other[name]}" for name in names)
    return "in the state alone"


def print_table(results: dict[str, list[Result]]) -> bool:
    """Prints how many results of each combination differ from most others. Returns whether any does."""
    print("| combination | processes | odd ones | where they differ |\n|---|---|---|---|")
    differ = False
    for name, found in results.items():
        keys = [repr(result) for result in found]
        (most, _), *_ = Counter(keys).most_common(1)
        odd = [result for result, key in zip(found, keys, strict=True) if key != most]
        where = "; ".join(sorted({describe_difference(found[keys.index(most)], result) for result in odd}))
        print(f"| `{' '.join(COMBINATIONS[name])}` | {len(found)} | {len(odd)} | {where or '-'} |", flush=True)
        differ |= bool(odd)
    print(f"| all | {sum(map(len, results.values()))} | | |")
    return differ


def import_all() -> None:
    """Imports what each process needs, and executes nothing."""
    os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    import sklearn.datasets  # noqa: F401
    from tensorflow.python.eager.context import context

    import gan_cli.training.training_layers  # noqa: F401

    assert context()._context_handle is None, "TensorFlow's runtime runs, and would not survive a fork"


def trace_all(jobs: dict[str, TrainJob], options: argparse.Namespace) -> dict[str, tuple[TracedLoop, Result]]:
    """The traced loop of each combination; from the folder those that it has, and into it the others."""
    settings = options.steps, options.dependency_optimizer
    files = {name: options.folder / f"{name}_{options.steps}.pickle" for name in jobs}
    tasks = [(name, partial(trace, job, *settings)) for name, job in jobs.items() if not files[name].is_file()]
    for name, found in run_in_processes(tasks, options.at_once):
        files[name].write_bytes(pickle.dumps(found))
    return {name: pickle.loads(file.read_bytes()) for name, file in files.items()}


def replay_all(names: list[str], options: argparse.Namespace) -> Iterator[tuple[str, Result]]:
    """Yields the results of all processes that share a trace, those that the folder has first."""
    import_all()
    jobs = {name: build_job(compose("train", [*COMMON, *COMBINATIONS[name]]).config) for name in names}
    traces = trace_all(jobs, options)
    yield from ((name, result) for name, (_, result) in traces.items())
    setting = f"{options.steps}_steps" + "_dependency_optimizer" * options.dependency_optimizer
    file = options.folder / f"{setting}.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    done = Counter(line["combination"] for line in lines)
    yield from (
        (line["combination"], Result(tuple(line["rows"]), line["digest"]))
        for line in lines
        if line["combination"] in jobs
    )
    runs = {
        name: partial(replay, jobs[name], options.steps, options.dependency_optimizer, traces[name][0]) for name in jobs
    }
    tasks = [(name, runs[name]) for turn in range(options.processes) for name in names if turn >= done[name]]
    with file.open("a") as stream:
        for name, result in run_in_processes(tasks, options.at_once):
            line = {"combination": name, "rows": result.rows, "digest": result.digest}
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            yield name, result


def print_graphs(names: list[str], options: argparse.Namespace) -> bool:
    """Prints how many pairs of accesses the graph of each combination does not order. Returns whether there are any."""
    import_all()
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    jobs = {name: build_job(compose("train", [*COMMON, *COMBINATIONS[name]]).config) for name in names}
    traces = trace_all(jobs, options)
    tasks = [(name, partial(find_races, jobs[name], options.dependency_optimizer, traces[name][0])) for name in jobs]
    print("| combination | reads | updates | pairs without an order |\n|---|---|---|---|")
    any_race = False
    for name, (reads, updates, races) in run_in_processes(tasks, options.at_once):
        pairs = "; ".join(f"{update}, {other}" for update, other in races)
        print(f"| `{' '.join(COMBINATIONS[name])}` | {reads} | {updates} | {pairs or '-'} |", flush=True)
        any_race |= bool(races)
    return any_race


def command_all(names: list[str], options: argparse.Namespace) -> Iterator[tuple[str, Result]]:
    """Yields the results of processes that share nothing."""
    tasks = [(name, partial(run_command, COMBINATIONS[name], options.steps)) for name in names]
    yield from run_in_processes(tasks * options.processes, options.at_once)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("combinations", nargs="*", metavar="COMBINATION", help="default: all")
    parser.add_argument("--processes", type=int, default=67, help="of each combination (default: 67)")
    parser.add_argument("--at-once", type=int, default=6, help="processes that run at the same time (default: 6)")
    parser.add_argument("--steps", type=int, default=12, help="of each process (default: 12)")
    parser.add_argument("--folder", type=Path, help="for graphs and results; continues an earlier run of the same code")
    parser.add_argument("--command", action="store_true", help="run gan-train as a whole in each process")
    parser.add_argument("--dependency-optimizer", action="store_true", help="turn this pass of Grappler on")
    parser.add_argument("--graphs", action="store_true", help="look for races in the graph instead of comparing bits")
    parser.add_argument("--list", action="store_true", help="print the combinations")
    options = parser.parse_args()
    unknown = set(options.combinations) - set(COMBINATIONS)
    if unknown:
        parser.error(f"no such combination: {', '.join(sorted(unknown))}; there are {', '.join(COMBINATIONS)}")
    if options.command and (options.dependency_optimizer or options.folder):
        parser.error("--dependency-optimizer and --folder are for forked processes, not for --command")
    return options


def main() -> int:
    options = read_options()
    if options.list:
        print("\n".join(f"{name}: {' '.join(words)}" for name, words in COMBINATIONS.items()))
        return 0
    names = options.combinations or list(COMBINATIONS)
    results: dict[str, list[Result]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        options.folder = options.folder or Path(folder)
        options.folder.mkdir(parents=True, exist_ok=True)
        if options.graphs:
            return int(print_graphs(names, options))
        for name, result in (command_all if options.command else replay_all)(names, options):
            results[name].append(result)
    versions = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras"))
    cores = len(os.sched_getaffinity(0))
    print(
        f"{datetime.date.today()}, {platform.machine()}, {cores} cores, Python {platform.python_version()}, {versions};"
    )
    print(f"{options.steps} steps a process, {options.at_once} processes at once\n")
    return int(print_table(results))


if __name__ == "__main__":
    sys.exit(main())
