"""Lays what is typed on resume over the configuration of the run.

The run's own configuration is the base, whichever way it was put together: a typed key is set in it, and has to be a
key of it. A typed choice of a group (`penalty=r1`) is composed from the YAML files, and takes the place of the run's
node of that group. What was typed at the beginning still counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import open_dict
from omegaconf.errors import OmegaConfBaseException

from gan_cli.config.compose import composer, parse, to_plain
from gan_cli.config.data_rules import has_rule
from gan_cli.config.experiment_overrides import choices_of, compose_choices
from gan_cli.config.group_choices import LISTS, groups
from gan_cli.config.job_builder import REQUIRED
from gan_cli.config.linked_keys import find_links
from gan_cli.config.loss_recipe import recipe_of
from gan_cli.config.override_errors import (
    check_groups,
    check_override_forms,
    check_single_choice,
    composition_error,
    nearest_key,
)
from gan_cli.errors import ConfigError
from gan_cli.runs.renamed_keys import new_name
from gan_cli.runs.stored_linked_keys import has_key, insert_links, parent_of, value_at

MISSING = "???"
"""A value that the user has to give, in Hydra's YAML."""

FORMER_DEFAULTS = ("model=dcgan", "loss=non_saturating")
"""What a run was begun with that typed neither, before the defaults of today."""


def apply_words(
    stored: dict[str, Any], previous: list[str], words: list[str], config_dir: str | None
) -> dict[str, Any]:
    """The configuration `stored` with what `words` say.

    Args:
        stored: the run's configuration, with its links (see `gan_cli.runs.stored_linked_keys`).
        previous: what was typed when the run began and since.
        words: what is typed now.
        config_dir: a folder with groups of the user's own.

    Raises:
        ConfigError: for a mistyped group, choice or key, with the nearest name.
    """
    with composer(config_dir):
        overrides = parse(words)
        check_override_forms(overrides)
        check_single_choice(overrides)
        check_groups(overrides)
        known_groups = groups()
        selections = [one for one in overrides if one.key_or_group in known_groups]
        config = deepcopy(stored)
        if selections:
            config = replace_nodes(config, readable(previous), selections)
        for override in overrides:
            if override not in selections:
                set_key(config, override, known_groups)
    return config


def readable(words: list[str]) -> list[Override]:
    """The stored words that can be read."""
    overrides = []
    for word in words:
        try:
            overrides += parse([word])
        except ConfigError:
            continue
    return overrides


def replace_nodes(stored: dict[str, Any], previous: list[Override], selections: list[Override]) -> dict[str, Any]:
    """`stored` with the nodes of the groups that are chosen now, and with the recipe of a loss that is."""
    known = groups()
    previous_selections = [one for one in previous if one.key_or_group in known]
    previous_keys = [one for one in previous if one.key_or_group not in known]
    before, previous_selections = compose_beginning(stored, previous_selections)
    begun_with = None if before is None else choices_of("train", inputs(previous_selections)).get("experiment")
    check_experiment(selections, begun_with)
    typed = {one.key_or_group for one in selections}
    old = [] if before is None else [one for one in previous_selections if one.key_or_group not in typed]
    try:
        now = compose_raising([*old, *selections])
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise composition_error(error, "train", [*old, *selections]) from error
    config = deepcopy(stored)
    typed_keys = {one.key_or_group for one in previous_keys}
    changed = changed_groups(before, now, selections, {one.key_or_group for one in previous_selections})
    for group in changed:
        if group in typed and group in LISTS:
            config[group] = kept_or_new(stored.get(group), now[group])
        elif not (group in typed and is_same_choice(group, stored, before, now, typed_keys)):
            config[group] = now[group]
    for key in changed_keys(before, now, selections):
        parent, name = parent_of(config, key)
        if parent is not None and key not in typed_keys:
            parent[name] = value_at(now, key)
    for override in previous_keys:
        if override.key_or_group.partition(".")[0] in changed and has_key(config, override.key_or_group):
            parent, name = parent_of(config, override.key_or_group)
            parent[name] = override.value()
    return config


def compose_beginning(
    stored: Mapping[str, Any], selections: list[Override]
) -> tuple[dict[str, Any] | None, list[Override]]:
    """What a run was begun with, composed from the choices that were typed, and the choices that compose it.

    None where the words do not say all that the run was begun with: --config-name, say.
    """
    typed = {one.key_or_group for one in selections}
    former = [one for one in parse(list(FORMER_DEFAULTS)) if one.key_or_group not in typed]
    for choices in (selections, [*former, *selections]):
        composed = compose_plain(choices)
        if composed is not None and all(target_of(composed, group) == target_of(stored, group) for group in REQUIRED):
            return composed, choices
    return None, selections


def check_experiment(selections: list[Override], begun_with: str | None) -> None:
    """Raises ConfigError for an experiment that is not the run's own: it is a whole run by itself."""
    for one in selections:
        if one.key_or_group == "experiment" and one.value() not in (begun_with, None):
            begun = f"with experiment={begun_with}" if begun_with else "without it"
            problem = f"is a whole configuration, and this run was begun {begun}"
            raise ConfigError(
                "experiment", problem, one.value(), "Type the keys that are to change, or start a new run."
            )


def changed_groups(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], selections: list[Override], typed_before: set[str]
) -> list[str]:
    """The groups whose node a typed choice changes. The model follows no other group then: it holds saved weights."""
    typed = {one.key_or_group for one in selections} - {"experiment"}
    if before is not None:
        others = [group for group in groups() if group in now and group != "model"]
        return sorted(typed | {group for group in others if before.get(group) != now[group]})
    recipes = [recipe_of(str(one.value())) for one in selections if one.key_or_group == "loss"]
    brought = {group for recipe in recipes for group in recipe.groups} - typed_before
    return sorted(typed | brought)


def changed_keys(before: Mapping[str, Any] | None, now: Mapping[str, Any], selections: list[Override]) -> list[str]:
    """The keys outside groups that a typed choice changes: those of a loss's recipe."""
    if before is None:
        recipes = [recipe_of(str(one.value())) for one in selections if one.key_or_group == "loss"]
        return sorted({key for recipe in recipes for key in recipe.keys})
    known = groups()
    sections = [name for name, node in now.items() if isinstance(node, Mapping) and name not in known]
    return [
        f"{section}.{name}"
        for section in sections
        for name, value in now[section].items()
        if before.get(section, {}).get(name) != value
    ]


def kept_or_new(stored: Any, now: Mapping[str, Any]) -> dict[str, Any]:
    """Nodes of the choices that were typed; those that the run has already stay as they are."""
    had = stored if isinstance(stored, Mapping) else {}
    return {
        name: had[name] if name in had and target_of(had, name) == target_of(now, name) else node
        for name, node in now.items()
    }


def is_same_choice(
    group: str,
    stored: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any],
    typed_keys: set[str],
) -> bool:
    """Whether a typed choice is the one that the run has: the same node, but for keys that were typed at the beginning.

    A number of the run stands for the `auto` of a rule. Of models the class is enough, since none of their numbers can
    change.
    """
    if target_of(stored, group) != target_of(now, group):
        return False
    if group == "model":
        return True
    if before is None or before.get(group) != now[group]:
        return False
    node = stored[group]
    new = now[group]
    return all(
        node[name] == new[name] or f"{group}.{name}" in typed_keys or has_rule(f"{group}.{name}", new[name])
        for name in node
        if name in new
    )


def compose_plain(selections: list[Override]) -> dict[str, Any] | None:
    """What choices compose, with links; None where they can't be composed: groups of the user's own, say."""
    try:
        check_groups(selections)
        return compose_raising(selections)
    except (ConfigError, HydraException, OmegaConfBaseException, ValueError):
        return None


def compose_raising(selections: list[Override]) -> dict[str, Any]:
    whole, _ = compose_choices("train", selections)
    with open_dict(whole):
        del whole["hydra"]
    return insert_links(to_plain(whole, throw_on_missing=False), find_links(whole))


def inputs(overrides: list[Override]) -> list[str]:
    return [str(one.input_line) for one in overrides]


def target_of(config: Mapping[str, Any], group: str) -> Any:
    node = config.get(group)
    return node.get("_target_") if isinstance(node, Mapping) else None


def set_key(config: dict[str, Any], override: Override, known_groups: list[str]) -> None:
    """Sets one typed key. Raises ConfigError for a key that the run does not have."""
    key, value = override.key_or_group, override.value()
    parent, name = parent_of(config, key)
    renamed = new_name(key)
    if renamed is not None:
        raise ConfigError(key, "was renamed", advice=f"Its name is {renamed} now.")
    # A key that is younger than the run is known to the class of its node alone, which is asked when it is built.
    if parent is None or (parent is config and name not in config):
        raise ConfigError(key, "this run has no such key", advice=nearest_key(key, list(keys_of(config)), known_groups))
    parent[name] = merged(parent.get(name), value)


def merged(node: Any, value: Any) -> Any:
    """`value`, or `node` with its entries where both are mappings, as Hydra has it."""
    if isinstance(node, Mapping) and isinstance(value, Mapping):
        return {**node, **{str(name): merged(node.get(str(name)), one) for name, one in value.items()}}
    return value


def keys_of(node: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Every key, inner ones with dots."""
    found = []
    for name, value in node.items():
        found.append(f"{prefix}{name}")
        if isinstance(value, Mapping):
            found += keys_of(value, f"{prefix}{name}.")
    return found


def check_complete(config: dict[str, Any]) -> None:
    """Raises ConfigError for a key that has no value yet and needs one."""
    key = next(missing_keys(config), None)
    if key is not None:
        raise ConfigError(key, "is needed", advice=f"Give it as {key}=VALUE.")


def missing_keys(node: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in node.items():
        if value == MISSING:
            yield f"{prefix}{name}"
        elif isinstance(value, Mapping):
            yield from missing_keys(value, f"{prefix}{name}.")
