"""Loads a trained generator from a run directory, a checkpoint or a .keras file."""

from __future__ import annotations

from pathlib import Path

from gan_cli.console import Console
from gan_cli.errors import ConfigError
from gan_cli.number_limits import check_step
from gan_cli.runs.checkpoint import Checkpoint, DamagedCheckpointError, load_checkpoint, load_newest
from gan_cli.sampling.generator_file import load_generator_file
from gan_cli.sampling.generator_weights import EMA, parse_weights
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.trained_models.find_generator_file import check_source, find_source
from gan_cli.trained_models.restore_model import restore_generator

__all__ = ["LoadedGenerator", "load_generator", "load_source"]


def load_source(source: Path, weights: str, trust: bool) -> LoadedGenerator:
    """Loads the generator of a file, or of the newest valid checkpoint of a folder.

    Raises:
        ConfigError: where it can't be read, names code of others and `trust` is false, or has no such weights.
    """
    check_source(source, None, weights, trust)
    if source.suffix == ".keras":
        return LoadedGenerator(*load_generator_file(source, trust))
    return restore_generator(read_source(source), weights, trust)


def read_source(source: Path) -> Checkpoint:
    """The checkpoint in a file, or the newest valid one of a folder. Raises ConfigError where there is none."""
    try:
        newest = load_newest(source, Console(stderr=True).warn) if source.is_dir() else load_checkpoint(source)
    except DamagedCheckpointError as error:
        raise ConfigError("checkpoint", str(error)) from error
    if newest is None:
        raise ConfigError("run", "none of its checkpoints can be read whole", source.parent)
    return newest


def load_generator(
    path: str | Path, step: int | str | None = None, weights: str = EMA, trust: bool = False
) -> LoadedGenerator:
    """Loads a trained generator. Needs neither the data nor a GPU.

        >>> from gan_cli import load_generator
        >>> generator = load_generator("outputs/20261120-101502_dcgan_wgan_mnist_seed0")
        >>> images = generator.images(seeds=range(16))      # uint8 [16, 28, 28, 1]

    Args:
        path: a run directory, a checkpoint (.npz) or a .keras file.
        step: of the checkpoint in a run directory, or `best`; None for the newest.
        weights: `ema` or `raw`.
        trust: whether code that the run names outside gan_cli may be run.

    Raises:
        ConfigError: where there is no such generator or it can't be loaded.
    """
    from gan_cli.devices import load_tensorflow

    weights = parse_weights(weights)
    place = Path(path)
    is_run = place.is_dir()
    check_step("step", step)
    if step is not None and place.is_file():
        raise ConfigError("step", f"goes with a run directory, and {place} is one generator", step, "Leave it out.")
    source = find_source(str(place) if is_run else None, None if is_run else str(place), step)
    load_tensorflow()
    return load_source(source, weights, trust)
