"""A call of gan-eval, from a checked job to what is printed and written."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.console import Console
from gan_cli.evaluation.compute_metrics import Evaluation
from gan_cli.evaluation.evaluation_config import EvaluationJob
from gan_cli.evaluation.evaluation_job import check_evaluation, evaluate
from gan_cli.evaluation.evaluation_sides import FakeSide, find_fake
from gan_cli.evaluation.real_data import OpenedSources
from gan_cli.evaluation.result_table import format_protocol, table
from gan_cli.evaluation.run_comparison import Entry, ranking, ranking_obstacles, recorded_entry, runs_table, short_names
from gan_cli.output_streams import print_result
from gan_cli.runs.atomic_files import check_folder
from gan_cli.runs.run_directory import RunDirectory, find_run

UNRANKED = 1


def run_evaluation(job: EvaluationJob) -> int:
    """Measures, prints and records; gives the exit code: 0, or 1 for runs that can't be ranked.

    Raises:
        ConfigError: for what the user can mend; nothing has been written then.
    """
    if job.settings.recorded:
        runs, name = job.settings.runs, job.best_by[0] if job.best_by else None
        names = short_names([str(run) for run in runs])
        return print_comparison(job, [recorded_entry(run, names[run], job.settings.step, name) for run in names])
    if job.settings.runs is not None:
        return evaluate_runs(job)
    fake = find_fake(job)
    check_evaluation(job, fake)
    with closing(Console(stderr=True)) as console:
        set_up(job)
        done = evaluate_and_record(job, fake, job.settings.run, console, OpenedSources())
    print_evaluation(job, done)
    return 0


def evaluate_runs(job: EvaluationJob) -> int:
    """Evaluates every run by one protocol and prints their table."""
    fakes = {str(run): find_fake(job, str(run)) for run in job.settings.runs}
    for fake in fakes.values():
        check_evaluation(job, fake)
    names = short_names(list(fakes))
    entries = []
    with closing(Console(stderr=True)) as console:
        set_up(job)
        opened = OpenedSources()
        for run, fake in fakes.items():
            console.line(f"Evaluating {run}")
            done = evaluate_and_record(job, fake, run, console, opened)
            entries.append(Entry(names[run], done.step, done.evaluation.values, done.evaluation.protocol))
    return print_comparison(job, entries)


def set_up(job: EvaluationJob) -> None:
    from gan_cli.devices import load_for_inference  # here, since it loads TensorFlow

    if job.settings.output is not None:
        check_folder("output", Path(job.settings.output))
    load_for_inference()


@dataclass(frozen=True)
class Done:
    """An evaluation that was made and written down."""

    evaluation: Evaluation
    step: int | None
    run: str | None
    pictures: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        more = {"pictures": self.pictures} if self.pictures else {}
        return {"run": self.run, "step": self.step, **self.evaluation.as_dict(), **more}


def evaluate_and_record(
    job: EvaluationJob, fake: FakeSide, run: str | None, console: Console, opened: OpenedSources
) -> Done:
    evaluation, step = evaluate(job, fake, console, opened)
    directory = find_run("run", Path(run)) if run is not None else None
    pictures = write_pictures(evaluation, directory, job.settings.output, step, console)
    if directory is not None:
        try:
            directory.evaluations.append("gan-eval", step or 0, evaluation.as_dict())
        except OSError as error:  # somebody else's run: the numbers are printed all the same
            console.warn(f"{directory.evaluations.path} can't be written ({error.strerror})")
    return Done(evaluation, step, run, pictures)


def write_pictures(
    evaluation: Evaluation,
    directory: RunDirectory | None,
    output: str | None,
    step: int | None,
    console: Console,
) -> dict[str, str]:
    """Writes what metrics drew; gives the paths by name."""
    folder = Path(output) if output else directory.evaluation_pictures if directory else Path("evaluations")
    try:
        return evaluation.write_pictures(folder, step)
    except OSError as error:  # the numbers are printed all the same
        console.warn(f"pictures can't be written into {folder} ({error.strerror}); output=FOLDER names another place")
        return {}


def print_evaluation(job: EvaluationJob, done: Done) -> None:
    if job.settings.json:
        print_result(json.dumps(done.as_dict(), allow_nan=False))
        return
    lines = [*format_protocol(done.evaluation.protocol), "", *table(done.evaluation)]
    lines += [f"Picture: {path}" for path in done.pictures.values()]
    print_result("\n".join(lines))


def print_comparison(job: EvaluationJob, entries: list[Entry]) -> int:
    """The table of runs, ranked where that is right; gives the exit code."""
    name, better = job.best_by or (None, "")
    problems = ranking_obstacles(entries, name) if name else ["none of the metrics says which of two runs is better"]
    if name and not problems:
        entries = ranking(entries, name, better)
    if job.settings.json:
        rows = [{"run": e.run, "step": e.step, "values": e.values, "protocol": e.protocol} for e in entries]
        print_result(json.dumps({"ranked_by": None if problems else name, "obstacles": problems, "runs": rows}))
    else:
        print_result("\n".join(runs_table(entries, ranked=not problems)))
        if problems:
            print_result("\n".join(["Not ranked, because these numbers can't be compared:", *problems]))
        else:
            print_result(f"Ranked by {name}; {better} is better.")
    return UNRANKED if problems else 0
