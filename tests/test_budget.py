"""`train.budget`: what it may be, the steps that it gives, and the run that follows from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import PERCEPTRON, TINY
from runs import metric_lines, newest_arrays, pictures, status

from gan_cli.commands.train import gan_train
from gan_cli.config.budget import Budget, parse_budget, steps_for_images
from gan_cli.config.compose import compose
from gan_cli.config.data_rules import ema_half_life
from gan_cli.config.job_builder import build_job
from gan_cli.config.launch_plan import choose_for_length, prepare
from gan_cli.config.resume_plan import WantedRun, plan_automatic_resume, plan_resume
from gan_cli.config.rule import Facts
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.training.length_plan import affordable_steps, run_seconds
from gan_cli.training.loop_schedule import LoopSchedule
from gan_cli.training.time_estimate import Durations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", Budget(seconds=90)),
        ("10m", Budget(seconds=600)),
        ("1h", Budget(seconds=3600)),
        ("1h30m", Budget(seconds=5400)),
        ("1h0m5s", Budget(seconds=3605)),
        ("1.5h", Budget(seconds=5400)),
        ("50000_images", Budget(images=50_000)),
        ("500k_images", Budget(images=500_000)),
        ("2m_images", Budget(images=2_000_000)),
        ("1.5M_images", Budget(images=1_500_000)),
        (None, None),
    ],
)
def test_a_budget_is_a_duration_or_a_number_of_images(text: Any, expected: Budget | None) -> None:
    assert parse_budget(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "0s", "10", "10min", "m10", "-5m", "1h 30m", "5k", "0_images", "500kimages", "9" * 400 + "s", 90, [1], True],
)
def test_anything_else_is_refused_with_what_is_valid(text: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"budget=.*expected a duration such as 90s, 10m, 1h or 1h30m, or images such"
    ):
        parse_budget(text)


def test_images_are_whole_batches() -> None:
    assert [steps_for_images(images, 64) for images in (1, 64, 65, 6400)] == [1, 1, 2, 100]


def test_the_steps_that_fit_into_a_duration_by_hand() -> None:
    # Sample grids before the first step, at each tenth and the last; evaluations at 20, 40, ... and the last.
    schedule = LoopSchedule(steps=1, log_every=5, sample_every=10, checkpoint_every=1000, evaluate_every=20)
    durations = Durations(step=1.0, evaluation=10.0, sample_grid=2.0, checkpoint=3.0)
    assert run_seconds(schedule, 25, durations) == 2 + 25 + 3 * 2 + 2 * 10 + 3
    assert affordable_steps(schedule, 56.0, durations) == 25
    assert affordable_steps(schedule, 55.9, durations) == 24
    assert affordable_steps(schedule, -5.0, durations) == 1
    assert affordable_steps(LoopSchedule(1, 1, 10**6, 10**6), 100.0, Durations(step=0.01)) == 10_000


def test_images_set_the_steps_and_all_that_follows_them_where_the_configuration_is_composed() -> None:
    composition = compose("train", ["train.budget=1k_images", "train.batch_size=10", "optimizer.schedule=linear"])
    assert composition.config["train"]["steps"] == composition.config["optimizer"]["decay_steps"] == 100
    assert composition.unresolved.train.steps == 100
    _, plan = prepare("train", ["train.budget=1k_images"], None)
    assert plan.budget_seconds is None


def test_a_duration_is_planned_when_training_starts() -> None:
    words = ["optimizer.schedule=linear", "optimizer.warmup_steps=5000", "penalty=r1"]  # more than the default's steps
    words += ["penalty.r1.weight={start: 1, end: 0, delay: 9000}"]
    _, plan = prepare("train", ["train.budget=1h30m", *words], None)
    assert plan.budget_seconds == 5400
    planned, _ = choose_for_length(plan, 20_000, DataSpec((8, 8, 1), 1000))
    assert planned.train.steps == planned.optimizer.decay_steps == planned.penalties["r1"].weight.steps == 20_000
    assert planned.config["optimizer"]["decay_steps"] == 20_000
    for steps, key in ((4000, "optimizer.decay_steps"), (8000, "penalty.r1.weight.delay")):
        with pytest.raises(ConfigError, match=re.escape(key)):
            choose_for_length(plan, steps, DataSpec((8, 8, 1), 1000))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["train.budget=60s", "train.steps=100"],
            "train.budget=60s: sets the length of the run, and so does train.steps",
        ),
        (["train.budget=1k_images", "train.steps=100"], "train.budget=1k_images: sets the length"),
        (["train={budget: 60s, steps: 5}"], "train.budget=60s: sets the length"),
        (["train.budget=10minutes"], "train.budget=10minutes: expected a duration such as 90s"),
        (["train.budget=90"], "train.budget=90: expected a duration"),
    ],
)
def test_a_budget_that_contradicts_or_cannot_be_read_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare("train", words, None)
    assert str(caught.value).startswith(message)


def write_experiment(budget: str) -> None:
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/short.yaml").write_text(f"# @package _global_\ntrain:\n  budget: {budget}\n")


def test_typed_steps_replace_the_budget_of_an_experiment_and_a_typed_budget_its_steps() -> None:
    write_experiment("5m")
    job, plan = prepare("train", ["experiment=short", "train.steps=70"], "mine")
    assert (job.train.steps, job.train.budget, plan.budget_seconds) == (70, None, None)
    assert prepare("train", ["experiment=short"], "mine")[1].budget_seconds == 300
    job, plan = prepare("train", ["experiment=ring", "train.budget=512_images"], None)
    assert job.train.steps == steps_for_images(512, job.train.batch_size)


PLAIN = ["loss=non_saturating"]
"""A loss whose optimizer has no values that follow the length of the run."""


def planned_run(name: str = "planned", budget: str = "60s", steps: int = 70) -> RunDirectory:
    """A run directory as planning leaves it."""
    words = [*PLAIN, f"train.budget={budget}"]
    composition = compose("train", words)
    run = RunDirectory(Path(name))
    run.path.mkdir()
    config = {**composition.config, "train": {**composition.config["train"], "steps": steps, "top_k_steps": steps}}
    config["optimizer"] = {**config["optimizer"], "decay_steps": steps}
    run.write_config(config, words, composition.links)
    return run


def test_a_resumed_run_keeps_its_plan() -> None:
    run = planned_run()
    job, plan = prepare("train", ["resume=planned"], None)
    assert (job.train.steps, job.optimizer.decay_steps, plan.budget_seconds) == (70, 70, None)
    with pytest.raises(ConfigError, match=r"train.budget=2m: a run that is resumed keeps the length.*train.steps=N"):
        plan_resume(run.path, ["train.budget=2m"], None)
    changed = plan_resume(run.path, ["train.steps=90"], None)
    assert (changed.config["train"]["steps"], changed.config["train"]["budget"]) == (90, None)
    assert changed.config["optimizer"]["decay_steps"] == 90
    assert {str(change) for change in changed.changes} >= {"train.steps: 70 -> 90", "train.budget: 60s -> null"}
    with pytest.raises(ConfigError, match=r"so does train\.steps"):
        plan_resume(run.path, ["train.budget=60s", "train.steps=90"], None)


def resumed_by(words: list[str], directory: Path) -> Path | None:
    """The run that `resume=auto` continues with these words."""
    plan = plan_automatic_resume(WantedRun(compose("train", words).choices, words), directory)
    return None if plan is None else plan.run.path


def test_a_run_with_the_same_budget_is_found_by_resume_auto() -> None:
    run = planned_run()
    assert resumed_by([*PLAIN, "train.budget=60s"], run.path) == run.path
    assert resumed_by([*PLAIN, "train.budget=61s"], run.path) is None
    job, plan = prepare("train", [*PLAIN, "train.budget=60s", "resume=auto", "hydra.run.dir=planned"], None)
    assert (plan.resumes, job.train.steps, plan.budget_seconds) == (True, 70, None)


def test_a_stored_configuration_repeats_the_planned_run_and_takes_a_typed_budget() -> None:
    run = planned_run()
    job, plan = prepare("config", [], str(run.path))
    assert (job.train.steps, plan.budget_seconds) == (70, None)
    assert prepare("config", ["train.budget=30s"], str(run.path))[1].budget_seconds == 30


RULED = ["loss=rpgan", "dataset=ring", "model=mlp"]
OF_LENGTH = [
    "train.ema_half_life",
    "optimizer.learning_rate",
    "optimizer.schedule",
    "optimizer.warmup_steps",
    "augment",
]


def test_rules_see_the_steps_of_a_number_of_images() -> None:
    choices = compose("train", [*RULED, "train.budget=1280k_images"]).choices
    assert choices.is_final
    assert choices.config["optimizer"]["learning_rate"] == 6.3e-4
    typed = compose("train", [*RULED, "train.steps=20000"]).config
    assert choices.config == typed | {"train": typed["train"] | {"budget": "1280k_images"}}


def test_rules_choose_again_when_the_length_of_a_duration_is_known() -> None:
    choices = compose("train", [*RULED, "train.budget=60s"]).choices
    assert list(choices.pending) == OF_LENGTH
    assert [one.key for one in choices.chosen] == ["penalty.r1.weight", "penalty.r2.weight"]
    _, plan = prepare("train", [*RULED, "train.budget=60s"], None)
    job, plan = choose_for_length(plan, 200, DataSpec((2,), 10_000))
    typed = build_job(compose("train", [*RULED, "train.steps=200"]).config)
    assert job.config == typed.config | {"train": typed.config["train"] | {"budget": "60s"}}
    assert {one.key for one in plan.choices.chosen} >= set(OF_LENGTH)
    assert plan.choices.is_final


@pytest.mark.parametrize(
    "words",
    [
        ["train.ema_half_life={start: 0, end: 5000, shape: cosine}", "penalty.r1.weight={start: 1, end: 0.1}"],
        ["train.ema_half_life=70", "penalty.r1.weight=3"],
        ["train.ema_half_life=auto", "penalty.r1.weight=auto"],
    ],
    ids=["schedules", "numbers", "auto"],
)
def test_what_is_typed_for_a_rule_holds_in_a_planned_run(words: list[str]) -> None:
    _, plan = prepare("train", [*RULED, "train.budget=60s", *words], None)
    job, _ = choose_for_length(plan, 300, DataSpec((2,), 10_000))
    typed = build_job(compose("train", [*RULED, "train.steps=300", *words]).config)
    assert (job.train.ema_half_life, job.penalties) == (typed.train.ema_half_life, typed.penalties)


def test_resume_auto_finds_the_planned_run_with_the_values_that_were_chosen_for_its_length() -> None:
    words = [*RULED, "train.budget=60s", "hydra.run.dir=planned"]
    _, plan = prepare("train", words, None)
    job, plan = choose_for_length(plan, 200, DataSpec((2,), 10_000))
    run = RunDirectory(Path("planned"))
    run.path.mkdir()
    run.prepare(job.config, plan.overrides, plan.links)
    for resumed in ([*words, "resume=auto"], ["resume=planned"]):
        again, plan = prepare("train", resumed, None)
        assert plan.resumes and plan.choices.is_final
        assert again.config == job.config
    with pytest.raises(ConfigError, match="holds a run already"):
        prepare("train", [*words, "train.budget=61s", "resume=auto"], None)


def test_what_waits_for_the_length_is_shown_as_auto(capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_train([*RULED, "train.budget=60s", "--cfg", "job", "--resolve"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# train.steps follows from train.budget and the speed that is measured when training")
    shown = yaml.safe_load(text)
    assert shown["train"]["steps"] == shown["optimizer"]["decay_steps"] == shown["optimizer"]["learning_rate"] == "auto"
    assert shown["penalty"]["r1"]["weight"] == 1.0
    assert gan_train([*RULED, "train.budget=60s", "--cfg", "job"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["train"]["steps"] == "auto"
    assert gan_train([*TINY_RUN, "train.budget=60s", "dry_run=true"]) == 0
    text = capsys.readouterr().out
    assert "Chosen when the length of the run is known: train.ema_half_life" in text
    assert "2,147,483,647" not in text


TINY_RUN = [*TINY, *PERCEPTRON, "dataset=ring", "run.log_every=50"]


def test_a_planned_run_is_the_run_with_that_number_of_steps(capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in TINY_RUN if word != "optimizer=sgd"]
    words += ["metric=[modes]", "eval.every=1000", "eval.samples=100", "run.sample_every=1000"]
    words += ["run.checkpoint_every=1000", "optimizer=adam_r3gan", "penalty=[r1]"]  # whose values rules choose
    assert gan_train([*words, "train.budget=3s", "hydra.run.dir=planned"]) == 0
    shown = capsys.readouterr().out
    config = yaml.safe_load(Path("planned/config.yaml").read_text())
    steps = config["train"]["steps"]
    assert config["train"]["budget"] == "3s"
    assert config["optimizer"]["decay_steps"] == config["train"]["top_k_steps"] == "${train.steps}"
    assert status(Path("planned"))["step"] == steps
    assert f"  budget         3s: {steps:,} steps of " in shown
    assert f"step {steps}/{steps} (100%)" in shown
    assert "1 evaluation to come" in shown
    rate = config["optimizer"]["learning_rate"]
    assert f"    optimizer.learning_rate={rate}: points" in shown
    assert config["train"]["ema_half_life"] == ema_half_life(Facts(steps, batch_size=16)).value
    assert config["penalty"]["r1"]["weight"] == 1.0
    assert gan_train([*words, "train.budget=3s", "hydra.run.dir=planned", "resume=auto"]) == 0
    assert f"has finished its {steps} steps" in capsys.readouterr().out
    assert gan_train([*words, f"train.steps={steps}", "hydra.run.dir=typed"]) == 0
    planned, typed = Path("planned"), Path("typed")
    first, second = newest_arrays(planned), newest_arrays(typed)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)
    assert metric_lines(planned) == metric_lines(typed)
    assert pictures(planned) == pictures(typed)
