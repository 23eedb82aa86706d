"""How Hydra reads YAML files here: as always, but those whose aliases expand to too much are refused."""

from __future__ import annotations

from pathlib import Path

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigResult

from gan_cli.errors import ConfigError
from gan_cli.runs.yaml_limits import YamlLimitError, check_aliases


class LimitedFileSource(FileConfigSource):
    """A folder of YAML files, which may be somebody else's run directory."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Raises ConfigError for a file whose aliases expand to too much: OmegaConf copies what an alias names."""
        path = Path(self.path) / self._normalize_file_name(config_path)
        if path.is_file():
            try:
                check_aliases(path.read_text("utf-8", errors="replace"))
            except YamlLimitError as error:
                raise ConfigError("--config-dir", f"{path.name} can't be read: {error}", path.parent) from error
        return super().load_config(config_path)


def register_yaml_source() -> None:
    """Lets Hydra read folders through `LimitedFileSource`."""
    SourcesRegistry.instance().types[LimitedFileSource.scheme()] = LimitedFileSource
