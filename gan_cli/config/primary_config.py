"""A whole configuration in --config-dir: what it may ask of Hydra and of the command.

`gan-train --config-dir=RUN --config-name=config` repeats a run. The run may be somebody else's. Hydra runs code that
its own settings name (launcher, sweeper, callbacks, logging, search path) and writes where they say, so such a
configuration may set directories below the working folder, and nothing else of Hydra.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import yaml
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from gan_cli.config.composition_cache import parse_override
from gan_cli.config.config_trust import ConfigOrigin
from gan_cli.errors import ConfigError
from gan_cli.runs.yaml_limits import load_yaml

COMMAND_CONFIGS = ("train", "sample", "eval", "human", "tournament")
"""Names of the whole configurations of gan-cli, one a command."""

DIRECTORIES = ("run", "sweep", "output_subdir")
"""Settings of Hydra that a stored configuration may have."""

PER_COMPOSITION = (*DIRECTORIES, "overrides", "runtime", "mode")
JOB_SETTINGS = ("chdir", "env_set", "env_copy")
"""Settings of `hydra.job` that change what a job does; the others name it."""

SUBFOLDERS = (None, "${path_name:${hydra.job.override_dirname}}", "${hydra.job.num}")
TIME = re.compile(r"\$\{now:[^{}]*\}")

NEVER_STORED = ("trust", "resume", "output")
"""Keys that only the user may set: they allow code, or name what is written to."""

PARSER_ERRORS = (HydraException, ValueError, RecursionError)
"""What Hydra's parser raises for a word; the latter two for a number of thousands of digits, and for deep brackets."""

ADVICE = "If you know that configuration, say trust=true."


def origin_of(config_name: str, words: Sequence[str]) -> ConfigOrigin:
    """Where the configuration comes from that `words` compose."""
    overrides = read_overrides(words)
    trust = any(override.key_or_group == "trust" and override.value() is True for override in overrides)
    return ConfigOrigin(is_stored=is_foreign(config_name), trust=trust, typed_keys=keys_in(overrides))


def read_overrides(words: Sequence[str]) -> list[Override]:
    """The words that Hydra can read; the others are refused later, with advice."""
    overrides = []
    for word in words:
        try:
            overrides.append(parse_override(word))
        except PARSER_ERRORS:
            continue
    return overrides


def typed_keys(words: Sequence[str]) -> frozenset[str]:
    """The dotted keys and groups that the user typed, also those in a typed mapping."""
    return keys_in(read_overrides(words))


def keys_in(overrides: Iterable[Override]) -> frozenset[str]:
    return frozenset(key for override in overrides for key in keys_below(override.key_or_group, override.value()))


def keys_below(key: str, value: Any) -> Iterator[str]:
    """`key`, and the dotted keys of the mappings in its value."""
    yield key
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from keys_below(f"{key}.{name}", inner)


def is_foreign(config_name: str) -> bool:
    """Whether the whole configuration is none of gan-cli's own, which are found first.

    Raises:
        ConfigError: for a name that leads out of --config-dir.
    """
    if ".." in PurePath(config_name).parts or PurePath(config_name).is_absolute():
        raise ConfigError("--config-name", "expected the name of a file in --config-dir", config_name)
    return config_name.removesuffix(".yaml") not in COMMAND_CONFIGS


def primary_file(config_name: str, config_dir: str) -> Path:
    """The file that Hydra reads for that name, which may end in .yaml already."""
    return Path(config_dir) / (config_name if config_name.endswith(".yaml") else f"{config_name}.yaml")


def check_primary_file(config_name: str, config_dir: str | None, origin: ConfigOrigin) -> None:
    """Raises ConfigError where a stored configuration sets more of Hydra than directories; before Hydra reads it.

    A search path in it is followed while Hydra composes, and may name a package to import.
    """
    if not origin.restricts_values or config_dir is None:
        return
    path = primary_file(config_name, config_dir)
    try:
        content = load_yaml(path.read_text("utf-8")) if path.is_file() else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError("--config-name", f"can't be read: {error}", path) from error
    settings = content.get("hydra") if isinstance(content, dict) else None
    if settings is not None and not isinstance(settings, dict):
        raise ConfigError("hydra", f"is set in {path}, and may name code", advice=ADVICE)
    refuse_first(sorted(str(key) for key in set(settings or ()) - set(DIRECTORIES)), f"in {path}")


def check_hydra_settings(composed: DictConfig, expected: Sequence[DictConfig], origin: ConfigOrigin) -> None:
    """Raises ConfigError where a stored configuration changes Hydra's settings, or writes outside the working folder.

    Args:
        composed: Hydra's settings as composed.
        expected: the same, of gan-cli's own configurations with what the user typed; one of them has to be met.
    """
    plain: Any = OmegaConf.to_container(composed, resolve=False)
    usual: Any = [OmegaConf.to_container(settings, resolve=False) for settings in expected]
    refuse_first(min((sorted(changed(plain, one)) for one in usual), key=len), "in the configuration")
    directories = {"run.dir": plain["run"]["dir"], "sweep.dir": plain["sweep"]["dir"]}
    for key, directory in directories.items():
        if f"hydra.{key}" not in origin.typed_keys and not is_below_working_folder(str(directory)):
            problem = "names a place outside the working folder, which a configuration read from disk may not choose"
            raise ConfigError(f"hydra.{key}", problem, directory, f"Type hydra.{key}=... yourself.")
    subfolder, output = plain["sweep"]["subdir"], plain["output_subdir"]
    if "hydra.sweep.subdir" not in origin.typed_keys and subfolder not in SUBFOLDERS:
        raise ConfigError("hydra.sweep.subdir", "is set in the configuration", subfolder, ADVICE)
    if "hydra.output_subdir" not in origin.typed_keys and output not in (None, ".hydra"):
        raise ConfigError("hydra.output_subdir", "is set in the configuration", output, ADVICE)


def changed(plain: Mapping[str, Any], usual: Mapping[str, Any]) -> set[str]:
    """Settings of Hydra that differ, but for directories and what belongs to one composition."""
    keys = (set(plain) | set(usual)) - {*PER_COMPOSITION, "job"}
    differing = {key for key in keys if plain.get(key) != usual.get(key)}
    jobs = [node.get("job") or {} for node in (plain, usual)]
    return differing | {f"job.{key}" for key in JOB_SETTINGS if jobs[0].get(key) != jobs[1].get(key)}


def refuse_first(keys: Sequence[str], where: str) -> None:
    if keys:
        raise ConfigError(f"hydra.{keys[0]}", f"is set {where}, and may name code", advice=ADVICE)


def is_below_working_folder(directory: str) -> bool:
    """Whether a directory, in which only the time is filled in later, lies below the working folder, links followed."""
    text = TIME.sub("now", directory)
    path = PurePath(text)
    if "$" in text or text.startswith("~") or path.is_absolute() or ".." in path.parts:
        return False
    return Path(text).resolve().is_relative_to(Path.cwd().resolve())


def check_typed_only(config: Mapping[str, Any], config_name: str, origin: ConfigOrigin) -> None:
    """Raises ConfigError where a stored configuration sets what only the user may set."""
    if not origin.restricts_values:
        return
    for key in NEVER_STORED:
        if config.get(key) not in (None, False) and key not in origin.typed_keys:
            problem = f"is set in {config_name}.yaml of --config-dir, where only you may set it"
            raise ConfigError(key, problem, config[key], f"Type {key}=... yourself, or take it out of that file.")
