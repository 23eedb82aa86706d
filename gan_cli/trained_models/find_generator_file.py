"""Finds the file that a generator is loaded from, and the configuration of its run, without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan_cli.config.config_trust import stored
from gan_cli.config.job_builder import stored_section
from gan_cli.config.target_allowlist import check_targets
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, nearest
from gan_cli.runs.checkpoint import (
    DamagedCheckpointError,
    checkpoint_path,
    checkpoint_step,
    list_checkpoints,
    read_checkpoint_header,
)
from gan_cli.runs.run_directory import find_run, read_config
from gan_cli.sampling.generator_weights import RAW


def find_source(run: str | None, checkpoint: str | None, step: int | str | None) -> Path:
    """The file that a generator is to be loaded from, found without TensorFlow.

    Raises:
        ConfigError: where there is none.
    """
    if checkpoint is not None:
        path = Path(checkpoint)
        if not path.is_file():
            siblings = [p.name for p in path.absolute().parent.glob("*")] if path.absolute().parent.is_dir() else []
            raise ConfigError("checkpoint", "there is no such file", checkpoint, nearest(path.name, siblings))
        if path.suffix not in (".npz", ".keras"):
            raise ConfigError("checkpoint", "expected a checkpoint (.npz) or a generator.keras", checkpoint)
        return path
    directory = find_run("run", Path(run or ""))
    saved = list_checkpoints(directory.checkpoints)
    if step == "best":
        if not directory.best.is_file():
            advice = "A run keeps it where it is measured while it trains: gan-train metric=[fid]."
            raise ConfigError("step", "the run has no checkpoints/best.npz", step, advice)
        return directory.best
    if step is not None:
        path = checkpoint_path(directory.checkpoints, int(step))
        if path not in saved:
            steps = ", ".join(str(checkpoint_step(p)) for p in reversed(saved)) or "none"
            raise ConfigError("step", f"the run has no checkpoint of that step; it has {steps}", step)
        return path
    if saved:
        return directory.checkpoints
    if directory.generator.is_file():
        return directory.generator
    raise ConfigError("run", "has no checkpoint yet", run, "Train it further: gan-train resume=" + str(run))


def check_source(source: Path, config: dict[str, Any] | None, weights: str, trust: bool) -> None:
    """Raises ConfigError for a generator that `load_source` would refuse, as far as that is known without loading it.

    Args:
        source: what `find_source` returned.
        config: of its run, as `read_source_config` returned it; None where it is not known.
        weights: `ema` or `raw`.
        trust: whether code that the run names outside gan_cli may be run.
    """
    if source.suffix == ".keras":
        if weights == RAW:
            raise ConfigError("weights", "a .keras file holds the EMA weights alone", weights)
    elif config is not None:
        check_targets({"model": stored_section(config, "model")}, stored(trust))


def read_source_config(source: Path, run: str | None) -> tuple[dict[str, Any] | None, DataSpec | None]:
    """The configuration of the run that a generator comes from and what it generates, each None where unknown.

    Args:
        source: what `find_source` returned.
        run: the run directory, None where the source was named by itself.

    Raises:
        ConfigError: where a checkpoint that was named by itself is damaged, or the run's config.yaml.
    """
    newest = next(iter(list_checkpoints(source)), None) if source.is_dir() else source
    config, data = None, None
    if newest is not None and newest.suffix == ".npz":
        try:
            header = read_checkpoint_header(newest)
            config, data = header.config, header.data
        except DamagedCheckpointError as error:
            if not source.is_dir():
                raise ConfigError("checkpoint", str(error)) from error
    if run is not None:
        config = read_config(find_run("run", Path(run)))
    return config, data
