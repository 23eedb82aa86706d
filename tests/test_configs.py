"""Every YAML of every group, found by glob: explained, complete, and something that can be built."""

from __future__ import annotations

import dataclasses
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from gan_cli.config.compose import compose, config_directory
from gan_cli.config.data_rules import has_rule
from gan_cli.config.group_choices import LISTS
from gan_cli.config.job_builder import GROUPS, build_job
from gan_cli.config.target_allowlist import load_class, targets_in
from gan_cli.errors import ConfigError

FILES = sorted(config_directory().rglob("*.yaml"))
CHOICES = sorted((path.parent.name, path.stem) for path in config_directory().glob("*/[!_]*.yaml"))
UNEXPLAINED = ("_target_", "defaults")
"""Keys that mean the same in every file."""


def name_of(path: Path) -> str:
    return str(path.relative_to(config_directory()))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_says_what_it_is_and_explains_each_key(path: Path) -> None:
    lines = path.read_text().split("\nhydra:")[0].splitlines()
    assert lines[0].startswith("# ")
    for index, line in enumerate(lines):
        match = re.match(r"( *)([a-z_0-9]+):(.*)", line)
        opens_a_block = match and not match[3].strip()
        if match and match[2] not in UNEXPLAINED and not opens_a_block:
            above = lines[index - 1].strip()
            assert above.startswith("#") or "#" in match[3] or above.endswith("{}"), f"line {index + 1}: {line}"


def test_the_groups_are_those_that_the_schema_knows() -> None:
    assert {group for group, _ in CHOICES} == set(GROUPS)


def words_for(group: str, choice: str, folder: Path) -> list[str]:
    """What else a choice needs to be composed."""
    if choice == "npz":
        np.save(folder / "images.npy", np.zeros((100, 8, 8), np.uint8))
        return [f"dataset.path={folder}/images.npy"]
    if choice == "folder" or choice.startswith("eurosat"):
        return [f"dataset.path={folder}"]
    if choice == "tfds":
        return ["dataset.name=mnist"]
    return ["model=mlp"] if choice in ("ring", "grid") and group == "dataset" else []


OF_EACH_GROUP = {group: [choice for one, choice in CHOICES if one == group] for group in GROUPS}
EXPERIMENTS = OF_EACH_GROUP.pop("experiment")
TOGETHER = [
    {group: names[number % len(names)] for group, names in OF_EACH_GROUP.items()}
    for number in range(max(map(len, OF_EACH_GROUP.values())))
]
"""Each choice of each group once or more, with a choice of each other group."""


@pytest.mark.parametrize("choices", TOGETHER, ids=lambda choices: " ".join(choices.values()))
def test_each_choice_composes_and_builds(choices: dict[str, str], tmp_path: Path) -> None:
    more = [word for group, choice in choices.items() for word in words_for(group, choice, tmp_path)]
    several = ("penalty", "logger")
    words = [f"{group}=[{choice}]" if group in several else f"{group}={choice}" for group, choice in choices.items()]
    given = {word.partition("=")[0] for word in more}
    composition = compose("train", [word for word in words if word.partition("=")[0] not in given] + more)
    job = build_job(composition.config, composition.origin)
    for group, parts in (("penalty", job.penalties), ("metric", job.metrics), ("logger", job.loggers)):
        assert (choices[group] in parts) == (choices[group] not in ("none", "auto")), group


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_each_experiment_composes_and_builds(experiment: str, tmp_path: Path) -> None:
    composition = compose("train", [f"experiment={experiment}", *words_for("experiment", experiment, tmp_path)])
    build_job(composition.config, composition.origin)


@pytest.mark.parametrize("path", [path for path in FILES if "experiment" not in path.parts], ids=name_of)
def test_a_choice_shows_each_field_of_its_class(path: Path) -> None:
    text = path.read_text()
    for _, target in targets_in(yaml.safe_load(text) or {}):
        shown = text + "".join(
            (path.parent / f"{part}.yaml").read_text() for part in re.findall(r"- (_\w+)\n", text) if part != "_self_"
        )
        for field in dataclasses.fields(load_class(path.parent.name, target)):
            common = "_common" in shown or "_images" in shown or "_tfds" in shown
            assert common or re.search(rf"^ *{field.name}:", shown, re.M), f"{target}.{field.name}"


NEWER = {("mmd", "linear"), ("kernel_diversity", "bounded"), ("drifting", "annealing_steps")}
"""Keys whose value in the YAML is another one than in the class, which stored configurations without the key get."""


def settings_of_part(path: Path) -> dict[str, Any]:
    """The keys of a loss or a penalty in its file, without the recipe around them."""
    content = yaml.safe_load(path.read_text()) or {}
    found: dict[str, Any] = content.get("loss", content.get(path.stem, content))
    return found


OF_THEIR_CLASS = [
    path
    for path in FILES
    if path.parent.name in ("loss", "penalty") and f".{path.stem}." in settings_of_part(path).get("_target_", "")
]
"""The file of each class of losses and penalties; the others are variants of it."""


@pytest.mark.parametrize("path", OF_THEIR_CLASS, ids=name_of)
def test_defaults_of_the_class_of_a_loss_or_penalty_are_those_of_its_yaml(path: Path) -> None:
    settings = settings_of_part(path)
    part = load_class(path.parent.name, settings.pop("_target_"))
    defaults = {field.name: field.default for field in dataclasses.fields(part)}
    choice = f"{path.parent.name}.{path.stem}"
    automatic = {key for key, value in settings.items() if has_rule(f"{choice}.{key}", value)}
    for key in settings.keys() - automatic - {name for choice, name in NEWER if choice == path.stem}:
        value, default = settings[key], defaults[key]
        if str(value).startswith("${if_loss:"):
            value = int(str(value).rstrip("}").rpartition(",")[2])  # of all other losses
        assert value == (list(default) if isinstance(default, tuple) else default), key


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["loss=wgan"], ("weight_clip", "RMSprop", 5)),
        (["loss=wgan", "penalty=r1"], ("r1", "RMSprop", 5)),
        (["penalty=r1", "optimizer=adam", "loss=wgan", "train.critic_steps=2"], ("r1", "Adam", 2)),
        (["loss=wgan", "penalty=[]"], ("", "RMSprop", 5)),
        (["loss=wgan_gp"], ("gradient_penalty", "Adam", 5)),
        (["loss=rpgan"], ("r1,r2", "Adam", 1)),
        (["loss=rpgan", "penalty=[]"], ("", "Adam", 1)),
        (["loss=rpgan", "penalty=drift", "optimizer=sgd"], ("drift", "SGD", 1)),
        (["loss=non_saturating"], ("", "Adam", 1)),
        (["loss=non_saturating", "penalty=[r1,r2]"], ("r1,r2", "Adam", 1)),
        (["model=stylegan2", "loss=wgan_gp"], ("gradient_penalty", "Adam", 5)),
        (["loss=wgan", "optimizer=sgd", "model=stylegan2"], ("weight_clip", "SGD", 5)),
        (["experiment=mnist", "model=stylegan2", "loss=rpgan"], ("r1,r2", "Adam", 1)),
    ],
)
def test_a_loss_brings_its_recipe_and_what_is_typed_wins(words: list[str], expected: tuple[str, str, int]) -> None:
    job = build_job(compose("train", words).config)
    assert (",".join(job.penalties), type(job.optimizer).__name__, job.train.critic_steps) == expected


@pytest.mark.parametrize(
    ("words", "penalties", "rate"),
    [
        ([], {"r1": 16, "path_length": 4}, 0.0025),
        (["loss=hinge", "penalty.path_length.every=8"], {"r1": 16, "path_length": 8}, 0.0025),
        (["penalty=[]", "optimizer=adam"], {}, 0.0002),
        (["penalty=r1", "penalty.r1.every=1"], {"r1": 1}, 0.0025),
        (["experiment=mnist_dcgan"], {"r1": 16, "path_length": 4}, 0.0025),
    ],
)
def test_a_model_brings_its_recipe_and_what_is_typed_wins(words: list[str], penalties: Any, rate: float) -> None:
    job = build_job(compose("train", ["model=stylegan2", *words]).config)
    assert {name: penalty.every for name, penalty in job.penalties.items()} == penalties
    assert job.optimizer.learning_rate == rate
    assert type(job.loss).__name__ == ("HingeLoss" if "loss=hinge" in words else "NonSaturatingLoss")


def test_the_default_run_is_the_plain_pair_with_the_recipe_of_its_loss() -> None:
    config = compose("train", []).config
    assert config["model"]["_target_"] == "gan_cli.models.convnet.ConvNet"
    assert config["loss"]["_target_"] == "gan_cli.losses.rpgan.RelativisticPairingLoss"
    assert (list(config["penalty"]), config["optimizer"]["beta_1"]) == (["r1", "r2"], 0.0)
    other = compose("train", ["loss=non_saturating"]).config
    assert (other["penalty"], other["optimizer"]) == ({}, compose("train", ["optimizer=adam"]).config["optimizer"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"r1": 4, "r2": 4}),
        (["penalty=r2"], {"r2": 4}),
        (["penalty.r1.every=1"], {"r1": 1, "r2": 4}),
        (["loss=hinge", "penalty=[r1,r2]"], {"r1": 1, "r2": 1}),
        (["loss=wgan_gp"], {"gradient_penalty": 1}),
        (["model=mlp", "dataset=ring"], {"r1": 4, "r2": 4}),
        (["experiment=ring"], {"r1": 1, "r2": 1}),
        (["experiment=mnist_dcgan", "loss=rpgan"], {"r1": 4, "r2": 4}),
    ],
)
def test_r1_and_r2_are_lazy_with_the_loss_whose_recipe_says_so(words: list[str], expected: dict[str, int]) -> None:
    job = build_job(compose("train", words).config)
    assert {name: penalty.every for name, penalty in job.penalties.items()} == expected


NAMED = [path for group in LISTS for path in sorted((config_directory() / group).glob("[!_]*.yaml"))]
"""Files of the groups of which several choices can be selected."""


@pytest.mark.parametrize("path", NAMED, ids=name_of)
def test_a_choice_of_several_has_its_own_name_as_its_only_key(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(content) - {"defaults"} == (set() if path.stem == "none" else {path.stem})


@pytest.mark.parametrize("group", LISTS)
def test_all_choices_of_a_group_together_keep_their_keys(group: str) -> None:
    names = [path.stem for path in NAMED if path.parent.name == group and path.stem not in ("none", "auto")]
    for order in (names, names[::-1]):
        assert set(compose("train", [f"{group}=[{','.join(order)}]"]).config[group]) == set(names)


LOSSES = sorted(path.stem for path in (config_directory() / "loss").glob("[!_]*.yaml"))


def own_recipe(loss: str, config: dict[str, Any]) -> dict[str, Any]:
    """What the YAML file of a loss sets, in a configuration."""
    content = yaml.safe_load((config_directory() / "loss" / f"{loss}.yaml").read_text(encoding="utf-8"))
    parts = {"loss": config["loss"]}
    for default in content.pop("defaults", []):
        (name,) = default
        parts[name.removeprefix("override /")] = config[name.removeprefix("override /")]
    if "loss" in content:  # a file of the whole configuration
        parts |= {f"train.{name}": config["train"][name] for name in content.get("train", {})}
    return without_followers(parts)


def without_followers(parts: dict[str, Any]) -> dict[str, Any]:
    """Without the lengths of schedules, which are that of the run."""
    parts["loss"] = {key: value for key, value in parts["loss"].items() if key != "annealing_steps"}
    optimizer = {key: value for key, value in parts.get("optimizer", {}).items() if key != "decay_steps"}
    return {**parts, "optimizer": optimizer}


@cache
def of_experiment(name: str) -> dict[str, Any]:
    return dict(compose("train", [f"experiment={name}", *path_words(name)]).choices.automatic.config)


def path_words(experiment: str) -> list[str]:
    return ["dataset.path=."] if experiment.startswith("eurosat") else []


ALL_PAIRS = "GAN_CLI_ALL_PAIRS" in os.environ
"""Whether each loss is composed with all experiments, which takes minutes, in place of three."""


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_typed_beside_an_experiment_brings_its_recipe(loss: str) -> None:
    alone = own_recipe(loss, dict(compose("train", [f"loss={loss}"]).choices.automatic.config))
    first = 3 * LOSSES.index(loss)
    some = {EXPERIMENTS[(first + number) % len(EXPERIMENTS)] for number in range(3)}
    for experiment in EXPERIMENTS if ALL_PAIRS else sorted(some):
        composition = compose("train", [f"experiment={experiment}", f"loss={loss}", *path_words(experiment)])
        config, usual = dict(composition.choices.automatic.config), of_experiment(experiment)
        if config == usual:  # the loss that the experiment was written for
            continue
        assert own_recipe(loss, config) == alone, experiment
        assert config["dataset"] == usual["dataset"]
        assert any("brings its own" in note for note in composition.notes) == bool(
            {"penalty", "optimizer"} & (alone.keys() - {"optimizer"}) or alone["optimizer"]
        )
        build_job(composition.config, composition.origin)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["experiment=ring", "loss=wgan_gp", "penalty.gradient_penalty.weight=3"], {"gradient_penalty": 3}),
        (["experiment=ring", "loss=wgan_gp", "penalty=[r1]"], {"r1": 0.05}),
        (["experiment=ring", "penalty=[r1,drift]"], {"r1": 0.05, "drift": 0.001}),
        (["experiment=ring", "penalty=gradient_penalty"], {"gradient_penalty": 10.0}),
        (["experiment=ring", "loss=hinge"], {"r1": 0.05, "r2": 0.05}),
        (["experiment=ring", "loss=rpgan"], {"r1": 0.05, "r2": 0.05}),
    ],
)
def test_penalties_beside_an_experiment_are_those_that_were_typed(words: list[str], expected: dict[str, float]) -> None:
    penalties = compose("train", words).config["penalty"]
    assert {name: penalty["weight"] for name, penalty in penalties.items()} == expected


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["experiment=ring", "loss=hinge"], "optimizer and penalty"),
        (["experiment=ring", "loss=began"], "penalty"),
        (["experiment=ring", "loss=hinge", "penalty=[]"], "optimizer"),
        (["experiment=ring", "loss=wgan_gp"], None),
        (["experiment=mnist_mmd", "loss=hinge"], None),
        (["experiment=mnist_dcgan", "loss=hinge"], None),
    ],
)
def test_what_an_experiment_keeps_of_another_losss_recipe_is_said(words: list[str], kept: str | None) -> None:
    notes = " ".join(compose("train", words).notes)
    assert (f"keeps the {kept} that experiment=ring sets for loss=rpgan." in notes) if kept else ("keeps" not in notes)


def test_a_choice_typed_beside_an_experiment_has_its_own_numbers() -> None:
    config = compose("train", ["experiment=mnist_dcgan", "model=mlp", "optimizer=sgd"]).config
    assert (config["model"]["width"], config["optimizer"]["learning_rate"]) == (256, 0.01)
    assert compose("train", ["experiment=mnist_dcgan", "model=dcgan"]).config["model"]["width"] == 32
    with pytest.raises(ConfigError, match=r"penalty.r1.weight: no such key. Did you mean"):
        compose("train", ["experiment=ring", "loss=wgan_gp", "penalty.r1.weight=3"])
