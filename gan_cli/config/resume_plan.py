"""`resume=...`: the configuration with which a run goes on.

The run's own config.yaml is the base, so that it goes on as it began even where defaults have changed since. What the
user types now is laid over it: the configuration is composed twice, with what was typed at the beginning, and with that
and what is typed now; where the two differ, the second one counts.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from gan_cli.config.compose import compose
from gan_cli.errors import ConfigError, show
from gan_cli.runs.run_directory import RunDirectory, find_run, read_config, read_overrides, unfinished_runs

FIXED = ("model.", "optimizer._target_", "train.pack")
"""Keys whose change would break the saved state."""
SWITCHES = ("resume", "dry_run", "trust")


@dataclass(frozen=True)
class Change:
    """A key whose value differs from that of the run so far."""

    key: str
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.key}: {show(self.before)} -> {show(self.now)}"


@dataclass(frozen=True)
class ResumePlan:
    """A run to go on with, and how.

    Attributes:
        run: its directory.
        config: the configuration to go on with.
        overrides: what was typed at the beginning and since.
        changes: what differs from the run so far.
    """

    run: RunDirectory
    config: dict[str, Any]
    overrides: list[str]
    changes: list[Change]


def plan_resume(directory: Path, words: list[str], config_dir: str | None) -> ResumePlan:
    """The run in `directory` with what the user types now.

    Raises:
        ConfigError: where there is no such run, or a change would break its state.
    """
    run = find_run("resume", directory)
    stored = read_config(run)
    typed = [word for word in words if word.partition("=")[0].lstrip("+") not in SWITCHES and not is_hydra(word)]
    previous_overrides = read_overrides(run)
    config, changes = stored, []
    if typed:
        overrides = merge_overrides(previous_overrides, typed)
        config = compose_over_stored(stored, previous_overrides, overrides, config_dir) or set_keys_over_stored(
            stored, typed
        )
        changes = differences(stored, config)
        check_changes(changes)
    else:
        overrides = previous_overrides
    return ResumePlan(run, {**config, **switches(words)}, overrides, changes)


def compose_over_stored(
    stored: dict[str, Any], previous_overrides: list[str], overrides: list[str], config_dir: str | None
) -> dict[str, Any] | None:
    """`stored` with what composing with `overrides` changes; None where the beginning can't be composed again.

    That is so for a run with groups of the user's own, without their --config-dir.
    """
    try:
        before = compose("train", previous_overrides, config_dir).config
    except ConfigError:
        return None
    changed: dict[str, Any] = overlay(stored, before, compose("train", overrides, config_dir).config)
    return changed


def set_keys_over_stored(stored: dict[str, Any], typed: list[str]) -> dict[str, Any]:
    """`stored` with single keys set. Raises ConfigError for a key that it does not have."""
    config = deepcopy(stored)
    for override in (OverridesParser.create().parse_override(word) for word in typed):
        *parents, name = override.key_or_group.split(".")
        node: Any = config
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if not isinstance(node, dict) or name not in node or isinstance(node[name], dict):
            advice = "Groups of your own are found with --config-dir, as when the run began."
            raise ConfigError(override.key_or_group, "is no key of this run's config.yaml", advice=advice)
        node[name] = override.value()
    return config


def is_hydra(word: str) -> bool:
    return word.lstrip("+~").startswith("hydra")


def merge_overrides(before: list[str], now: list[str]) -> list[str]:
    """Both, a later word taking the place of an earlier one for the same key."""
    merged = {word.partition("=")[0].lstrip("+~"): word for word in (*before, *now)}
    return list(merged.values())


def switches(words: list[str]) -> dict[str, Any]:
    """The keys that say how to run rather than what."""
    given = dict(word.split("=", 1) for word in words if "=" in word)
    flags: dict[str, Any] = {"resume": given.get("resume")}
    for key in ("dry_run", "trust"):
        flags[key] = {"true": True, "false": False}.get(given.get(key, "false").lower(), given.get(key))
    return flags


def overlay(stored: Any, before: Any, now: Any) -> Any:
    """`stored` with every difference between `before` and `now` made in it too.

    Where a group's choice changes, and with it the class, the whole node is taken from `now`.
    """
    if before == now:
        return stored
    mappings = all(isinstance(value, dict) for value in (stored, before, now))
    if not mappings or before.get("_target_") != now.get("_target_"):
        return now
    kept = {key: value for key, value in stored.items() if key in now or key not in before}
    # A key that did not exist when the run began, and has not been typed, stays away: the class has its default.
    changed = {
        key: overlay(stored.get(key), before.get(key), value)
        for key, value in now.items()
        if key in stored or key not in before or before[key] != value
    }
    return {**kept, **changed}


def differences(before: Any, now: Any, key: str = "") -> list[Change]:
    """Each leaf that differs, with its dotted key."""
    if isinstance(before, dict) and isinstance(now, dict):
        names = [name for name in (*before, *(n for n in now if n not in before)) if name not in SWITCHES]
        return [
            change
            for name in names
            for change in differences(before.get(name), now.get(name), f"{key}.{name}" if key else str(name))
        ]
    return [] if before == now else [Change(key, before, now)]


def check_changes(changes: list[Change]) -> None:
    """Raises ConfigError for a change that the saved state does not survive."""
    for change in changes:
        if change.key == "eval.held_out" and change.now > (change.before or 0.0):
            problem = f"the run was begun with {show(change.before)}, and has seen examples that would be kept aside"
            raise ConfigError(change.key, problem, change.now, "Start a new run for that.")
        scaled = change.key == "train.precision" and "mixed_float16" in (change.before, change.now)
        if scaled or change.key.startswith(FIXED) or change.key in ("model", "optimizer"):
            raise ConfigError(
                change.key,
                f"the run was begun with {show(change.before)}, and its saved state does not fit another",
                change.now,
                "Start a new run for that.",
            )


def find_resumable_run(config: dict[str, Any], directory: Path) -> RunDirectory | None:
    """The run in `directory` itself, or the newest unfinished one beside it, with the same configuration.

    None where there is none. One that is training now is left alone.
    """
    named = RunDirectory(directory)
    for run in [named] if named.config.exists() else unfinished_runs(directory.parent):
        try:
            stored = read_config(run)
        except ConfigError:
            continue
        if not differences(stored, config) and not run.is_locked():
            return run
    return None
