"""How Hydra reads YAML files here: each once, and those whose aliases expand to too much are refused.

Hydra reads a file again for each of the lists and configurations that one command composes, some ten times, and to
parse it is most of the work (16 ms for train.yaml, 0.5 ms from its pickled configuration).
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.core_plugins.importlib_resources_config_source import ImportlibResourcesConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigResult

from gan_cli.errors import ConfigError
from gan_cli.runs.yaml_limits import YamlLimitError, check_aliases, check_brackets

PARSED: dict[tuple[str, ...], bytes] = {}
"""Pickled results by provider, folder, name and text of a file, so that a file that changes is read again.
They stay in this process: nothing that was stored is ever unpickled."""


class LimitedFileSource(FileConfigSource):
    """A folder of YAML files, which may be somebody else's run directory."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Raises ConfigError for a file that expands to too much: OmegaConf copies what an alias names."""
        path = Path(self.path) / self._normalize_file_name(config_path)
        if not path.is_file():
            return super().load_config(config_path)
        text = path.read_text("utf-8", errors="replace")
        return load_once(
            (self.provider, self.path, config_path, text), lambda: self.load_checked(config_path, path, text)
        )

    def load_checked(self, config_path: str, path: Path, text: str) -> ConfigResult:
        """A file, loaded when its aliases and brackets were counted."""
        try:
            check_brackets(text)
            check_aliases(text)
        except YamlLimitError as error:
            raise ConfigError("--config-dir", f"{path.name} can't be read: {error}", path.parent) from error
        return super().load_config(config_path)


class ParsedPackageSource(ImportlibResourcesConfigSource):
    """Hydra's own files, which are inside its package and do not change."""

    def load_config(self, config_path: str) -> ConfigResult:
        """As Hydra reads it."""
        return load_once(
            (self.provider, self.path, config_path), lambda: super(ParsedPackageSource, self).load_config(config_path)
        )


def load_once(key: tuple[str, ...], load: Callable[[], ConfigResult]) -> ConfigResult:
    """What `load` returned for `key` the first time, as a copy of its own, since Hydra changes what it is given."""
    if key not in PARSED:
        PARSED[key] = pickle.dumps(load())
    result = pickle.loads(PARSED[key])
    assert isinstance(result, ConfigResult)
    return result


def register_yaml_source() -> None:
    """Lets Hydra read folders through `LimitedFileSource`, and its own package through `ParsedPackageSource`."""
    SourcesRegistry.instance().types.update(
        {source.scheme(): source for source in (LimitedFileSource, ParsedPackageSource)}
    )
