"""The parts that all commands share: parse flags and settings, call Hydra, report errors."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, NoReturn

import hydra
import yaml
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_cli.config.compose import (
    HYDRA_VERSION_BASE,
    Composition,
    compose,
    expand_home,
    expand_shorthand,
    hydra_settings_with,
    quote_if_needed,
)
from gan_cli.config.config_directory import config_directory
from gan_cli.config.primary_config import origin_of, read_overrides
from gan_cli.config.resolvers import register_resolvers
from gan_cli.config.target_allowlist import composing
from gan_cli.errors import ConfigError, nearest
from gan_cli.output_streams import OutputError, printable, protect_output
from gan_cli.runs.stored_linked_keys import has_key, value_at

BARE_FLAGS = ("multirun", "resolve", "shell_completion", "hydra_help")
MISCONFIGURED = 2
INTERRUPTED = 130
FAILED = 1


def read_command_line(program: str, arguments: list[str], help_text: Callable[[str | None], str]) -> argparse.Namespace:
    """Parses Hydra's flags, with the settings in `overrides`. Answers --help and --version itself.

    Raises:
        ConfigError: for an unknown flag.
    """
    if "--version" in arguments:
        print(f"{program} {version('gan-cli')}")
        sys.exit(0)
    parser = get_args_parser()
    parser.prog = program

    def refuse(message: str) -> NoReturn:
        raise ConfigError("", message, advice=f"Settings are typed as key=value. See {program} --help")

    parser.error = refuse  # type: ignore[method-assign]
    flags = parser.parse_intermixed_args(arguments)
    flags.overrides = [quote_if_needed(expand_home(expand_shorthand(word))) for word in flags.overrides]
    if flags.experimental_rerun is not None:
        raise ConfigError("--experimental-rerun", "reads a pickle, which can run code", advice="Use resume=RUN.")
    if flags.config_path is not None:
        raise ConfigError("--config-path", "is not used here", flags.config_path, "Use --config-dir=FOLDER.")
    check_flags(flags)
    if flags.multirun and (flags.cfg or flags.info):
        raise ConfigError("", "-m does not go with --cfg or --info", advice="Show one job: leave out -m.")
    if flags.help:
        print(help_text(flags.config_dir))
        sys.exit(0)
    return flags


def check_flags(flags: argparse.Namespace) -> None:
    """Raises ConfigError for flags and directories that would have no effect."""
    for name in ("package", "resolve"):
        if getattr(flags, name) and not flags.cfg:
            raise ConfigError(f"--{name}", "has no effect without --cfg", advice="Add --cfg job.")
    unused, used = ("run", "sweep") if flags.multirun else ("sweep", "run")
    for word in flags.overrides:
        key, _, value = word.partition("=")
        if key.lstrip("+") == f"hydra.{unused}.dir":
            when = "with -m" if flags.multirun else "without -m"
            raise ConfigError(f"hydra.{unused}.dir", f"has no effect {when}", advice=f"Use hydra.{used}.dir={value}")


def print_config(flags: argparse.Namespace, whole: DictConfig) -> None:
    """Prints the configuration of the job as `--cfg job` asks for it, or a part of it.

    Raises:
        ConfigError: for a part that it does not have.
    """
    config: Any = whole
    if flags.package and flags.package != "_global_":
        try:
            config = OmegaConf.select(whole, flags.package)
        except OmegaConfBaseException:
            config = None
        if not OmegaConf.is_config(config):
            raise no_such_part(flags.package, whole)
        print(f"# @package {flags.package}")
    print(OmegaConf.to_yaml(config, resolve=flags.resolve), end="")


def print_plain_config(flags: argparse.Namespace, whole: Mapping[str, Any]) -> None:
    """As `print_config`, for a configuration read from disk: text in it that looks like an interpolation stays text."""
    config: Any = whole
    if flags.package and flags.package != "_global_":
        if not has_key(whole, flags.package) or not isinstance(value_at(whole, flags.package), Mapping | list):
            raise no_such_part(flags.package, whole)
        config = value_at(whole, flags.package)
        print(f"# @package {flags.package}")
    print(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), end="")


def check_package(flags: argparse.Namespace, job: DictConfig) -> None:
    """Raises ConfigError for a part that is not in what `--cfg hydra` or `--cfg all` shows.

    Args:
        flags: with `cfg` and `package`.
        job: the configuration without Hydra's settings.
    """
    if flags.package == "_global_":
        return
    parts = {"hydra": hydra_settings_with(())[0], **(job if flags.cfg == "all" else {})}
    name, _, below = flags.package.partition(".")
    try:
        found = name in parts and (not below or OmegaConf.is_config(OmegaConf.select(parts[name], below)))
    except OmegaConfBaseException:
        found = False
    if not found:
        raise no_such_part(flags.package, parts)


def no_such_part(package: str, whole: Iterable[Any]) -> ConfigError:
    keys = [str(name) for name in whole]
    advice = nearest(package, keys) or f"Parts: {', '.join(keys)}."
    return ConfigError("--package", "the configuration has no such part", package, advice)


ERRORS_OF_NAMES = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR)
"""System errors that concern a name that was typed, and not the disk or the memory."""


@contextmanager
def os_errors_as_mistakes(words: Sequence[str], numbers: Sequence[int] | None = None) -> Iterator[None]:
    """Turns an error of the operating system, for a name that is too long, say, into one that names the key.

    Args:
        words: what was typed.
        numbers: of the errors that are turned; None for all.
    """
    try:
        yield
    except OSError as error:
        if numbers is not None and error.errno not in numbers:
            raise
        name = str(error.filename or "")
        values = {word.partition("=")[2].strip("\"'"): word.partition("=")[0] for word in words}
        named = max((value for value in values if value and value in name), key=len, default=None)
        key = "" if named is None else values[named]
        raise ConfigError(key, f"{error.strerror or error}: {name[:80]}") from error


def hand_to_hydra(program: str, flags: argparse.Namespace, config_name: str, job: Callable[..., object]) -> None:
    """Runs Hydra for its own flags: show a configuration, complete words, sweep over jobs.

    Raises:
        ConfigError: where a stored configuration names code that Hydra would run.
    """
    origin = origin_of(config_name, flags.overrides)
    if origin.restricts_values:
        single = [override for override in read_overrides(flags.overrides) if not override.is_sweep_override()]
        compose(config_name, [override.input_line or "" for override in single], flags.config_dir)
    if flags.package:
        check_package(flags, compose(config_name, flags.overrides, flags.config_dir).unresolved)
    register_resolvers()
    sys.argv = [program, *flag_words(flags), *flags.overrides]
    with composing(origin):
        hydra.main(config_path=str(config_directory()), config_name=config_name, version_base=HYDRA_VERSION_BASE)(job)()


def composed(
    program: str, config_name: str, arguments: list[str], help_text: Callable[[str | None], str], advice: str
) -> Composition | None:
    """Composes the configuration of a command without sweeps; None if its flags ask Hydra for something else.

    Args:
        advice: what to do instead of a sweep.
    """
    flags = read_command_line(program, arguments, help_text)
    if flags.multirun:
        raise ConfigError("", f"{program} has no sweeps", advice=advice)
    if flags.config_name is not None:
        advice = "Type the settings as key=value."
        raise ConfigError("--config-name", f"is not used by {program}", flags.config_name, advice)
    if flags.cfg or flags.info:
        composition = compose(config_name, flags.overrides, flags.config_dir)
        if flags.cfg == "job":
            print_config(flags, composition.unresolved)
            return None
    if flags.cfg or flags.info or flags.shell_completion or flags.hydra_help:
        hand_to_hydra(program, flags, config_name, print)
        return None
    return compose(config_name, flags.overrides, flags.config_dir)


def flag_words(flags: argparse.Namespace) -> list[str]:
    """The flags as words for Hydra's parser."""
    words = [f"--{name.replace('_', '-')}" for name in BARE_FLAGS if getattr(flags, name)]
    values = {name: getattr(flags, name) for name in ("cfg", "package", "info", "config_dir", "config_name")}
    return words + [f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value is not None]


def isolate_child_processes() -> None:
    """Keeps the working folder off `sys.path` of Python processes that this one starts, in whatever way."""
    os.environ["PYTHONSAFEPATH"] = "1"


@contextmanager
def report_errors(program: str) -> Iterator[None]:
    """Shows what the user can mend as one short message, with exit code 2, and faults of the system with exit code 1.

    Output that breaks meanwhile raises nothing; see `gan_cli.output_streams`.
    """
    with protect_output():
        try:
            yield
        except ConfigError as error:
            fail(f"{program}: {error}", MISCONFIGURED)
        except KeyboardInterrupt:
            fail(f"{program}: interrupted", INTERRUPTED)
        except BrokenPipeError:  # `gan-eval ... | head -1`: the reader has seen enough
            sys.exit(FAILED)
        except OutputError as error:
            fail(f"{program}: standard output can't be written ({error.strerror})", FAILED)
        except OSError as error:  # a full disk, a folder without permission
            fail(f"{program}: {describe_os_error(error)}", FAILED)


def fail(message: str, code: int) -> NoReturn:
    print(printable(message, keep="\n\t"), file=sys.stderr)
    sys.exit(code)


def describe_os_error(error: OSError) -> str:
    """What the system refused and where, such as "No space left on device: run/metrics.jsonl"."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename}" if error.filename else reason
