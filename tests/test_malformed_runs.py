"""Malformed files of a run directory give one message, and cost neither the run nor its neighbours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from planted import READERS, RUN_READERS, change_checkpoints, edit, refused

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.train import gan_train
from gan_cli.config.launch_plan import prepare
from gan_cli.errors import ConfigError
from gan_cli.runs.environment import read_starts
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.runs.status import Status, read_status


@pytest.mark.parametrize("form", ["lists", "mappings", "merges"])
def test_yaml_aliases_that_expand_to_too_much_are_refused(foreign_run: Path, form: str) -> None:
    """Ten levels of ten aliases: 10^10 values from some lines."""
    aliases = {
        "lists": lambda level: "[" + ", ".join([f"*x{level}"] * 10) + "]",
        "mappings": lambda level: "{" + ", ".join(f"k{index}: *x{level}" for index in range(10)) + "}",
        "merges": lambda level: "{<<: [" + ", ".join([f"*x{level}"] * 10) + "]}",
    }[form]
    lines = [f"x{level + 1}: &x{level + 1} {aliases(level)}" for level in range(10)]
    bomb = "\n".join(["x0: &x0 {a: 1}", *lines, ""])
    path = foreign_run / "config.yaml"
    original = path.read_text()
    (foreign_run / "loss").mkdir()
    (foreign_run / "loss" / "mine.yaml").write_text(bomb)
    told = refused(lambda: gan_train(["--config-dir=run", "loss=mine", "dry_run=true"]))
    assert "mine.yaml can't be read: its aliases expand to more than 100,000 values" in told
    path.write_text(bomb + original)
    for name, reader in {**READERS, **RUN_READERS}.items():
        if name == "samples":
            continue  # need the checkpoint alone
        assert "its aliases expand to more than 100,000 values" in refused(reader), name
    path.write_text(original)
    (foreign_run / "overrides.yaml").write_text(bomb)
    assert gan_train(["resume=run", "dry_run=true"]) == 0  # what the user typed then is not needed


def test_yaml_that_is_no_configuration_gives_one_message(foreign_run: Path) -> None:
    texts = ("x: &x [*x]\n", "[" * 5000, "x: 2026-13-45\n", "? {a: 1}\n: 2\n", "x: *nowhere\n")
    for text in texts:
        (foreign_run / "config.yaml").write_text(text)
        for reader in (READERS["a dry run"], RUN_READERS["resume"]):
            assert "can't be read" in refused(reader), text


MALFORMED = (
    "1: 2\n",
    "null: 2\n",
    '"a.b": ${seed}\n',
    "1: ${seed}\n",
    "zz: ???\n",
    "dataset: {1: 2}\n",
    "metric: {1: 2}\n",
    "seed: 2001-01-01\n",
    f"seed: {'9' * 5000}\n",
    f"zz: {'[' * 300}{']' * 300}\n",
)


@pytest.mark.parametrize("words", [[], ["train.steps=12"]], ids=["as stored", "changed"])
def test_a_malformed_configuration_is_refused_with_its_key(foreign_run: Path, words: list[str]) -> None:
    path = foreign_run / "config.yaml"
    original = path.read_text()
    for text in MALFORMED:
        path.write_text(original + text)
        with pytest.raises(ConfigError):
            prepare("train", ["resume=run", *words], None)
    path.write_text(original.replace("radius: 1.0", "radius: ???"))
    with pytest.raises(ConfigError, match=r"dataset.radius: is needed"):
        prepare("train", ["resume=run", *words], None)


def test_a_malformed_run_does_not_keep_its_neighbour_from_being_resumed(foreign_run: Path) -> None:
    shutil.copytree(foreign_run, "zz")
    edit(Path("run/status.json"), state="interrupted")
    words = yaml.safe_load(Path("run/overrides.yaml").read_text())
    words = [word for word in words if not word.startswith("hydra.")]
    for text in ("x: 2001-99-99\n", "zz: &a {b: *a}\n", "1: ${seed}\n"):
        Path("zz/config.yaml").write_text(text)
        Path("zz/status.json").write_text('{"state": "interrupted", "step": 1e999}')
        _, plan = prepare("train", [*words, "hydra.run.dir=new", "resume=auto"], None)
        assert (plan.resumes, plan.directory.name) == (True, "run")


@pytest.mark.parametrize(
    "text", ['{"state": "finished", "step": 1e999}', '{"state": ["x"], "step": 1}', "[1]", "[" * 5000]
)
def test_a_malformed_status_is_none(foreign_run: Path, text: str) -> None:
    (foreign_run / "status.json").write_text(text)
    assert read_status(foreign_run) == Status("interrupted", 0)


def test_numbers_in_logs_that_are_not_finite_are_read_as_missing(foreign_run: Path) -> None:
    run = RunDirectory(foreign_run)
    lines = ['{"step": 4, "a": NaN, "b": 1e999, "c": -Infinity, "d": 5}', f'{{"step": 5, "a": {"9" * 5000}}}']
    run.metrics.path.write_text("\n".join([*lines, '{"step": 1e999}', ""]))
    kept = [{"step": 4, "a": None, "b": None, "c": None, "d": 5}, {"step": 5, "a": None}]
    assert run.metrics.trim(9) == kept
    assert run.metrics.read() == kept


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"dataset": ...}, "dataset"),
        ({"model": ...}, "model"),
        ({"loss": ...}, "loss"),
        ({"train": ...}, "train"),
        ({"dataset": "ring"}, "dataset"),
        ({"eval": None}, "eval"),
        ({"eval": {"held_out": "abc"}}, "eval.held_out"),
        ({"eval": {"held_out": 1.5}}, "eval.held_out"),
    ],
    ids=str,
)
def test_a_configuration_that_is_not_whole_is_refused_by_every_kind_of_evaluation(
    foreign_run: Path, changes: dict[str, Any], key: str
) -> None:
    path = foreign_run / "config.yaml"
    config = {**yaml.safe_load(path.read_text()), **changes}
    path.write_text(yaml.safe_dump({name: value for name, value in config.items() if value is not ...}))
    kinds = {
        "run": lambda: gan_eval(["run=run", "metric=[modes]", "samples=50", "real_samples=50"]),
        "human": lambda: gan_eval(["human", "run=run", "n=2"]),
        "tournament": lambda: gan_eval(["tournament", "runs=run", "samples=50"]),
    }
    for name, read in kinds.items():
        if name == "tournament" or key not in ("loss", "train"):  # the others do not need them
            assert refused(read).startswith((key, "run: ")), name


def test_malformed_intervals_in_a_checkpoint_leave_the_run_as_it_was(foreign_run: Path) -> None:
    for intervals in ({"log_every": 0, "sample_every": 1, "checkpoint_every": 1, "keep_checkpoints": 1}, None):
        change_checkpoints(foreign_run, run=intervals)
        before = (foreign_run / "metrics.jsonl").read_bytes()
        assert refused(lambda: gan_train(["resume=run", "train.steps=12"])).startswith("run")
        assert (foreign_run / "metrics.jsonl").read_bytes() == before


def test_entries_of_the_wrong_type_in_json_files_are_skipped(foreign_run: Path) -> None:
    log = RunDirectory(foreign_run).evaluations
    whole = log.read()
    line = json.loads(log.path.read_text().splitlines()[0])
    protocol = line["protocol"]
    changes: list[dict[str, Any]] = [
        {"metrics": {"modes": 1}},
        {"metrics": {"modes": {"needs": 3}}},
        {"fake": {**protocol["fake"], "weights": ["ema"]}},
    ]
    with log.path.open("a") as file:
        for change in changes:
            file.write(json.dumps({**line, "protocol": {**protocol, **change}}) + "\n")
    assert log.read() == whole
    (foreign_run / "environment.json").write_text("[1]")
    assert read_starts(foreign_run / "environment.json") == []
