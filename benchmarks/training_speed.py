"""How fast training is, next to TensorFlow's DCGAN tutorial and PyTorch's DCGAN example; prints a Markdown table.

    python benchmarks/training_speed.py                                 about 10 minutes on a quiet machine
    python benchmarks/training_speed.py --quick                         about 3 minutes
    python benchmarks/training_speed.py --torch-python PATH             PyTorch from another virtual environment
    python benchmarks/training_speed.py --only alternating tutorial     some contenders

benchmarks/README.md says what each row is.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from interleaved_timing import MOST_OF_OTHERS, Contender, processor, run_subcommand

HERE = Path(__file__).parent
EXAMPLES, SHAPE = 2048, (32, 32, 3)


@dataclass(frozen=True)
class Entry:
    """A row of a table: its title, and settings for gan-train."""

    title: str
    words: tuple[str, ...] = ()


PENALISED = ("penalty=[r1,r2]", "model.discriminator_normalization=none")
DIFFERENCES = ("penalty.r1.method=finite_difference", "penalty.r2.method=finite_difference")
IMAGES = {
    "torch-nchw": Entry("PyTorch, its DCGAN example, NCHW"),
    "torch-channels-last": Entry("PyTorch, its DCGAN example, channels_last"),
    "tutorial": Entry("TensorFlow, its DCGAN tutorial (simultaneous)"),
    "alternating": Entry("bare step, alternating"),
    "loop": Entry("whole loop: `gan-train` with data, logs, TensorBoard, pictures and checkpoints"),
    "simultaneous": Entry("bare step, simultaneous", ("train.update=simultaneous",)),
    "not-deterministic": Entry("alternating, train.deterministic=false", ("train.deterministic=false",)),
    "xla": Entry("alternating, train.xla=true", ("train.xla=true",)),
    "bfloat16": Entry("alternating, train.precision=mixed_bfloat16", ("train.precision=mixed_bfloat16",)),
    "r1-r2-exact": Entry("alternating, R1 and R2, exact", PENALISED),
    "r1-r2-differences": Entry("alternating, R1 and R2 by finite differences", (*PENALISED, *DIFFERENCES)),
    "r1-r2-quarter": Entry(
        "alternating, R1 and R2 by finite differences of a quarter of the batch",
        (*PENALISED, *DIFFERENCES, "penalty.r1.share=0.25", "penalty.r2.share=0.25"),
    ),
}
LAZY = ("penalty.r1.every=4", "penalty.r2.every=4")
PAIRS = {
    "torch-pair-nchw": Entry("PyTorch, the same networks and step, NCHW"),
    "torch-pair-channels-last": Entry("PyTorch, the same networks and step, channels_last"),
    "pair": Entry("bare step"),
    "pair-differences": Entry("bare step, both penalties by finite differences", DIFFERENCES),
    "pair-lazy": Entry("bare step, both penalties at every 4th step, as `loss=rpgan` has them", LAZY),
}
POINTS = {
    "torch-mlp": Entry("PyTorch, the example's step"),
    "mlp-bare": Entry("bare step, alternating, one a call"),
    "mlp": Entry("many steps a call, with data and averaged weights"),
}


def main() -> None:
    options = read_options()
    names = [name for name in (*IMAGES, *PAIRS, *POINTS) if options.only is None or name in options.only]
    if options.torch_python is None:
        names = [name for name in names if not name.startswith("torch")]
    with tempfile.TemporaryDirectory() as folder:
        pixels = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *SHAPE), dtype=np.uint8)
        np.savez(Path(folder) / "images.npz", images=pixels)
        contenders: dict[str, Contender] = {}
        try:
            for name in names:
                print(f"starting {name}", file=sys.stderr, flush=True)
                contenders[name] = Contender.start(name, command(name, Path(folder), options))
            run_subcommand(list(contenders.values()), options.rounds, options.seconds, options.patience)
        finally:
            for contender in contenders.values():
                contender.stop()
    print(report(contenders, options))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures training speed; benchmarks/README.md explains the rows.")
    parser.add_argument("--torch-python", metavar="PATH", help="interpreter that can import torch")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1.5 s instead of 10 of 3 s")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="length of a turn; the whole loop's has 50 steps")
    parser.add_argument("--patience", type=float, default=600, help="seconds to wait for a quiet machine, all in all")
    parser.add_argument(
        "--only", nargs="+", choices=(*IMAGES, *PAIRS, *POINTS), metavar="NAME", help="; ".join(IMAGES | PAIRS | POINTS)
    )
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 10)
    options.seconds = options.seconds or (1.5 if options.quick else 3.0)
    if options.torch_python is None and importlib.util.find_spec("torch"):
        options.torch_python = sys.executable
    return options


def command(name: str, folder: Path, options: argparse.Namespace) -> list[str]:
    if name.startswith("torch"):
        return [options.torch_python, str(HERE / "torch_contenders.py"), name]
    words = list((IMAGES | PAIRS | POINTS)[name].words)
    if name == "loop":
        # Each turn has 50 steps and one line of the log. Pictures and checkpoints come as often as by default, or more
        # often where there are too few rounds for one of each.
        steps = 50 * options.rounds
        words += [f"run.sample_every={min(250, steps // 2)}", f"run.checkpoint_every={min(500, steps)}"]
        words += ["train.steps=1000000", "run.log_every=50"]
    return [sys.executable, str(HERE / "tensorflow_contenders.py"), name, str(folder), *words]


def report(contenders: dict[str, Contender], options: argparse.Namespace) -> str:
    """The tables, with where and when they were measured."""
    versions: dict[str, str] = {}
    for contender in contenders.values():
        versions |= contender.about.get("versions", {})
    others = max(turn["others"] for contender in contenders.values() for turn in contender.turns)
    quiet = "" if others <= MOST_OF_OTHERS else " (too much to rely on)"
    lines = [
        f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + f". {options.rounds} rounds of {options.seconds:g} s;",
        f"other processes took at most {others:.0%} of the machine in a turn{quiet}.",
        "",
    ]
    tables = ((IMAGES, image_table), (PAIRS, pair_table), (POINTS, point_table))
    for entries, table in tables:
        chosen = {name: contender for name, contender in contenders.items() if name in entries}
        lines += [*table(chosen), ""] if chosen else []
    return "\n".join(lines)


def image_table(images: dict[str, Contender]) -> list[str]:
    """The rows of the DCGAN."""
    lines = [
        "| DCGAN 32x32x3, width 64, batch 64 | images/s | PyTorch's best = 1 | PyTorch NCHW = 1 | bare step = 1 "
        "| processor ms/image |",
        "|---|---|---|---|---|---|",
    ]
    best = best_rates(images, "torch-nchw", "torch-channels-last")
    first = images["torch-nchw"].rates() if "torch-nchw" in images else None
    alternating = images["alternating"].rates() if "alternating" in images else None
    for name, contender in images.items():
        bare = loop_share(images) if name == "loop" else ratio(contender.rates(), alternating)
        columns = [f"{median(contender.rates()):.0f}", ratio(contender.rates(), best), ratio(contender.rates(), first)]
        lines.append(f"| {IMAGES[name].title} | {' | '.join([*columns, bare, computing(contender, 1)])} |")
    return lines


def pair_table(pairs: dict[str, Contender]) -> list[str]:
    """The rows of the plain pair."""
    lines = [
        "| convnet 32x32x3, RpGAN with R1 and R2, batch 64 | images/s | PyTorch's best = 1 | processor ms/image |",
        "|---|---|---|---|",
    ]
    best = best_rates(pairs, "torch-pair-nchw", "torch-pair-channels-last")
    for name, contender in pairs.items():
        columns = [f"{median(contender.rates()):.0f}", ratio(contender.rates(), best), computing(contender, 1)]
        lines.append(f"| {PAIRS[name].title} | {' | '.join(columns)} |")
    return lines


def point_table(points: dict[str, Contender]) -> list[str]:
    """The rows of the perceptron."""
    lines = ["| MLP 3x256, points, batch 256 | steps/s | PyTorch = 1 | processor ms/step |", "|---|---|---|---|"]
    torch = points["torch-mlp"].rates() if "torch-mlp" in points else None
    for name, contender in points.items():
        columns = [f"{median(contender.rates()) / 256:.0f}", ratio(contender.rates(), torch)]
        lines.append(f"| {POINTS[name].title} | {' | '.join([*columns, computing(contender, 256)])} |")
    return lines


def computing(contender: Contender, examples: int) -> str:
    """The time that all of its threads computed for so many examples, in ms."""
    return f"{median(contender.processor_time()) * 1000 * examples:.2f}"


def best_rates(contenders: dict[str, Contender], *names: str) -> list[float] | None:
    """The larger rate of the named ones in each round; None where none of them took part."""
    rates = [contenders[name].rates() for name in names if name in contenders]
    return [max(of_round) for of_round in zip(*rates, strict=True)] if rates else None


def ratio(rates: list[float], baseline: list[float] | None) -> str:
    """The median over the rounds of one rate over another's of the same round."""
    return "–" if baseline is None else f"{median(a / b for a, b in zip(rates, baseline, strict=True)):.2f}"


def loop_share(images: dict[str, Contender]) -> str:
    """The whole loop's rate over the bare step's, as a product of two shares.

    The first is the rate inside the compiled calls over the bare step's, a median over the rounds: what looking up data
    and averaging weights cost. The second is the share of its time that the loop is inside them, over all rounds, for
    pictures and checkpoints do not come in each: what writing costs.
    """
    if "alternating" not in images:
        return "–"
    turns = images["loop"].turns
    inside = [turn["examples"] / turn["inside"] for turn in turns]
    computing = median(a / b for a, b in zip(inside, images["alternating"].rates(), strict=True))
    present = sum(turn["inside"] for turn in turns) / sum(turn["seconds"] for turn in turns)
    return f"{computing * present:.3f} ({computing:.3f} in calls x {present:.3f} of the time)"


if __name__ == "__main__":
    main()
