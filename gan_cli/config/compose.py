"""From words on the command line to one composed configuration, through Hydra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from gan_cli.config.automatic_values import AutomaticConfig, ChosenConfig
from gan_cli.config.budget import UNPLANNED, apply_budget, seconds_to_plan
from gan_cli.config.composition_cache import CachingConfigLoader, parse_override
from gan_cli.config.config_directory import config_directory
from gan_cli.config.config_trust import ConfigOrigin
from gan_cli.config.experiment_overrides import compose_choices
from gan_cli.config.group_choices import groups, loader
from gan_cli.config.interpolation_limits import check_interpolations
from gan_cli.config.linked_keys import find_links
from gan_cli.config.override_errors import (
    check_groups,
    check_hydra_groups,
    check_keys,
    check_override_forms,
    check_single_choice,
    composition_error,
    first_cause,
)
from gan_cli.config.primary_config import (
    PARSER_ERRORS,
    check_hydra_settings,
    check_primary_file,
    check_typed_only,
    origin_of,
)
from gan_cli.config.resolvers import register_resolvers
from gan_cli.config.rule import AUTO
from gan_cli.config.target_allowlist import composing
from gan_cli.config.user_modules import set_own_folders
from gan_cli.data.input_paths import expand_user
from gan_cli.errors import ConfigError, first_line, nearest

HYDRA_VERSION_BASE = "1.3"
COMMANDS_WITHOUT_SWEEPS = ("sample", "eval", "human", "tournament")


@dataclass(frozen=True)
class Composition:
    """A composed configuration and where it came from.

    Attributes:
        config: the configuration of the job, resolved, as plain containers, with the values that rules chose.
        directory: what `hydra.run.dir` names.
        origin: whether the user chose its parts, or a whole configuration in --config-dir.
        links: keys whose value follows another key, with that key.
        notes: lines for the user.
        unresolved: the same configuration as Hydra has it, with its interpolations and with `auto`.
        choices: what the rules chose in place of `auto`, and what waits for the data or for the length of the run.
    """

    config: dict[str, Any]
    directory: Path
    origin: ConfigOrigin
    links: dict[str, str]
    notes: tuple[str, ...]
    unresolved: DictConfig
    choices: ChosenConfig


def own_folders(config_dir: str | None) -> list[Path]:
    """Where the user's own modules may lie: the working folder, and --config-dir with the folder above it."""
    if config_dir is None:
        return [Path.cwd()]
    given = Path(config_dir).resolve()
    if not given.is_dir():
        raise ConfigError("--config-dir", "is not a folder", config_dir)
    return [Path.cwd(), given, given.parent]


@contextmanager
def composer(config_dir: str | None) -> Iterator[None]:
    """Hydra, ready to compose; `config_dir` adds a folder with YAML groups of the user's own."""
    register_resolvers()
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(config_directory()), version_base=HYDRA_VERSION_BASE, job_name="gan-train"):
        use_cache()
        if config_dir is not None:
            path = loader().get_search_path()
            path.prepend("command-line", f"file://{Path(config_dir).resolve()}", SearchPathQuery(provider="schema"))
            loader().repository.initialize_sources(path)
        yield


def use_cache() -> None:
    """Lets Hydra compose through `CachingConfigLoader`."""
    running = GlobalHydra.instance().hydra
    assert running is not None
    running.config_loader = CachingConfigLoader(running.config_loader.get_search_path())


def compose(config_name: str, words: list[str], config_dir: str | None = None) -> Composition:
    """The configuration that `words` (`loss=wgan`, `train.steps=100`, ...) describe.

    Raises:
        ConfigError: for a mistyped group, choice or key, with the nearest name.
    """
    set_own_folders(own_folders(config_dir))
    origin = origin_of(config_name, words)
    check_primary_file(config_name, config_dir, origin)
    with composer(config_dir), composing(origin):
        overrides = parse(words)
        check_override_forms(overrides)
        check_single_choice(overrides, has_sweeps=config_name not in COMMANDS_WITHOUT_SWEEPS)
        check_groups(overrides)
        check_hydra_groups(overrides)
        if not loader().repository.config_exists(config_name):
            raise ConfigError("--config-name", "there is no such file in the search path", config_name)
        try:
            whole, note = compose_choices(config_name, overrides)
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            with suppress(HydraException, OmegaConfBaseException):  # the whole configuration itself may be at fault
                check_keys(config_name, overrides)
            raise composition_error(error, config_name, overrides) from error
        check_interpolations(whole)
        HydraConfig.instance().set_config(whole)  # so that ${hydra:...} resolves in the user's own YAML
        try:
            directory = Path(whole.hydra.run.dir)
        except OmegaConfBaseException as error:
            raise ConfigError("hydra.run.dir", f"can't be resolved: {first_cause(error)}") from error
        settings = whole.hydra
        with open_dict(whole):
            del whole["hydra"]
        automatic = automatic_config(whole, origin)
    if origin.restricts_values:
        check_hydra_settings(settings, own_hydra_settings(overrides), origin)
    check_typed_only(automatic.config, config_name, origin)
    choices = automatic.choose()
    notes = (note,) if note else ()
    return Composition(choices.config, directory, origin, dict(automatic.links), notes, whole, choices)


def automatic_config(whole: DictConfig, origin: ConfigOrigin) -> AutomaticConfig:
    """A composed configuration, without Hydra's settings, as plain containers; its budget gives its length.

    Where the length is planned when training starts, the steps are UNPLANNED, and `auto` in `whole`.
    """
    apply_budget(whole, origin)
    automatic = AutomaticConfig(to_plain(whole), find_links(whole), origin)
    if seconds_to_plan(automatic.config, origin) is None:
        return automatic
    whole.train.steps = AUTO
    return automatic.with_steps(UNPLANNED)


def own_hydra_settings(overrides: list[Override]) -> tuple[DictConfig, ...]:
    """Hydra's settings with those that the user typed, in two configurations of gan-cli with different launchers."""
    typed = (override.input_line or "" for override in overrides if override.key_or_group.startswith("hydra"))
    return hydra_settings_with(tuple(typed))


@lru_cache(maxsize=16)
def hydra_settings_with(typed: tuple[str, ...]) -> tuple[DictConfig, ...]:
    """As `own_hydra_settings`; composed once for the same words, which all jobs of a sweep have. Not to be changed."""
    with composer(None):
        try:
            composed = [hydra.compose(name, list(typed), return_hydra_config=True) for name in ("train", "eval")]
            return tuple(config.hydra for config in composed)
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            advice = "If you know the configuration in --config-dir, say trust=true."
            raise ConfigError("", first_cause(error), advice=advice) from error


def to_plain(config: DictConfig, throw_on_missing: bool = True) -> dict[str, Any]:
    """Plain containers with every interpolation resolved. Raises ConfigError where one can't be."""
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=throw_on_missing)
    except OmegaConfBaseException as error:
        key = error.full_key or ""
        if isinstance(error, MissingMandatoryValue):
            raise ConfigError(key, "is needed", advice=f"Give it as {key}=VALUE.") from error
        raise ConfigError(key, f"can't be resolved: {first_line(error)}") from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


SHORT_FOR = {"eval.metric": "metric", "eval.features": "features"}
"""Keys beside `eval.every` that people look for there, and the groups that they mean."""


def expand_shorthand(word: str) -> str:
    """`metric=[fid]` for `eval.metric=[fid]`; any other word as it is."""
    key, equals, value = word.partition("=")
    return f"{SHORT_FOR[key]}={value}" if equals and key in SHORT_FOR else word


def quote_if_needed(word: str) -> str:
    """`key=value` as Hydra can read it: what is no value in its grammar, such as `train[:80%]`, is put in quotes."""
    key, equals, value = word.partition("=")
    try:
        parse_override(word)
        return word
    except PARSER_ERRORS:
        return f"{key}={quoted(value)}" if equals else word


def expand_home(word: str) -> str:
    """`hydra.run.dir=~/x` with the home directory in place of `~`, which Hydra takes for the name of a folder."""
    key, _, value = word.partition("=")
    if key.lstrip("+") not in ("hydra.run.dir", "hydra.sweep.dir") or not value.strip("\"'").startswith("~"):
        return word
    return f"{key}={quoted(expand_user(key.lstrip('+'), value.strip(chr(34) + chr(39))))}"


def quoted(value: object) -> str:
    """A value that Hydra takes to the letter, whatever is in it."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def parse(words: list[str]) -> list[Override]:
    """Each word as Hydra reads it. Raises ConfigError for what is not of the form key=value."""
    overrides = []
    for word in words:
        try:
            overrides.append(replace(parse_override(word), config_loader=loader()))
        except PARSER_ERRORS as error:
            advice = "Put the value in quotes: 'key=\"a value\"'."
            if "=" not in word:
                advice = f"Settings are typed as key=value. {nearest(word, groups())}".strip()
            raise ConfigError("", f"can't read {word!r}; expected key=value", advice=advice) from error
    return overrides
