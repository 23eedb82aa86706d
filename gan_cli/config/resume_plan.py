"""`resume=RUN`: finds the run and the configuration with which it is continued."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.config.resume_overrides import apply_words, check_complete
from gan_cli.errors import ConfigError, show
from gan_cli.runs.run_directory import (
    RunDirectory,
    find_run,
    read_config,
    read_linked_config,
    read_overrides,
    unfinished_runs,
)
from gan_cli.runs.stored_linked_keys import links_in, resolve_links

FIXED = ("model.", "optimizer._target_", "train.pack")
"""Keys whose change would break the saved state."""

SWITCHES = ("resume", "dry_run", "trust")
"""Keys that say how a run is started, not what it is."""


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
    """A run to continue, and how.

    Attributes:
        run: its directory.
        config: the configuration to continue with.
        links: keys of it whose value follows another key.
        overrides: what was typed at the beginning and since.
        changes: what differs from the run so far.
    """

    run: RunDirectory
    config: dict[str, Any]
    links: dict[str, str]
    overrides: list[str]
    changes: list[Change]


def plan_resume(directory: Path, words: list[str], config_dir: str | None) -> ResumePlan:
    """The run in `directory` with what the user types now.

    Raises:
        ConfigError: where there is no such run, or a change would break its state.
    """
    run = find_run("resume", directory)
    stored, previous = read_linked_config(run), read_overrides(run)
    linked, overrides = stored, previous
    typed = [word for word in words if key_of(word) not in SWITCHES]
    if typed:
        linked = apply_words(stored, previous, typed, config_dir)
        overrides = merge_overrides(previous, typed)
    config = resolve_links(linked)
    check_complete(config)
    changes = differences(resolve_links(stored), config)
    check_changes(changes)
    return ResumePlan(run, {**config, **switches(words)}, dict(links_in(linked)), overrides, changes)


def key_of(word: str) -> str:
    """The key of a typed `key=value`."""
    return word.partition("=")[0].lstrip("+~").partition("@")[0]


def merge_overrides(before: list[str], now: list[str]) -> list[str]:
    """Both, a later word taking the place of an earlier one for the same key."""
    return list({key_of(word): word for word in (*before, *now)}.values())


def switches(words: list[str]) -> dict[str, Any]:
    """The keys that say how to run rather than what."""
    given = dict(word.lstrip("+").split("=", 1) for word in words if "=" in word)
    flags: dict[str, Any] = {"resume": given.get("resume")}
    for key in ("dry_run", "trust"):
        flags[key] = {"true": True, "false": False}.get(given.get(key, "false").lower(), given.get(key))
    return flags


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
        if change.key == "eval.held_out" and is_more(change.now, change.before or 0.0):
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


def is_more(now: Any, before: Any) -> bool:
    """Whether a number grows. What is no number is refused where the section is built, with what was expected."""
    numbers = (isinstance(value, int | float) and not isinstance(value, bool) for value in (now, before))
    return all(numbers) and now > before


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
