"""What is typed on resume is set in the run's own configuration, however the run was begun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gan_cli.config.compose import compose, quoted
from gan_cli.config.launch_plan import prepare
from gan_cli.config.resume_overrides import apply_words
from gan_cli.config.resume_plan import plan_resume
from gan_cli.errors import ConfigError, show
from gan_cli.runs.run_directory import RunDirectory, read_linked_config
from gan_cli.runs.stored_linked_keys import links_in, resolve_links

OWN_PENALTY = """\
mine:
  _target_: gan_cli.penalties.r1.R1
  weight: 3.0
  every: ${run.log_every}
"""

BEGINNINGS = {
    "defaults": ["train.steps=20"],
    "choices": [
        "loss=hinge",
        "penalty=[r1,lecam,latent_consistency]",
        "augment=[ada,instance_noise]",
        "metric=[fid,prdc]",
        "features=random",
        "logger=[tensorboard,wandb]",
        "penalty.r1.weight=2",
        "train.steps=20",
    ],
    "experiment": ["experiment=ring"],
    "folder": ["dataset=folder", "dataset.path=old", "dataset.image_size=16"],
    "own group": ["penalty=mine", "train.steps=20"],
}


def begin(kind: str) -> Path:
    """A run directory with a configuration and no training; from the configuration of another run for `config name`."""
    words = BEGINNINGS["choices" if kind == "config name" else kind]
    config_dir = None
    if kind == "own group":
        Path("conf/penalty").mkdir(parents=True)
        Path("conf/penalty/mine.yaml").write_text(OWN_PENALTY)
        config_dir = "conf"
    composition = compose("train", words, config_dir)
    run = RunDirectory(Path("run"))
    run.path.mkdir()
    run.write_config(composition.config, words, composition.links)
    if kind == "config name":
        composition = compose("config", [], "run")
        run = RunDirectory(Path("again"))
        run.path.mkdir()
        run.write_config(composition.config, [], composition.links)
    return run.path


KINDS = (*BEGINNINGS, "config name")


def other_value(value: Any) -> Any:
    """A value of the same kind that is not `value`."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return [9] if isinstance(value, list) else "other"


def leaves(node: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in node.items():
        found |= leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


@pytest.mark.parametrize("kind", ["choices", "own group"])
def test_each_typed_key_is_set_and_nothing_else_but_what_follows_it(kind: str) -> None:
    stored = read_linked_config(RunDirectory(begin(kind)))
    before = leaves(resolve_links(stored))
    assert dict(links_in(stored))
    for key, value in before.items():
        now = leaves(resolve_links(apply_words(stored, [], [f"{key}={show(other_value(value))}"], None)))
        followers = {follower for follower, source in links_in(stored) if source == key}
        if isinstance(value, str) and value.startswith("gan_cli."):
            continue
        changed = {name for name in now if now[name] != before[name]}
        assert changed == {key, *followers}, key
        assert all(now[name] == now[key] for name in followers)


@pytest.mark.parametrize("kind", KINDS)
def test_all_keys_typed_together_take_their_values_also_where_these_are_defaults(kind: str) -> None:
    run = begin(kind)
    stored = read_linked_config(RunDirectory(run))
    values = {
        key: value for key, value in leaves(resolve_links(stored)).items() if key.rpartition(".")[2] != "_target_"
    }
    defaults = leaves(compose("train", []).config)
    for wanted in (
        {key: other_value(value) for key, value in values.items()},
        {key: defaults.get(key, value) for key, value in values.items()},
    ):
        words = [f"{key}={quoted(value) if isinstance(value, str) else show(value)}" for key, value in wanted.items()]
        now = leaves(resolve_links(apply_words(stored, [], words, None)))
        assert {key: now[key] for key in wanted} == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_the_schedule_follows_the_length_of_the_run(kind: str) -> None:
    plan = plan_resume(begin(kind), ["train.steps=4000"], None)
    assert plan.config["train"]["top_k_steps"] == plan.config["optimizer"]["decay_steps"] == 4000
    assert plan.choices.automatic.links["optimizer.decay_steps"] == "train.steps"


def test_a_run_from_the_configuration_of_another_follows_its_length_too() -> None:
    begin("choices")
    config = compose("config", ["train.steps=77"], "run").config
    assert config["optimizer"]["decay_steps"] == config["augment"]["instance_noise"]["steps"] == 77


def test_a_link_that_was_overwritten_stays_what_was_typed() -> None:
    words = ["train.steps=20", "optimizer.decay_steps=20"]
    composition = compose("train", words)
    run = RunDirectory(Path("run"))
    run.path.mkdir()
    run.write_config(composition.config, words, composition.links)
    assert plan_resume(run.path, ["train.steps=40"], None).config["optimizer"]["decay_steps"] == 20


def test_a_configuration_of_release_0_1_without_links_follows_where_nothing_was_typed() -> None:
    for number, (typed, expected) in enumerate([([], 40), (["optimizer.decay_steps=20"], 20)]):
        run = RunDirectory(Path(f"run{number}"))
        run.path.mkdir()
        words = ["train.steps=20", *typed]
        run.write_config(compose("train", words).config, words)
        assert plan_resume(run.path, ["train.steps=40"], None).config["optimizer"]["decay_steps"] == expected


def changes(run: Path, *words: str) -> set[str]:
    return {change.key for change in plan_resume(run, list(words), None).changes}


def test_a_typed_choice_brings_its_numbers_and_those_that_the_run_has_stay() -> None:
    run = begin("choices")
    assert changes(run, "penalty=[r1,drift]") == {"penalty.lecam", "penalty.latent_consistency",
                                                  "penalty.latent_diversity", "penalty.drift"}  # fmt: skip
    assert plan_resume(run, ["penalty=[r1,drift]"], None).config["penalty"]["r1"]["weight"] == 2
    assert plan_resume(run, ["penalty=[drift]", "penalty.drift.weight=7"], None).config["penalty"] == {
        "drift": {"_target_": "gan_cli.penalties.drift.Drift", "weight": 7, "every": 1}
    }
    assert changes(run, "loss=hinge", "optimizer=adam", "features=random", "model=convnet") == set()
    config = plan_resume(run, ["loss=wgan_gp"], None).config  # penalties were typed when it began
    assert config["train"]["critic_steps"] == 5 and config["optimizer"]["beta_2"] == 0.9 and "r1" in config["penalty"]
    assert plan_resume(run, ["dataset=folder", "dataset.path=new"], None).config["dataset"]["path"] == "new"


def test_choices_of_a_run_from_another_configuration_take_effect_also_where_they_are_the_defaults() -> None:
    run = begin("config name")
    assert "penalty.r1" in changes(run, "penalty=[]")
    assert "penalty.r2" in changes(run, "penalty=[r1,r2]")
    assert "loss._target_" in changes(run, "loss=rpgan")
    assert changes(run, "model=convnet") == set()
    config = plan_resume(run, ["loss=wgan_gp"], None).config
    assert list(config["penalty"]) == ["gradient_penalty"] and config["train"]["critic_steps"] == 5


def test_a_run_that_was_begun_with_the_former_defaults_keeps_them() -> None:
    typed = ["train.steps=20"]
    composition = compose("train", ["model=dcgan", "loss=non_saturating", *typed])
    run = RunDirectory(Path("run"))
    run.path.mkdir()
    run.write_config(composition.config, typed, composition.links)
    assert changes(run.path, "optimizer=adam", "model=dcgan", "loss=non_saturating") == set()
    assert changes(run.path, "loss=hinge") == {"loss._target_", "loss.real_target"}
    assert changes(run.path, "penalty=r1") == {"penalty.r1"}
    assert plan_resume(run.path, ["penalty=r1"], None).config["penalty"]["r1"]["every"] == 1


def test_a_choice_of_ones_own_is_found_again_with_its_folder() -> None:
    run = begin("own group")
    assert plan_resume(run, ["penalty.mine.weight=5"], None).config["penalty"]["mine"]["weight"] == 5
    assert changes(run, "penalty=[r1]") == {"penalty.mine", "penalty.r1"}
    (change,) = plan_resume(run, ["penalty=[mine,r1]"], "conf").changes
    assert change.key == "penalty.r1"
    with pytest.raises(ConfigError, match="penalty=mine: expected one of"):
        plan_resume(run, ["penalty=[mine]"], None)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["penalty.r1.weigth=5"], "penalty.r1.weigth: no such key. Did you mean penalty.r1.weight?"),
        (["augment.diffaugment.color=false"], "augment.diffaugment.color: this run has no such key"),
        (["trian.steps=5"], "trian.steps: this run has no such key. Did you mean train.steps?"),
        (["eval.held_out=abc"], "eval.held_out=abc: expected a number."),
        (["eval.held_out=null"], "eval.held_out=null: expected a number."),
        (["eval.held_out=0.5"], "eval.held_out=0.5: the run was begun with 0.0"),
        (["train.steps=many"], "train.steps=many: expected a whole number"),
        (["train=null"], "train=null: expected a mapping"),
        (["train.steps=${train.steps}"], "train.steps=${train.steps}: refers to itself"),
        (["experiment=ring"], "experiment=ring: is a whole configuration"),
        (["dataset=folder"], "dataset.path: is needed"),
        (["hydra.sweep.dir=x"], "hydra.sweep.dir: does not go with resume=run"),
        (["hydra.run.dir=x"], "hydra.run.dir: does not go with resume=run"),
        (["train.averaging_half_life=3"], "was renamed. Its name is train.ema_half_life now"),
    ],
)
def test_what_does_not_go_with_resume_is_said_with_the_key(words: list[str], part: str) -> None:
    run = begin("choices")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError) as caught:
        prepare("train", [f"resume={run}", *words], None)
    assert part in str(caught.value)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_the_experiment_of_the_run_can_be_typed_again() -> None:
    run = begin("experiment")
    assert changes(run, "experiment=ring", "train.steps=6000") == {
        "train.steps", "train.top_k_steps", "optimizer.decay_steps",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="this run was begun with experiment=ring"):
        plan_resume(run, ["experiment=grid"], None)


def test_a_primary_configuration_beside_resume_is_said_to_have_no_effect() -> None:
    run = begin("experiment")
    _, plan = prepare("config", [f"resume={run}", "train.steps=6000"], str(run))
    assert plan.notes[0] == "--config-name=config has no effect: a resumed run has its own configuration."


def test_config_yaml_holds_links_that_resolve_to_the_stored_values() -> None:
    run = begin("choices")
    assert yaml.safe_load((run / "config.yaml").read_text())["optimizer"]["decay_steps"] == "${train.steps}"
    assert plan_resume(run, [], None).config["optimizer"]["decay_steps"] == 20
