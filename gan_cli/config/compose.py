"""From words on the command line to one composed configuration, through Hydra."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from gan_cli.checks import ConfigError, nearest
from gan_cli.config.extensions import teach_hydra

HYDRA_VERSION_BASE = "1.3"
OPTIONAL_GROUPS = ("penalty", "logger", "experiment")


@dataclass(frozen=True)
class Composition:
    """A composed configuration and where it came from.

    Attributes:
        config: the configuration of the job.
        overrides: the words that it was composed with.
        directory: what `hydra.run.dir` names.
        folders: where modules of the user's own may lie.
    """

    config: DictConfig
    overrides: list[str]
    directory: Path
    folders: list[Path]


def config_directory() -> Path:
    """Where the YAML groups lie: beside the package in a checkout, inside it once installed."""
    beside = Path(__file__).resolve().parents[2] / "configs"
    if (beside / "train.yaml").is_file():
        return beside
    return Path(next(iter(importlib.import_module("gan_cli.configs").__path__)))


def own_folders(config_dir: str | None) -> list[Path]:
    """Where the user's own modules may lie: the working folder, and --config-dir with the folder above it.

    They are put on `sys.path`, where console scripts do not have them.
    """
    folders = [Path.cwd()]
    if config_dir is not None:
        given = Path(config_dir).resolve()
        if not given.is_dir():
            raise ConfigError("--config-dir", "is not a folder", config_dir)
        folders += [given, given.parent]
    sys.path.extend(str(folder) for folder in folders if str(folder) not in sys.path)
    return folders


@contextmanager
def composer(config_dir: str | None) -> Iterator[None]:
    """Hydra, ready to compose; `config_dir` adds a folder with YAML groups of the user's own."""
    teach_hydra()
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(config_directory()), version_base=HYDRA_VERSION_BASE, job_name="gan-train"):
        if config_dir is not None:
            path = loader().get_search_path()
            path.prepend("command-line", f"file://{Path(config_dir).resolve()}", SearchPathQuery(provider="schema"))
            loader().repository.initialize_sources(path)
        yield


def loader():  # type: ignore[no-untyped-def]
    """Hydra's config loader."""
    return GlobalHydra.instance().config_loader()


def compose(config_name: str, words: list[str], config_dir: str | None = None) -> Composition:
    """The configuration that `words` (`loss=wgan`, `train.steps=100`, ...) describe.

    Raises:
        ConfigError: for a mistyped group, choice or key, with the nearest name.
    """
    folders = own_folders(config_dir)
    with composer(config_dir):
        overrides = parse(words)
        check_groups(overrides)
        check_single(overrides)
        try:
            whole = hydra.compose(config_name, overrides=words, return_hydra_config=True)
        except (HydraException, OmegaConfBaseException) as error:
            check_keys(config_name, overrides)
            raise ConfigError("", first_cause(error)) from error
        HydraConfig.instance().set_config(whole)  # so that ${hydra:...} resolves in the user's own YAML
        try:
            directory = Path(whole.hydra.run.dir)
        except OmegaConfBaseException as error:
            raise ConfigError("hydra.run.dir", f"can't be resolved: {first_cause(error)}") from error
        with open_dict(whole):
            del whole["hydra"]
    return Composition(config=whole, overrides=words, directory=directory, folders=folders)


def as_written(word: str) -> str:
    """`key=value` as Hydra can read it: what is no value in its grammar, such as `train[:80%]`, is put in quotes."""
    key, equals, value = word.partition("=")
    try:
        OverridesParser.create().parse_override(word)
        return word
    except HydraException:
        return f"{key}={quoted(value)}" if equals else word


def quoted(value: object) -> str:
    """A value that Hydra takes to the letter, whatever is in it."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def parse(words: list[str]) -> list[Override]:
    """Each word as Hydra reads it. Raises ConfigError for what is not of the form key=value."""
    overrides = []
    for word in words:
        try:
            overrides += OverridesParser.create(config_loader=loader()).parse_overrides([word])
        except HydraException as error:
            advice = "Put the value in quotes: 'key=\"a value\"'."
            if "=" not in word:
                advice = f"Settings are typed as key=value. {nearest(word, groups())}".strip()
            raise ConfigError("", f"can't read {word!r}; expected key=value", advice=advice) from error
    return overrides


def groups(parent: str = "") -> list[str]:
    """The groups of configs/ and of the user's own folders; Hydra's own are not listed."""
    found = loader().get_group_options(parent, ObjectType.GROUP)
    return sorted(name for name in found if name != "hydra" and not name.startswith("__"))


def choices(group: str) -> list[str]:
    """What a group offers; names that start with an underscore are parts of others."""
    found = loader().get_group_options(group, ObjectType.CONFIG)
    return sorted(name for name in found if not name.startswith("_"))


def check_groups(overrides: list[Override]) -> None:
    """Raises ConfigError for a choice that its group does not have."""
    known = groups()
    for override in overrides:
        group = override.key_or_group
        if group not in known:
            continue
        if override.is_delete():
            if group not in OPTIONAL_GROUPS:
                raise ConfigError(group, "can't be left out, or it would be missing", advice=f"Choose with {group}=...")
            continue
        if override.is_add() or override.is_force_add():
            raise ConfigError("", f"can't add to {group}, which is set already", advice=f"Leave out the +: {group}=...")
        for choice in chosen(override):
            if choice not in choices(group):
                allowed = ", ".join(choices(group))
                raise ConfigError(group, f"expected one of {allowed}", choice, nearest(choice, choices(group)))


def check_single(overrides: list[Override]) -> None:
    """Raises ConfigError for several values of one key, which make a sweep."""
    for override in overrides:
        if override.is_sweep_override():
            raise ConfigError(
                override.key_or_group,
                "has several values, which make a sweep",
                override.get_value_string(),
                "Add -m for a sweep; put brackets around a list: [a,b].",
            )


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
    whole = hydra.compose(config_name, overrides=[o.input_line or "" for o in selections], return_hydra_config=True)
    keys = list(dotted_keys(whole))
    for override in overrides:
        key = override.key_or_group
        if key in known_groups or key in keys or key.startswith("hydra/"):
            continue
        raise ConfigError(key, "no such key", advice=nearest_key(key, keys, known_groups))


def nearest_key(key: str, keys: list[str], group_names: list[str]) -> str:
    """Advice on a mistyped key: the nearest whole key, or a key elsewhere with the same last word."""
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
    return f"Did you mean {near[0]}?" if near else "`gan-train --cfg job` lists all keys."


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


def first_cause(error: BaseException) -> str:
    """The first line of what an error of Hydra or OmegaConf says, without the advice that misleads."""
    lines = [line.strip() for line in str(error.__cause__ or error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
