"""Every loss with its recipe on the same data for the same number of steps, and how it fares after three times as many.

    python benchmarks/objectives.py --runs FOLDER --write docs/objectives.md --data-dir TFDS   # an hour and a half
    python benchmarks/objectives.py --runs FOLDER --only ring --losses hinge wgan              # some of it

Each run is `gan-train` itself, in a process with one thread, `--jobs` of them at a time; what `FOLDER` holds finished
already is not run again, and what was stopped is gone on with. The losses are those of configs/loss, so a new one gets
its rows by being there; those with several forms have a row for each.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.config.build import build_job
from gan_cli.config.compose import compose, config_directory

TIMES = 3
"""How often the budget is spent to see a late collapse."""
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
QUIET = ["logger=[]", "run.sample_every=1000", "run.checkpoint_every=2000", "run.log_every=100"]
POINTS = ["model=mlp", "model.latent_size=4", "train.batch_size=256", "train.averaging_half_life=50000"]
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
        steps: the budget, in updates of the generator; of the discriminator where `by_images`, so that all see as many
            images.
        values: what is told, in their order; the first decides what is best.
        faster: the factor of the recipe's learning rate, which is made for images: experiment=ring and experiment=grid
            found 10 for points.
    """

    words: list[str]
    steps: int
    values: tuple[str, ...]
    faster: float = 1.0
    by_images: bool = False


TASKS = {
    "ring": Task(
        [*POINTS, "dataset=ring", "metric=[modes]", "eval.best_by=good_share", "eval.samples=2500"],
        2000, ("good_share", "modes", "reverse_kl"), faster=10.0,
    ),
    "grid": Task(
        [*POINTS, "dataset=grid", "metric=[modes]", "eval.best_by=good_share", "eval.samples=2500"],
        2000, ("good_share", "modes", "reverse_kl"), faster=10.0,
    ),
    "digits": Task(
        ["dataset=digits", "model.width=32", "metric=[fid,kid]", "eval.samples=2000"], 1000, ("fid", "kid")
    ),
    "mnist": Task(
        ["dataset=mnist", "model.width=32", "metric=[fid,kid]", "eval.samples=2000"], 2000, ("fid", "kid"),
        by_images=True,
    ),
}  # fmt: skip


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
    commands = {one: words(*one, *rows[one[1]], options) for one in wanted}
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda one: train(*one, commands[one], options.runs), wanted))
    text = report(options.runs, rows)
    if options.write:
        options.write.write_text(text)
    else:
        print(text)


def all_rows(losses: list[str] | None) -> dict[str, tuple[str, list[str]]]:
    """Each row's name, with its loss and what else it is asked for."""
    names = losses or sorted(path.stem for path in (config_directory() / "loss").glob("[!_]*.yaml"))
    return {row: (name, more) for name in names for row, more in FORMS.get(name, {name: []}).items()}


def directory(runs: Path, task: str, row: str) -> Path:
    return runs / f"{task}_{row.replace(', ', '_')}"


def words(task_name: str, row: str, loss: str, more: list[str], options: argparse.Namespace) -> list[str]:
    """The command of a run."""
    task, place = TASKS[task_name], directory(options.runs, task_name, row)
    found = [f"loss={loss}", *more, *task.words, *QUIET, f"hydra.run.dir={place}"]
    if task_name == "mnist" and options.data_dir:
        found.append(f"dataset.data_dir={options.data_dir}")
    recipe = build_job(compose("train", found).config, [])
    budget = task.steps // recipe.train.critic_steps if task.by_images else task.steps
    rate = recipe.config["optimizer"]["learning_rate"] * task.faster
    return [*found, f"train.steps={TIMES * budget}", f"eval.every={budget // 4}", f"optimizer.learning_rate={rate:g}"]


def train(task_name: str, row: str, command: list[str], runs: Path) -> None:
    """One run, gone on with or left out where it is finished."""
    place = directory(runs, task_name, row)
    if state(place) == "finished":
        return
    done = subprocess.run(
        [sys.executable, "-m", "gan_cli.commands.train", *([f"resume={place}"] if state(place) else command)],
        env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(f"{task_name:8} {row:30} {state(place)}", done.stderr[-500:] if done.returncode else "", flush=True)


def state(place: Path) -> str | None:
    """What a run's status.json says; None where there is no run to go on with."""
    status = place / "status.json"
    found = json.loads(status.read_text())["state"] if status.is_file() else None
    return found if found == "finished" or list(place.glob("checkpoints/step_*.npz")) else None


def report(runs: Path, rows: dict[str, tuple[str, list[str]]]) -> str:
    """The Markdown file: what was done, and a table for each kind of data."""
    header = (Path(__file__).parent / "objectives.md").read_text().format(date=datetime.date.today(), times=TIMES)
    return "\n".join([header, *(line for name in TASKS for line in table(name, runs, rows))])


def table(name: str, runs: Path, rows: dict[str, tuple[str, list[str]]]) -> list[str]:
    """The table of one task; nothing where there are no runs of it."""
    task = TASKS[name]
    found = {row: read(directory(runs, name, row), task) for row in rows}
    shown = {row: cells for row, cells in found.items() if cells}
    if not shown:
        return []
    batch = next((word.partition("=")[2] for word in task.words if word.startswith("train.batch_size")), "64")
    budgets = [f"{times * task.steps:,} steps" for times in (1, TIMES)]
    if task.by_images:
        budgets = [f"{times * task.steps * int(batch):,} images" for times in (1, TIMES)]
    heads = [f"{value} after {budgets[0]}" for value in task.values]
    heads += [f"best {task.values[0]} (step)", f"{task.values[0]} after {budgets[1]}", "last / best", "steps/s"]
    lines = [f"## {name}", "", f"`{' '.join(task.words)}`", "", f"| loss | {' | '.join(heads)} |"]
    lines.append(f"|{'---|' * (len(heads) + 1)}")
    lines += [f"| `{row}` | {' | '.join(cells)} |" for row, cells in shown.items()]
    return [*lines, ""]


def read(place: Path, task: Task) -> list[str]:
    """The cells of one run."""
    if state(place) != "finished":
        return []
    evaluations = [json.loads(line) for line in (place / "evaluations.jsonl").read_text().splitlines()]
    values = {line["step"]: line["values"] for line in evaluations}
    decides = task.values[0]
    end = max(values)
    sign = -1 if values[end][decides]["better"] == "lower" else 1
    best = max(values, key=lambda step: sign * number(values[step][decides]))
    last = number(values[end][decides])
    top = number(values[best][decides])
    metrics = [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]
    batch = metrics[-1]["images"] / metrics[-1]["step"]
    rates = sorted(line["images_per_second"] / batch for line in metrics if line.get("images_per_second"))
    at_budget = [shown(values[end // TIMES][value]) for value in task.values]
    ratio = f"{last / top:.2f}" if top else "-"
    return [*at_budget, f"{top:.3g} ({best:,})", f"{last:.3g}", ratio, f"{rates[len(rates) // 2]:.0f}"]


def number(measured: dict[str, Any]) -> float:
    return float("inf") if measured["value"] is None else float(measured["value"])


def shown(measured: dict[str, Any]) -> str:
    """A value with its uncertainty, where it has one."""
    if measured["value"] is None:
        return "∞"
    error = measured.get("uncertainty")
    return f"{measured['value']:.3g}{f' ± {error:.1g}' if error else ''}"


if __name__ == "__main__":
    main()
