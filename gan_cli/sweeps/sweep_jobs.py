"""Checks the jobs of a sweep, runs each in a new process and prints a table of the results."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from gan_cli.config.compatibility import check_job
from gan_cli.config.compose import compose, composer, parse, quoted
from gan_cli.config.job_builder import build_job
from gan_cli.config.override_errors import check_hydra_groups
from gan_cli.config.primary_config import read_overrides
from gan_cli.errors import ConfigError
from gan_cli.evaluation.recorded_evaluations import best_recorded
from gan_cli.output_streams import printable
from gan_cli.runs.atomic_files import write_json, write_text
from gan_cli.runs.run_directory import RunDirectory, check_can_be_made, is_free
from gan_cli.runs.signals import stop_on_signals
from gan_cli.runs.status import Status, read_status

MAX_LOG_LINES = 200  # of a job that fails before its own log begins


@dataclass(frozen=True)
class SweepJob:
    """One job: its overrides, its run directory and its index in the sweep."""

    overrides: list[str]
    directory: Path
    index: int
    total: int


@dataclass(frozen=True)
class SweepResult:
    """The result of a job. `code` is its exit code, 0 also for a run that was finished before."""

    job: SweepJob
    code: int


RESULTS: list[SweepResult] = []
"""The results of this process's sweep. Hydra passes results to the sweeper, which does not return them."""


def check_sweep(config_name: str, words: list[str], config_dir: str | None) -> None:
    """Checks every job before the first one begins.

    A job whose parts can't work together gives a warning here and fails later. If no job can work, this is an error.
    Another sweeper chooses its jobs while it runs; those are checked one by one when they start.

    Raises:
        ConfigError: for what is mistyped in any job, or where no job can work.
    """
    for key in ("resume", "dry_run"):
        if any(word.lstrip("+").startswith(f"{key}=") for word in words):
            advice = "The same command resumes a sweep." if key == "resume" else "Try one job without -m."
            raise ConfigError(key, "does not go with -m", advice=advice)
    check_sweep_directory(words)
    jobs = expand(words, config_dir)
    failures = [failure for failure in (check_one(config_name, job, config_dir) for job in jobs) if failure]
    if failures and len(failures) == len(jobs):
        raise failures[0]
    for failure in failures:
        print(printable(f"Warning: this job will fail: {failure}"), flush=True)


def check_sweep_directory(words: list[str]) -> None:
    """Raises ConfigError where a typed directory of the sweep can't be made: Hydra makes it before any job starts."""
    for override in read_overrides(words):
        if override.key_or_group == "hydra.sweep.dir" and "$" not in str(override.value()):
            check_can_be_made("hydra.sweep.dir", Path(str(override.value())))


def check_one(config_name: str, overrides: list[str], config_dir: str | None) -> ConfigError | None:
    """The error of a job whose parts can't work together, None for a valid job. Raises ConfigError for a wrong key."""
    try:
        composition = compose(config_name, overrides, config_dir)
        job = build_job(composition.config, composition.origin)
    except ConfigError as error:
        advice = f"{error.advice} No job was started.".strip()
        raise ConfigError(error.key, error.problem, error.value, advice) from None
    try:
        check_job(job, composition.choices.data)
    except ConfigError as error:
        return ConfigError(" ".join(overrides), str(error).rstrip("."))
    return None


def expand(words: list[str], config_dir: str | None) -> list[list[str]]:
    """The overrides of each job."""
    with composer(config_dir):
        overrides = parse(words)
        check_hydra_groups(overrides)
    if any(override.key_or_group == "hydra/sweeper" for override in overrides):
        return []
    for override in overrides:
        if override.is_sweep_override() and not list(override.sweep_iterator()):
            advice = "Give at least one: seed=range(0,3) is 0, 1 and 2."
            raise ConfigError(override.key_or_group, "has no value to sweep over", override.get_value_string(), advice)
    (jobs,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return jobs


def run_job(job: SweepJob) -> SweepResult:
    """Runs one job in a new process. A finished job is skipped, an interrupted one is resumed."""
    print(f"\n[{job.index + 1}/{job.total}] {printable(' '.join(job.overrides))}", flush=True)
    status = read_status(job.directory)
    has_run = RunDirectory(job.directory).config.exists()
    if has_run and status.state == "finished":
        print(f"  finished already: {printable(job.directory)}", flush=True)
        code = 0
    else:
        code = run_process(job, [*job.overrides, f"hydra.run.dir={quoted(job.directory)}", "resume=auto"])
    RESULTS.append(SweepResult(job, code))
    return RESULTS[-1]


def run_process(job: SweepJob, words: list[str]) -> int:
    """Trains in a new process, prints its output and returns its exit code.

    A job that fails before it has a run directory gets one too, with its output and its state, unless the directory
    holds somebody's own files.
    """
    was_free = not job.directory.exists() or (job.directory.is_dir() and is_free(job.directory))
    command = [sys.executable, "-P", "-m", "gan_cli.commands.train", *shared_flags(), *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    output: deque[str] = deque(maxlen=MAX_LOG_LINES)
    with (
        stop_on_signals() as stop,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,  # only this process gets Ctrl-C, and forwards it once
        ) as process,
    ):
        stop.forward_to(process.send_signal)
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line}", end="", flush=True)
            output.append(line)
    if process.returncode and was_free and not RunDirectory(job.directory).config.exists():
        record_early_failure(job.directory, "".join(output))
    if stop.requested:
        print("The sweep was stopped. The same command resumes it.", flush=True)
        raise SystemExit(stop.exit_code)
    return process.returncode


def record_early_failure(directory: Path, output: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    lines = [line for line in output.splitlines() if line.strip()]
    write_text(directory / "train.log", output)
    write_json(directory / "status.json", Status("failed", 0, lines[-1] if lines else None).as_dict())


def shared_flags() -> list[str]:
    """The flags of this process that each job needs too: --config-dir and --config-name."""
    flags, arguments = [], sys.argv[1:]
    for index, word in enumerate(arguments):
        if word in ("--config-dir", "-cd", "--config-name", "-cn"):
            flags += arguments[index : index + 2]
        elif word.startswith(("--config-dir=", "--config-name=")):
            flags.append(word)
    return flags


def report_sweep() -> int:
    """Prints a table of the jobs with the settings that differ. Returns the exit code: 1 if any job failed."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not RESULTS:  # another launcher ran the jobs and reports them itself
        return 0

    table = Table(title="Sweep")
    measured = any(best_recorded(RunDirectory(result.job.directory)) for result in RESULTS)
    best = ["best"] if measured else []
    for heading in ("job", "state", "step", "generator loss", "discriminator loss", *best, "run directory"):
        table.add_column(heading, overflow="fold")
    common = set.intersection(*(set(result.job.overrides) for result in RESULTS)) if len(RESULTS) > 1 else set()
    for result in RESULTS:
        status = read_status(result.job.directory)
        last = (RunDirectory(result.job.directory).metrics.read() or [{}])[-1]
        losses = [last.get(f"{name}_loss") for name in ("generator", "discriminator")]
        cells = ["-" if loss is None else f"{loss:.3g}" for loss in losses]
        cells += [describe_best(RunDirectory(result.job.directory))] if measured else []
        words = " ".join(word for word in result.job.overrides if word not in common)
        cells = [words, status.state, str(status.step), *cells, str(result.job.directory)]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    width = None if sys.stdout.isatty() else 200
    Console(width=width).print(table)
    return 1 if any(result.code for result in RESULTS) else 0


def describe_best(run: RunDirectory) -> str:
    """The best value of the metric that was computed while a job trained."""
    found = best_recorded(run)
    return "-" if found is None else f"{found[0]} {found[1]:.4g} at step {found[2]}"
