"""Every choice of `dataset=` names a class and gives each of its fields."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from gan_cli.config.rule import AUTO

FOLDER = Path(__file__).resolve().parents[1] / "configs"
CHOICES = sorted(path.stem for path in (FOLDER / "dataset").glob("[!_]*.yaml"))


def composed(*overrides: str) -> tuple[type, dict[str, Any]]:
    with initialize_config_dir(str(FOLDER), version_base="1.3"):
        node: Any = OmegaConf.to_container(compose(overrides=list(overrides)).dataset)
    module, name = node.pop("_target_").rsplit(".", 1)
    return getattr(importlib.import_module(module), name), node


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_gives_every_field_and_no_other(choice: str) -> None:
    cls, values = composed(f"+dataset={choice}")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    assert set(values) == set(fields)
    for name, field in fields.items():
        if field.default is not dataclasses.MISSING:
            assert values[name] == (AUTO if name == "flip" else field.default)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_holds_against_the_types_of_its_class(choice: str) -> None:
    cls, values = composed(f"+dataset={choice}")
    OmegaConf.merge(OmegaConf.structured(cls), {name: value for name, value in values.items() if name != "flip"})


@pytest.mark.parametrize("size", ["null", "64", "32x48", "[32,48]"])
def test_an_image_size_can_be_typed_in_every_way(size: str) -> None:
    cls, values = composed("+dataset=digits", f"dataset.image_size={size}")
    expected = (8, 8) if size == "null" else (64, 64) if size == "64" else (32, 48)
    assert cls(**values).describe().shape == (*expected, 1)
