"""What is wrong with what the user typed, where Hydra's own advice would mislead: nearest groups, choices and keys."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_cli.config.experiment_overrides import compose_choices
from gan_cli.config.group_choices import LISTS, choices, groups, loader
from gan_cli.errors import ConfigError, nearest
from gan_cli.runs.renamed_keys import new_name
from gan_cli.schedule import Schedule

SCHEDULE_KEYS = tuple(field.name for field in fields(Schedule))
"""The keys of a schedule, which stands in the place of a number."""


def check_override_forms(overrides: list[Override]) -> None:
    """Raises ConfigError for forms of Hydra's that have no use here: keys deleted, groups put elsewhere, lists gone."""
    known = groups()
    for override in overrides:
        key = override.key_or_group
        if not key:
            raise ConfigError("", f"can't read {override.input_line!r}; expected key=value")
        if override.is_delete() and key not in known:
            raise ConfigError(key, "can't be left out", advice=f"Every key is needed. Set it: {key}=VALUE")
        if key == "hydra":
            raise ConfigError(key, "can't be set as a whole", advice="Set single keys: hydra.run.dir=DIRECTORY")
        if override.package is not None and not key.startswith("hydra/"):
            raise ConfigError(f"{key}@{override.package}", "can't be put elsewhere", advice=f"Write {key}=...")
        if key in LISTS and not override.is_delete() and override.value() is None:
            raise ConfigError(key, "expected a list of choices", None, f"For none of them: {key}=[]")


def check_groups(overrides: list[Override]) -> None:
    """Raises ConfigError for a choice that its group does not have."""
    known = groups()
    for override in overrides:
        group = override.key_or_group
        if group not in known:
            continue
        if override.is_delete():
            advice = f"For none of them: {group}=[]" if group in LISTS else f"Choose with {group}=..."
            raise ConfigError(group, "can't be left out, or it would be missing", advice=advice)
        if override.is_add() or override.is_force_add():
            raise ConfigError(
                group, "can't be added to, since it is set already", advice=f"Leave out the +: {group}=..."
            )
        if group == "experiment" and override.value() is None:
            raise ConfigError(group, f"expected one of {', '.join(choices(group))}", None, "For none, leave it out.")
        if group not in LISTS and override.value() is None:
            raise ConfigError(group, f"expected one of {', '.join(choices(group))}", None)
        if group not in LISTS and isinstance(override.value(), list):
            advice = f"For a sweep over several: -m {group}=A,B"
            raise ConfigError(group, "takes one choice", override.get_value_string(), advice)
        for choice in chosen(override):
            if choice not in choices(group):
                allowed = ", ".join(choices(group))
                raise ConfigError(group, f"expected one of {allowed}", choice, nearest(choice, choices(group)))


def check_single_choice(overrides: list[Override], has_sweeps: bool = True) -> None:
    """Raises ConfigError for several values of one key, which make a sweep, where there is none."""
    for override in overrides:
        if override.is_sweep_override():
            key, text = override.key_or_group, override.get_value_string()
            sweep = "For a sweep add -m; for a list" if has_sweeps else "For a list"
            quoted = text.replace('"', "")
            advice = f"{sweep} write {key}=[{quoted}]; for one text with a comma write '{key}=\"{quoted}\"'."
            raise ConfigError(key, "has several values, which make a sweep", text, advice)


def check_hydra_groups(overrides: list[Override]) -> None:
    """Raises ConfigError for a choice of Hydra's own groups that is not installed: a launcher or a sweeper, say."""
    for override in overrides:
        group = override.key_or_group
        if not group.startswith("hydra/") or override.is_delete():
            continue
        options = loader().get_group_options(group, ObjectType.CONFIG)
        if not options:
            raise ConfigError(group, "no such group of Hydra's", advice="`--info plugins` lists what is installed.")
        if not override.is_sweep_override() and override.value() is None:
            raise ConfigError(group, f"expected one of {', '.join(options)}, which are installed", None)
        for choice in chosen(override):
            if choice not in options:
                advice = "Other launchers and sweepers are plugins: pip install hydra-optuna-sweeper, say."
                raise ConfigError(group, f"expected one of {', '.join(options)}, which are installed", choice, advice)


def chosen(override: Override) -> list[str]:
    """The choices that an override of a group names; several in a list or a sweep."""
    if override.is_sweep_override():
        values: list[Any] = list(override.sweep_iterator())
    else:
        values = [override.value()]
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return [str(item) for item in flat if item is not None]


def check_keys(config_name: str, overrides: list[Override]) -> None:
    """Raises ConfigError for a key that the composed configuration does not have."""
    known_groups = groups()
    selections = [o for o in overrides if o.key_or_group in known_groups]
    whole, _ = compose_choices(config_name, selections)
    keys = list(dotted_keys(whole))
    for override in overrides:
        key = override.key_or_group
        if key in known_groups or key in keys or key.startswith("hydra/"):
            continue
        renamed = new_name(key)
        if renamed is not None and ("." in renamed or renamed in keys):
            raise ConfigError(key, "was renamed", advice=f"Its name is {renamed} now.")
        raise ConfigError(key, "no such key", advice=nearest_key(key, keys, known_groups))


def nearest_key(key: str, keys: list[str], group_names: list[str]) -> str:
    """Advice on a mistyped key: the nearest whole key, or a key elsewhere with the same last word."""
    parent, _, name = key.rpartition(".")
    if parent in keys and name in SCHEDULE_KEYS:
        return f"It has one value here. A schedule is typed as a whole: '{parent}={{start: 1, end: 0.1}}'"
    public = [name for name in keys if not name.startswith("hydra") and not name.endswith("_target_")]
    same_name = [name for name in public if name.rpartition(".")[2] == key.rpartition(".")[2]]
    near = difflib.get_close_matches(key, [*public, *group_names], n=1, cutoff=0.6) or same_name[:1]
    if not near:
        near = [
            name
            for last in difflib.get_close_matches(
                key.rpartition(".")[2], [name.rpartition(".")[2] for name in public], n=1, cutoff=0.75
            )
            for name in public
            if name.rpartition(".")[2] == last
        ][:1]
    return f"Did you mean {near[0]}?" if near else "`--cfg job` lists all keys."


def dotted_keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Every key of a configuration, inner ones with dots."""
    for name in map(str, node):
        key = f"{prefix}{name}"
        yield key
        if OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name):
            continue
        value = node._get_node(name)
        if isinstance(value, DictConfig) and not value._is_none():
            yield from dotted_keys(value, f"{key}.")


def composition_error(error: BaseException, config_name: str, overrides: list[Override]) -> ConfigError:
    """What Hydra or OmegaConf could not compose, with the key at fault."""
    text = re.sub(r"Key '([^']*)' is not in struct", r"there is no key '\1'", first_cause(error))
    group = re.match(r"Could not override '([^']+)'", text)
    if group:
        known = ", ".join(name for name in groups())
        advice = (
            f"gan-train has the groups {known}; a whole configuration in --config-dir and other commands have fewer."
        )
        return ConfigError(group[1], "is no group of this configuration", advice=advice)
    taken = re.search(r"An item is already at '([^']+)'", text)
    if taken:
        return ConfigError(
            taken[1], "can't be added, since it is set already", advice=f"Leave out the +: {taken[1]}=..."
        )
    culprit = find_culprit(config_name, overrides)
    section, below = find_replaced_section(overrides) if culprit is None else (None, None)
    if section and below:
        advice = f"Leave out {section.key_or_group}=..., or {below.key_or_group}=..."
        return ConfigError(section.key_or_group, "is set as a whole, and so is a key in it", advice=advice)
    if culprit is None:
        return ConfigError(str(getattr(error, "full_key", None) or ""), text)
    return ConfigError(culprit.key_or_group, f"can't be composed: {text}", culprit.get_value_string())


def find_culprit(config_name: str, overrides: list[Override]) -> Override | None:
    """The first override with which the choices of groups can't be composed; None where there is no single one."""
    known = groups()
    selections = [one for one in overrides if one.key_or_group in known]
    for override in overrides:
        if override in selections:
            continue
        try:
            compose_choices(config_name, [*selections, override])
        except (HydraException, OmegaConfBaseException, ValueError):
            return override
    return None


def find_replaced_section(overrides: list[Override]) -> tuple[Override, Override] | tuple[None, None]:
    """The first override of a section as a whole beside an override of a key in it, and that one."""
    for section in overrides:
        for other in overrides:
            if other.key_or_group.startswith(f"{section.key_or_group}."):
                return section, other
    return None, None


def first_cause(error: BaseException) -> str:
    """The first line of what an error of Hydra or OmegaConf says, without the advice that misleads."""
    lines = [line.strip() for line in str(error.__cause__ or error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
