"""Hydra's loader, which composes the same choices of groups once in a process.

To follow the defaults lists and to merge their files takes most of the time of a command's composition. What comes of
them depends on the chosen groups and on the files alone, so it is stored; other keys are set in a copy of it.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.defaults_list import DefaultsList
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

COMPOSED: dict[tuple[Any, ...], bytes] = {}
"""Pickled configurations by sources, states of files, name and choices.
They stay in this process: nothing that was stored is ever unpickled."""

DEFAULTS: dict[tuple[Any, ...], DefaultsList] = {}
"""The files and choices of configurations, by the same."""

MOST_STORED = 256
MOST_FILES = 1000
"""A folder with more of them is no folder of configurations, and to look at all takes longer than to compose."""

DIRECTORIES = ("hydra.run.dir", "hydra.sweep.dir")
"""Keys of Hydra that change nothing else of its settings."""


@lru_cache(maxsize=4096)
def parse_override(word: str) -> Override:
    """One word as Hydra reads it, parsed once a process; not to be changed. Raises what Hydra's parser raises."""
    return OverridesParser.create().parse_override(word)


class CachingConfigLoader(ConfigLoaderImpl):
    """Composes as Hydra does, with what was composed before of the same choices."""

    def _load_configuration_impl(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        state, split = self.state(), self.split(overrides)
        if state is None or split is None or run_mode != RunMode.RUN:
            return super()._load_configuration_impl(
                config_name, overrides, run_mode, from_shell, validate_sweep_overrides
            )
        choices, values = split
        key = (state, config_name, *choices)
        if key in COMPOSED:
            config = pickle.loads(COMPOSED[key])
        else:
            config = super()._load_configuration_impl(config_name, choices, run_mode, from_shell, False)
            if not (config.hydra.searchpath or config.hydra.job.env_copy):  # which have no part in `state`
                store(COMPOSED, key, pickle.dumps(config))
        self._apply_overrides_to_config(values, config)
        record_overrides(config, overrides)
        return config

    def compute_defaults_list(self, config_name: str | None, overrides: list[str], run_mode: RunMode) -> DefaultsList:
        """The files of a configuration and the choice of each group; not to be changed."""
        state, split = self.state(), self.split(overrides)
        if state is None or split is None or split[1] or run_mode != RunMode.RUN:
            return super().compute_defaults_list(config_name, overrides, run_mode)
        key = (state, config_name, *split[0])
        if key not in DEFAULTS:
            store(DEFAULTS, key, super().compute_defaults_list(config_name, overrides, run_mode))
        return DEFAULTS[key]

    def split(self, words: list[str]) -> tuple[list[str], list[Override]] | None:
        """The words that choose from groups, and the others; None where what they compose is not stored."""
        try:
            overrides = [parse_override(word) for word in words]
        except HydraException:  # which is raised again with its message
            return None
        if any(is_setting_of_hydra(one) for one in overrides):
            return None
        choices, values = [], []
        for word, override in zip(words, overrides, strict=True):
            if isinstance(override.value(), dict) or not self.repository.group_exists(override.key_or_group):
                values.append(override)
            else:
                choices.append(word)
        return choices, values

    def state(self) -> tuple[Any, ...] | None:
        """What tells whether files have changed; None for folders with too many files or with links to others."""
        sources = [(source.scheme(), source.provider, source.path) for source in self.repository.get_sources()]
        files = [one for scheme, _, path in sources if scheme == "file" for one in file_states(Path(path))]
        if len(files) > MOST_FILES or None in files:
            return None
        return (*sources, *files)


def is_setting_of_hydra(override: Override) -> bool:
    """Whether an override may change how Hydra itself composes, or asks for several values."""
    key = override.key_or_group
    return override.is_sweep_override() or (key.startswith("hydra") and key not in DIRECTORIES)


def file_states(folder: Path) -> Iterator[tuple[Any, ...] | None]:
    """Path, inode, time of the last change and size of each file in a folder and below; None for a link to a folder.

    No more than the first `MOST_FILES` and one.
    """
    folders, found = [folder], 0
    while folders and found <= MOST_FILES:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            continue
        for entry in entries[: MOST_FILES + 1 - found]:
            if entry.is_dir() and entry.is_symlink():
                yield None
            elif entry.is_dir():
                folders.append(Path(entry.path))
                yield (entry.path,)
            else:
                state = entry.stat(follow_symlinks=Path(entry.path).exists())
                yield entry.path, state.st_ino, state.st_mtime_ns, state.st_size
        found += len(entries)


def store(cache: dict[tuple[Any, ...], Any], key: tuple[Any, ...], value: Any) -> None:
    """Adds to a cache, which is emptied where it is full."""
    if len(cache) >= MOST_STORED:
        cache.clear()
    cache[key] = value


def record_overrides(config: DictConfig, words: list[str]) -> None:
    """Writes into Hydra's settings what was typed, and the working folder of today."""
    overrides = [parse_override(word) for word in words]
    task = [one for one in overrides if not one.is_hydra_override()]
    settings = config.hydra
    settings.overrides.hydra = [one.input_line for one in overrides if one.is_hydra_override()]
    settings.overrides.task = [one.input_line for one in task]
    names = settings.job.config.override_dirname
    settings.job.override_dirname = get_overrides_dirname(
        overrides=task, kv_sep=names.kv_sep, item_sep=names.item_sep, exclude_keys=names.exclude_keys
    )
    settings.runtime.cwd = str(Path.cwd())
