"""Every loss with its recipe on the same data for the same number of steps, and how it fares after three times as many.

    python benchmarks/objectives.py --runs FOLDER --write docs/objectives.md --data-dir TFDS   # two hours
    python benchmarks/objectives.py --runs FOLDER --only ring --losses hinge wgan              # some of it

Each run is `gan-train` itself, in a process with one thread, `--jobs` of them at a time; what `FOLDER` holds finished
already is not run again, and what was stopped is resumed. The losses are those of configs/loss, so a new one gets
its rows by being there; those with several forms have a row for each.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gan_cli.config.compose import compose, config_directory
from gan_cli.config.job_builder import build_job

TIMES = 3
"""How often the budget is spent to see a late collapse."""
EVALUATIONS = 4
"""Within the budget."""
BATCH = 64
"""The usual batch, in which the budget of images is counted."""
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
QUIET = ["logger=[]", "run.sample_every=1000", "run.checkpoint_every=2000", "run.log_every=100"]
IMAGES = ["model=dcgan", "model.width=32", "metric=[fid,kid]", "eval.samples=2000"]
POINTS = ["model=mlp", "model.latent_size=4", "train.batch_size=256", "train.ema_half_life=50000"]
FORMS = {
    "rgan_average": {f"rgan_average, {form}": [f"loss.form={form}"] for form in ("sigmoid", "least_squares", "hinge")},
}
"""The rows of losses that have several forms."""
FEW = ("non_saturating", "lsgan", "wgan_gp", "rpgan", "mmd", "mmd_pixels")
"""The losses that are trained on MNIST, where a run takes minutes: one of each family."""


@dataclass(frozen=True)
class Task:
    """What every loss is trained on.

    Attributes:
        words: of the command.
        steps: the budget, in updates of the generator; where `by_images`, in batches of `BATCH` real images, of which
            then all see as many.
        values: what is reported, in their order; the first decides what is best.
        rates: factors of the recipe's learning rate, which is made for images, that are each tried for the budget; the
            best by the first of `values` continues.
        recipes: what a loss has besides on such data, and the source or the measurement of that.
    """

    words: list[str]
    steps: int
    values: tuple[str, ...]
    rates: tuple[int, ...] = (1,)
    recipes: Mapping[str, list[str]] = field(default_factory=dict)
    by_images: bool = False


AT_EACH_STEP = ["penalty.r1.every=1", "penalty.r2.every=1"]
"""R3GAN's own (arXiv:2501.05441), where configs/loss/rpgan.yaml is lazy."""
FOR_IMAGES = {"rpgan": AT_EACH_STEP}
FOR_POINTS = {
    "rpgan": AT_EACH_STEP,
    "wgan_gp": ["penalty.gradient_penalty.weight=0.1"],  # igul222/improved_wgan_training, gan_toy.py
    # Narrow enough for the modes, wide enough to reach from one to the next; see configs/loss/mmd_pixels.yaml.
    "mmd_pixels": ["loss.kernel=gaussian", "loss.sigma=[0.01,0.03,0.1,0.3,1,3]"],
}
TASKS = {
    "ring": Task(
        [*POINTS, "dataset=ring", "metric=[modes]", "eval.best_by=good_share", "eval.samples=2500"],
        2000, ("good_share", "modes", "reverse_kl"), rates=(3, 10), recipes=FOR_POINTS,
    ),
    "grid": Task(
        [*POINTS, "dataset=grid", "metric=[modes]", "eval.best_by=good_share", "eval.samples=2500"],
        2000, ("good_share", "modes", "reverse_kl"), rates=(3, 10), recipes=FOR_POINTS,
    ),
    "digits": Task(
        [*IMAGES, "dataset=digits"], 1000, ("fid", "kid"), recipes=FOR_IMAGES
    ),
    "mnist": Task(
        [*IMAGES, "dataset=mnist"], 2000, ("fid", "kid"), by_images=True, recipes=FOR_IMAGES
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A run to be made: its directory, its command without its length, and its budget in steps."""

    place: Path
    command: list[str]
    budget: int


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains every loss with its recipe, and writes one table.")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--only", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--losses", nargs="*", help="of configs/loss; all of them without it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--data-dir", help="of tensorflow-datasets, for MNIST")
    parser.add_argument("--write", type=Path, help="the Markdown file; printed without it")
    options = parser.parse_args()
    rows = all_rows(options.losses)
    wanted = [(task, row) for task in options.only for row in rows if task != "mnist" or rows[row][0] in FEW]
    # Hydra composes one configuration at a time, so all are composed before the first run begins.
    planned = [(task, plan(task, row, *rows[row], options)) for task, row in wanted]
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda one: train_best(TASKS[one[0]], one[1]), planned))
    text = report(options.runs, rows)
    if options.write:
        options.write.write_text(text)
    else:
        print(text)


def all_rows(losses: list[str] | None) -> dict[str, tuple[str, list[str]]]:
    """Each row's name, with its loss and what else it is asked for."""
    names = losses or sorted(path.stem for path in (config_directory() / "loss").glob("[!_]*.yaml"))
    return {row: (name, more) for name in names for row, more in FORMS.get(name, {name: []}).items()}


def places(runs: Path, task_name: str, row: str) -> list[Path]:
    """The directory of each rate's run."""
    rates = TASKS[task_name].rates
    stem = f"{task_name}_{row.replace(', ', '_')}"
    return [runs / (f"{stem}_rate_{rate}" if len(rates) > 1 else stem) for rate in rates]


def plan(task_name: str, row: str, loss: str, more: list[str], options: argparse.Namespace) -> list[Run]:
    """The runs of a loss, one for each rate."""
    task = TASKS[task_name]
    words = [f"loss={loss}", *more, *task.words, *QUIET, *task.recipes.get(loss, [])]
    if task_name == "mnist" and options.data_dir:
        words.append(f"dataset.data_dir={options.data_dir}")
    recipe = build_job(compose("train", words).config)
    images = recipe.train.critic_steps * recipe.train.batch_size
    budget = task.steps * BATCH // images if task.by_images else task.steps
    words.append(f"eval.every={budget // EVALUATIONS}")
    rate = recipe.config["optimizer"]["learning_rate"]
    return [
        Run(place, [*words, f"optimizer.learning_rate={rate * factor:g}", f"hydra.run.dir={place}"], budget)
        for place, factor in zip(places(options.runs, task_name, row), task.rates, strict=True)
    ]


def train_best(task: Task, runs: list[Run]) -> None:
    """Each rate for the budget, and the best of them, or the only one, `TIMES` as long."""
    for run in runs if len(runs) > 1 else ():
        train(run, run.budget)
    train(max(runs, key=lambda run: at_budget(run, task)), TIMES * runs[0].budget)


def at_budget(run: Run, task: Task) -> float:
    """The value that decides after the budget, the higher the better; that of a run that failed is the worst."""
    found = evaluations(run.place).get(run.budget)
    return goodness(found[task.values[0]]) if found else -math.inf


def train(run: Run, steps: int) -> None:
    """One run to a number of steps, resumed where it has begun and left out where it has come so far."""
    status = run.place / "status.json"
    begun = json.loads(status.read_text()) if status.is_file() else {"state": None}
    if begun["state"] == "finished" and begun["step"] >= steps:
        return
    saved = list(run.place.glob("checkpoints/step_*.npz"))
    done = subprocess.run(
        [sys.executable, "-m", "gan_cli.commands.train", f"train.steps={steps}",
         *([f"resume={run.place}"] if saved else run.command)],
        env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(f"{run.place.name:40} {steps:6,} steps", done.stderr[-500:] if done.returncode else "", flush=True)


def report(runs: Path, rows: dict[str, tuple[str, list[str]]]) -> str:
    """The Markdown file: what was done, and a table for each kind of data."""
    header = (Path(__file__).parent / "objectives.md").read_text().format(date=datetime.date.today(), times=TIMES)
    return "\n".join([header, *(line for name in TASKS for line in table(name, runs, rows))])


def table(name: str, runs: Path, rows: dict[str, tuple[str, list[str]]]) -> list[str]:
    """The table of one task; nothing where there are no runs of it."""
    task = TASKS[name]
    found = {row: cells(places(runs, name, row), task) for row in rows}
    if not any(found.values()):
        return []
    each, unit = (BATCH, "images") if task.by_images else (1, "steps")
    budgets = [f"{times * task.steps * each:,} {unit}" for times in (1, TIMES)]
    heads = [f"{value} after {budgets[0]}" for value in task.values]
    heads += [f"best {task.values[0]} (step)", f"{task.values[0]} after {budgets[1]}", "last / best", "rate", "steps/s"]
    lines = [f"## {name}", "", f"`{' '.join(task.words)}`", ""]
    lines += [f"`loss={loss}` with `{' '.join(words)}`." for loss, words in task.recipes.items()]
    lines += ["", f"| loss | {' | '.join(heads)} |", f"|{'---|' * (len(heads) + 1)}"]
    lines += [f"| `{row}` | {' | '.join(text)} |" for row, text in found.items() if text]
    return [*lines, ""]


def cells(places: list[Path], task: Task) -> list[str]:
    """The cells of a loss: of its longest run; none where it has not been trained."""
    place = max(places, key=lambda one: max(evaluations(one), default=0))
    found, decides = evaluations(place), task.values[0]
    if not found:
        return []
    budget = yaml.safe_load((place / "config.yaml").read_text())["eval"]["every"] * EVALUATIONS
    end = max(found)
    best = max(found, key=lambda step: goodness(found[step][decides]))
    last, top = (value_of(found[step][decides]) for step in (end, best))
    metrics = [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]
    batch = metrics[-1]["images"] / metrics[-1]["step"]
    speeds = sorted(line["images_per_second"] / batch for line in metrics if line.get("images_per_second"))
    rate = yaml.safe_load((place / "config.yaml").read_text())["optimizer"]["learning_rate"]
    after_budget = [shown(found[budget][value]) if budget in found else "failed" for value in task.values]
    collapse = [f"{top:.3g} ({best:,})", f"{last:.3g}", f"{last / top:.2f}" if top else "-"]
    if end < TIMES * budget:
        collapse[1:] = [f"ended at {end:,}", "-"]
    return [*after_budget, *collapse, f"{rate:g}", f"{speeds[len(speeds) // 2]:.0f}"]


def evaluations(place: Path) -> dict[int, dict[str, Any]]:
    """What was measured in a run, by step."""
    path = place / "evaluations.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    return {line["step"]: line["values"] for line in lines}


def goodness(measured: dict[str, Any]) -> float:
    """A value, the higher the better."""
    return -value_of(measured) if measured["better"] == "lower" else value_of(measured)


def value_of(measured: dict[str, Any]) -> float:
    return float("inf") if measured["value"] is None else float(measured["value"])


def shown(measured: dict[str, Any]) -> str:
    """A value with its uncertainty, where it has one."""
    if measured["value"] is None:
        return "∞"
    error = measured.get("uncertainty")
    return f"{measured['value']:.3g}{f' ± {error:.1g}' if error else ''}"


if __name__ == "__main__":
    main()
