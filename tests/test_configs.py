"""Every YAML of every group, found by glob: explained, complete, and something that can be built."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from gan_cli.config.compose import compose, config_directory
from gan_cli.config.job_builder import GROUPS, build_job
from gan_cli.config.target_allowlist import load_class, targets_in

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


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_a_choice_composes_and_builds(group: str, choice: str, tmp_path: Path) -> None:
    several = group in ("penalty", "logger")
    words = [f"{group}=[{choice}]" if several else f"{group}={choice}", *words_for(group, choice, tmp_path)]
    composition = compose("train", words)
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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["loss=wgan"], ("weight_clip", "RMSprop", 5)),
        (["loss=wgan", "penalty=r1"], ("r1", "RMSprop", 5)),
        (["penalty=r1", "optimizer=adam", "loss=wgan", "train.critic_steps=2"], ("r1", "Adam", 2)),
        (["loss=wgan", "penalty=[]"], ("", "RMSprop", 5)),
        (["loss=wgan_gp"], ("gradient_penalty", "Adam", 5)),
        (["loss=rpgan"], ("r1,r2", "Adam", 1)),
        (["penalty=[r1,r2]"], ("r1,r2", "Adam", 1)),
    ],
)
def test_a_loss_brings_its_recipe_and_what_is_typed_wins(words: list[str], expected: tuple[str, str, int]) -> None:
    job = build_job(compose("train", words).config)
    assert (",".join(job.penalties), type(job.optimizer).__name__, job.train.critic_steps) == expected
