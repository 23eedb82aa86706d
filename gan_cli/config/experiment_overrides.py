"""What is typed beside an experiment brings its own numbers in place of the experiment's.

An experiment sets numbers for the choices that it makes: weights of its penalties, the rate of its optimizer. Hydra
merges them into whatever is chosen instead, and the experiment's penalty wins over the one that a typed loss selects.
Here, a typed choice that is not the experiment's own is what it is without the experiment, and a loss or a model comes
with its whole recipe. A typed loss also comes with its recipe where the model has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import hydra
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from gan_cli.config.group_choices import LISTS, groups, loader
from gan_cli.config.loss_recipe import LossRecipe, recipe_in, recipe_of


@dataclass(frozen=True)
class Replacement:
    """The parts of an experiment that what is typed takes the place of.

    Attributes:
        words: choices that a typed loss makes, as if they had been typed too.
        groups: groups that are as they are without the experiment.
        lists: groups with several choices, of which only the typed ones stay.
        keys: dotted keys outside groups that a typed loss sets.
        note: a message about what the user did not name; "" where there is nothing.
    """

    words: list[str]
    groups: set[str]
    lists: set[str]
    keys: set[str]
    note: str


def compose_choices(config_name: str, overrides: list[Override]) -> tuple[DictConfig, str]:
    """Composes a configuration, Hydra's own part included; gives it with a note for the user, which may be "".

    Raises:
        HydraException, OmegaConfBaseException: where it can't be composed.
    """
    words = [str(override.input_line) for override in overrides]
    found = find_replacement(config_name, overrides)
    if found is None:
        brought = words_of_typed_loss(config_name, overrides)
        return hydra.compose(config_name, [*words, *brought], return_hydra_config=True), ""
    config = hydra.compose(config_name, [*words, *found.words], return_hydra_config=True)
    below = found.groups | found.lists
    selections = [one for one in overrides if one.key_or_group in groups() and one.key_or_group != "experiment"]
    numbers = [one for one in overrides if one.key_or_group.partition(".")[0] in below and one not in selections]
    without = hydra.compose(
        config_name, ["~experiment", *(str(one.input_line) for one in (*selections, *numbers)), *found.words]
    )
    replace_parts(config, without, found)
    return config, found.note


def words_of_typed_loss(config_name: str, overrides: list[Override]) -> list[str]:
    """What a typed loss selects, where a model has a recipe that would select something else."""
    typed = {override.key_or_group for override in overrides}
    selections = [str(one.input_line) for one in overrides if one.key_or_group in groups()]
    if "loss" not in typed or config_name != "train":
        return []
    chosen = choices_of(config_name, selections)
    has_recipe = bool(recipe_in(f"model/{chosen['model']}").groups)
    return recipe_of(str(chosen["loss"])).as_words(typed) if has_recipe else []


def find_replacement(config_name: str, overrides: list[Override]) -> Replacement | None:
    """What is typed beside an experiment in place of its own choices; None where nothing is."""
    typed = {override.key_or_group for override in overrides}
    selected = (typed & set(groups())) - {"experiment"}
    if not selected or (config_name == "train" and "experiment" not in typed):
        return None
    selections = [str(one.input_line) for one in overrides if one.key_or_group in (*selected, "experiment")]
    chosen = choices_of(config_name, selections)
    experiment = chosen.get("experiment")
    if experiment is None:
        return None
    own = choices_of(config_name, [f"experiment={experiment}"])
    replaced = {group for group in selected - set(LISTS) if chosen.get(group) != own.get(group)}
    lists = selected & set(LISTS)
    recipe = typed_recipe(chosen, replaced, selected)
    brought = set(recipe.groups) - selected
    if not (replaced or lists):
        return None
    notes = []
    if brought:
        group = "loss" if "loss" in replaced else "model"
        notes.append(
            f"{group}={chosen[group]} brings its own {' and '.join(sorted(brought))}, in place of what "
            f"experiment={experiment} sets for {group}={own.get(group)}."
        )
    former = recipe_of(str(own["loss"])).groups if "loss" in replaced else {}
    kept = (former.keys() & recipe_in(f"experiment/{experiment}").groups.keys()) - recipe.groups.keys() - selected
    if kept:
        notes.append(
            f"loss={chosen['loss']} keeps the {' and '.join(sorted(kept))} that experiment={experiment} sets "
            f"for loss={own['loss']}."
        )
    note = " ".join(notes)
    return Replacement(recipe.as_words(selected), replaced | brought, lists, recipe.keys - typed, note)


def typed_recipe(chosen: Mapping[str, Any], replaced: set[str], selected: set[str]) -> LossRecipe:
    """The recipes of a typed model and of a typed loss, whose choices win over the model's."""
    recipe = recipe_in(f"model/{chosen['model']}") if "model" in replaced else LossRecipe()
    if "loss" in replaced or ("loss" in selected and recipe.groups):
        of_loss = recipe_of(str(chosen["loss"]))
        return LossRecipe(recipe.groups | of_loss.groups, recipe.keys | of_loss.keys)
    return recipe


def choices_of(config_name: str, words: list[str]) -> Mapping[str, Any]:
    """The choice of each group; a list of choices is left out."""
    choices: Mapping[str, Any] = loader().compute_defaults_list(config_name, words, RunMode.RUN).overrides.known_choices
    return choices


def replace_parts(config: DictConfig, without: DictConfig, found: Replacement) -> None:
    """Puts the parts of `without`, which was composed without the experiment, into `config`."""
    with open_dict(config):
        for group in found.groups:
            config[group] = without._get_node(group)
        for group in found.lists:
            for name in [name for name in config[group] if name not in without[group]]:
                del config[group][name]
        for key in found.keys:
            OmegaConf.update(config, key, OmegaConf.select(without, key))
