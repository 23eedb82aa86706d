"""Sweeps: each job in its own process and directory, a table at the end, and the same command goes on with it."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from conftest import PERCEPTRON, TINY
from processes import fork_jobs
from runs import assert_same_run, metric_lines, status

from gan_cli.commands.train import gan_train
from gan_cli.sweeps.sweep_jobs import SweepJob, run_process

SMALL = [*TINY, *PERCEPTRON, "dataset=ring", "train.steps=9"]


class Output(io.StringIO):
    """Standard output, which sends this process a signal when a line begins so."""

    def __init__(self, line: str, number: int) -> None:
        super().__init__()
        self.line, self.number = line, number

    def write(self, text: str) -> int:
        if self.line and text.startswith(self.line):
            self.line = ""
            os.kill(os.getpid(), self.number)
        return super().write(text)


def jobs_of(sweep: str) -> dict[str, Path]:
    return {path.name: path for path in Path(sweep).iterdir() if path.is_dir()}


def test_a_sweep_reports_each_job_and_resumes_where_it_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def sweep(*settings: str) -> tuple[int, str]:
        fork_jobs(monkeypatch)
        code = gan_train(["-m", *words, "hydra.sweep.dir=sweep", *settings])
        return code, capsys.readouterr().out

    words = [word for word in SMALL if word not in ("model=mlp", "model.depth=1", "loss=non_saturating")] + [
        "loss=hinge"
    ]
    code, said = sweep("optimizer.learning_rate=0.01", "model=mlp,dcgan")
    assert code == 1, said
    assert "Warning: this job will fail" in said
    assert len(jobs_of("sweep")) == 2
    for name, job in jobs_of("sweep").items():  # a job whose parts do not fit fails alone and says so there
        assert status(job)["state"] == ("failed" if "dcgan" in name else "finished")
        assert "dcgan" not in name or "model=mlp" in (job / "train.log").read_text()

    (first,) = (path for name, path in jobs_of("sweep").items() if "dcgan" not in name)
    alone = [*words, "model=mlp", "optimizer.learning_rate=0.01", "hydra.run.dir=alone"]
    assert gan_train(alone) == 0
    assert_same_run(first, Path("alone"))  # a job is the run that it would be alone

    (first / "status.json").write_text(json.dumps({"state": "interrupted", "step": 5, "error": None}))
    (first / "checkpoints" / "step_00000009.npz").unlink()
    capsys.readouterr()
    code, said = sweep("optimizer.learning_rate=0.01,1e30", "model=mlp")
    assert code == 1, said
    jobs = {name: path for name, path in jobs_of("sweep").items() if "dcgan" not in name}
    assert len(jobs) == 2
    for name, job in jobs.items():
        assert status(job)["state"] == ("failed" if "1e+30" in name else "finished")
        assert ("NaN or infinite" in (job / "train.log").read_text()) == ("1e+30" in name)
    table = said[said.rindex("Sweep") :]
    assert (table.count("finished"), table.count("failed")) == (1, 1)
    assert "optimizer.learning_rate=0.01" in table
    assert "model.width=16 " not in table  # what all jobs share does not tell them apart
    assert [line["step"] for line in metric_lines(first)] == [4, 8, 9]
    assert_same_run(first, Path("alone"))

    untouched = (first / "metrics.jsonl").stat().st_mtime_ns
    code, said = sweep("optimizer.learning_rate=0.01", "model=mlp")
    assert code == 0, said
    assert said.count("finished already") == 1
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


def test_stopping_a_sweep_stops_its_job_which_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    fork_jobs(monkeypatch)
    words = [word for word in SMALL if not word.startswith(("train.steps", "run."))]
    output = Output("  step ", signal.SIGTERM)
    monkeypatch.setattr(sys, "stdout", output)
    with pytest.raises(SystemExit) as stop:
        gan_train(["-m", *words, "train.steps=10000", "seed=0,1", "hydra.sweep.dir=sweep"])
    assert stop.value.code == 143, output.getvalue()
    (job,) = [path for path in Path("sweep").iterdir() if path.is_dir()]
    assert status(job)["state"] == "interrupted"
    assert "The sweep was stopped" in output.getvalue()
