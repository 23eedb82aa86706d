"""What a choice of `loss` or `model` selects besides itself: its penalty, its optimizer, its critic steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hydra.core.default_element import ConfigDefault, GroupDefault

from gan_cli.config.group_choices import LISTS, loader

OWN = ("loss", "model")
"""The groups whose choices have recipes."""


@dataclass
class LossRecipe:
    """The parts of a configuration that a loss or a model sets for itself.

    Attributes:
        groups: what it selects of other groups, such as `{"penalty": "r1,r2"}`, as it is typed without brackets.
        keys: dotted keys that it sets outside groups, such as `train.critic_steps`.
    """

    groups: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def as_words(self, without: set[str]) -> list[str]:
        """Its choices as they are typed, but for the groups in `without`."""
        chosen = {group: value for group, value in self.groups.items() if group not in without}
        return [f"{group}=[{value}]" if group in LISTS else f"{group}={value}" for group, value in chosen.items()]


def recipe_of(loss: str) -> LossRecipe:
    """Reads the recipe from the YAML file of a choice of `loss`, and from the files that it includes."""
    return recipe_in(f"loss/{loss}")


def recipe_in(name: str) -> LossRecipe:
    """What a YAML file selects of other groups and sets outside groups, such as `experiment/ring`."""
    recipe = LossRecipe()
    add_file(recipe, name)
    return recipe


def add_file(recipe: LossRecipe, name: str) -> None:
    found = loader().repository.load_config(name)
    if found is None:
        return
    for default in found.defaults_list or ():
        if isinstance(default, GroupDefault) and default.is_override():
            value = default.value
            words = value if isinstance(value, list) else [value]
            recipe.groups[str(default.group).lstrip("/")] = ",".join(str(word) for word in words if word is not None)
        elif isinstance(default, ConfigDefault) and default.path not in (None, "_self_"):
            add_file(recipe, f"loss/{str(default.path).removeprefix('/loss/')}")
    if found.header.get("package") == "_global_":
        recipe.keys.update(leaves({name: found.config[name] for name in found.config if name not in OWN}))


def leaves(node: Mapping[Any, Any], prefix: str = "") -> Iterator[str]:
    """The dotted key of each value in nested mappings."""
    for name in node:
        value = node[name]
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
