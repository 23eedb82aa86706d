"""Sweeps: each job in its own process and directory, a table at the end, and the same command goes on with it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from conftest import PERCEPTRON, TINY
from processes import command, training
from runs import assert_same_run, metric_lines, status

from gan_cli.commands.train import gan_train
from gan_cli.sweeps.sweep_jobs import SweepJob, run_process

SMALL = [*TINY, *PERCEPTRON, "train.steps=9"]


def jobs_of(sweep: str) -> dict[str, Path]:
    return {path.name: path for path in Path(sweep).iterdir() if path.is_dir()}


def test_a_sweep_reports_each_job_and_resumes_where_it_stopped() -> None:
    words = [word for word in SMALL if word not in ("model=mlp", "model.depth=1")]
    words = ["-m", *words, "dataset=ring", "loss=hinge", "hydra.sweep.dir=sweep"]
    done = command("gan-train", *words, "optimizer.learning_rate=0.01", "model=mlp,dcgan")
    assert done.returncode == 1, done.stderr
    assert "Warning: this job will fail" in done.stdout
    assert len(jobs_of("sweep")) == 2
    for name, job in jobs_of("sweep").items():  # a job whose parts do not fit fails alone and says so there
        assert status(job)["state"] == ("failed" if "dcgan" in name else "finished")
        assert "dcgan" not in name or "model=mlp" in (job / "train.log").read_text()

    (first,) = (path for name, path in jobs_of("sweep").items() if "dcgan" not in name)
    alone = [*words[1:-1], "model=mlp", "optimizer.learning_rate=0.01", "hydra.run.dir=alone"]
    assert gan_train(alone) == 0
    assert_same_run(first, Path("alone"))  # a job is the run that it would be alone

    (first / "status.json").write_text(json.dumps({"state": "interrupted", "step": 5, "error": None}))
    (first / "checkpoints" / "step_00000009.npz").unlink()
    done = command("gan-train", *words, "optimizer.learning_rate=0.01,1e30", "model=mlp")
    assert done.returncode == 1, done.stderr
    jobs = {name: path for name, path in jobs_of("sweep").items() if "dcgan" not in name}
    assert len(jobs) == 2
    for name, job in jobs.items():
        assert status(job)["state"] == ("failed" if "1e+30" in name else "finished")
        assert ("NaN or infinite" in (job / "train.log").read_text()) == ("1e+30" in name)
    table = done.stdout[done.stdout.rindex("Sweep") :]
    assert (table.count("finished"), table.count("failed")) == (1, 1)
    assert "optimizer.learning_rate=0.01" in table
    assert "model.width=16 " not in table  # what all jobs share does not tell them apart
    assert [line["step"] for line in metric_lines(first)] == [4, 8, 9]
    assert_same_run(first, Path("alone"))

    untouched = (first / "metrics.jsonl").stat().st_mtime_ns
    again = command("gan-train", *words, "optimizer.learning_rate=0.01", "model=mlp")
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("finished already") == 1
    assert (first / "metrics.jsonl").stat().st_mtime_ns == untouched


def test_a_job_that_fails_leaves_the_files_of_its_directory_as_they_were() -> None:
    Path("taken").mkdir()
    for name in ("train.log", "status.json", "notes.txt"):
        Path("taken", name).write_text("mine")
    for directory in ("taken", "new"):
        job = SweepJob(["no_such_key=1"], Path(directory), 0, 1)
        assert run_process(job, [*job.overrides, f"hydra.run.dir={directory}"]) == 2
    assert {path.name: path.read_text() for path in Path("taken").iterdir()} == dict.fromkeys(
        ("train.log", "status.json", "notes.txt"), "mine"
    )
    assert status(Path("new"))["state"] == "failed"


def test_stopping_a_sweep_stops_its_job_which_saves() -> None:
    words = [word for word in SMALL if not word.startswith("train.steps")]
    sweep = ("-m", *words, "train.steps=1000000", "seed=0,1", "hydra.sweep.dir=sweep")
    with training(*sweep, first_line="  step ") as process:
        process.send_signal(signal.SIGTERM)
        said = process.output.read()
        assert process.wait() == 143, said
    (job,) = [path for path in Path("sweep").iterdir() if path.is_dir()]
    assert status(job)["state"] == "interrupted"
    assert "The sweep was stopped" in said
