"""`resume=RUN`: finds the run and the configuration with which it is continued."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.config.automatic_values import AutomaticConfig, ChosenConfig
from gan_cli.config.budget import check_single_length
from gan_cli.config.config_trust import STORED, ConfigOrigin
from gan_cli.config.primary_config import typed_keys
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

FREEZE = ("train.freeze_discriminator", "train.freeze_generator")
"""Keys that say which variables have optimizer state."""

START = "train.start_from"
"""The key of the weights that a run begins with, which a resumed run does not take again."""

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
        choices: the configuration to continue with.
        overrides: what was typed at the beginning and since.
        changes: what differs from the run so far.
    """

    run: RunDirectory
    choices: ChosenConfig
    overrides: list[str]
    changes: list[Change]

    @property
    def config(self) -> dict[str, Any]:
        """The configuration as plain containers."""
        return self.choices.config


@dataclass(frozen=True)
class WantedRun:
    """A run as it would begin now.

    Attributes:
        choices: its configuration.
        words: what was typed, but for `SWITCHES`.
    """

    choices: ChosenConfig
    words: list[str]


def plan_resume(directory: Path, words: list[str], config_dir: str | None, origin: ConfigOrigin = STORED) -> ResumePlan:
    """The run in `directory` with what the user types now.

    Raises:
        ConfigError: where there is no such run, or a change would break its state.
    """
    run = find_run("resume", directory)
    stored, previous = read_linked_config(run), read_overrides(run)
    linked, overrides = stored, previous
    typed = [word for word in words if key_of(word) not in SWITCHES]
    start = typed_value(typed, START)
    if start not in (None, "null"):  # also where it is that of the beginning: it reads as another start
        check_start(Change(START, None, start))
    if typed:
        linked = apply_words(stored, previous, typed, config_dir)
        overrides = merge_overrides(previous, typed)
        replace_budget(linked, typed_keys(typed))
    composed, links = {**resolve_links(linked), **switches(words)}, dict(links_in(linked))
    check_complete(composed)
    choices = AutomaticConfig(composed, links, origin).choose()
    changes = differences(resolve_links(stored), choices.config)
    check_changes(changes)
    return ResumePlan(run, choices, overrides, changes)


def replace_budget(linked: dict[str, Any], typed: Collection[str]) -> None:
    """Takes the budget out of a configuration whose length is typed: it is not what the steps follow from any more."""
    train = linked.get("train")
    if isinstance(train, dict) and train.get("budget") is not None and "train.steps" in typed:
        check_single_length(typed, train["budget"])
        train["budget"] = None


def key_of(word: str) -> str:
    """The key of a typed `key=value`."""
    return word.partition("=")[0].lstrip("+~").partition("@")[0]


def typed_value(words: list[str], key: str) -> str | None:
    """The value of a key that is typed, as it stands there; None where it is not typed."""
    return next((word.partition("=")[2] for word in reversed(words) if key_of(word) == key), None)


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
        check_start(change)
        if change.key == "train.budget" and change.now is not None:
            problem = "a run that is resumed keeps the length that was planned"
            raise ConfigError(change.key, problem, change.now, "For another length type train.steps=N.")
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


def check_start(change: Change) -> None:
    """Raises ConfigError for other initial weights, or for other frozen layers, than those the run was begun with."""
    if change.key == START:
        problem = "a run that is resumed has weights of its own, and goes on with them"
        advice = "Start a new run from those weights: leave resume out. To resume, leave train.start_from out."
        raise ConfigError(change.key, problem, change.now, advice)
    if change.key in FREEZE and (change.before or 0) != (change.now or 0):
        problem = f"the run was begun with {change.before or 0}, and its optimizer state does not fit another"
        raise ConfigError(change.key, problem, change.now, "Start a new run: train.start_from=RUN.")


def is_more(now: Any, before: Any) -> bool:
    """Whether a number grows. What is no number is refused where the section is built, with what was expected."""
    numbers = (isinstance(value, int | float) and not isinstance(value, bool) for value in (now, before))
    return all(numbers) and now > before


def plan_automatic_resume(wanted: WantedRun, directory: Path) -> ResumePlan | None:
    """`resume=auto`: the run in `directory` itself, or the newest unfinished one beside it, that is the wanted one.

    None where there is none. One that is training now is left alone.
    """
    named = RunDirectory(directory)
    for run in [named] if named.config.exists() else unfinished_runs(directory.parent):
        try:
            choices = choices_of_same_run(run, wanted)
        except ConfigError:
            continue
        if choices is not None and not run.is_locked():
            return ResumePlan(run, choices, wanted.words, [])
    return None


def choices_of_same_run(run: RunDirectory, wanted: WantedRun) -> ChosenConfig | None:
    """The configuration with which the wanted run is continued in `run`; None where that is another run.

    A run of the same words keeps what rules chose when it began: the data may have grown since, or a rule changed. One
    with the same budget keeps the steps that were planned for it.
    """
    stored = read_config(run)
    automatic = wanted.choices.automatic.with_planned_length(stored)
    choices = wanted.choices if automatic is wanted.choices.automatic else automatic.choose(wanted.choices.data)
    if not differences(stored, choices.config):
        return ChosenConfig(automatic, choices.config)
    typed = [word for word in wanted.words if not word.lstrip("+~").startswith("hydra")]
    config = automatic.with_values_of(stored)
    is_same = sorted(typed) == sorted(read_overrides(run)) and not differences(stored, config)
    return ChosenConfig(automatic, config) if is_same else None
