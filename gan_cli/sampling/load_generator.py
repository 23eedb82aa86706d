"""A trained generator from a run directory, a checkpoint or a .keras file, to images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.config.config_origin import stored
from gan_cli.config.job_builder import build
from gan_cli.errors import ConfigError, nearest
from gan_cli.plotting.image_grid import to_uint8
from gan_cli.runs.checkpoint import (
    Checkpoint,
    DamagedCheckpointError,
    checkpoint_path,
    checkpoint_step,
    list_checkpoints,
    load_checkpoint,
    load_newest,
)
from gan_cli.runs.run_directory import find_run
from gan_cli.sampling.generate import generate
from gan_cli.sampling.generator_facts import GeneratorFacts
from gan_cli.sampling.generator_weights import CHECKPOINT_PART, EMA, RAW, parse_weights
from gan_cli.sampling.keras_file import load_generator_file
from gan_cli.sampling.latents import latents


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator, and what it is fed with.

    Attributes:
        model: a Keras model from latents `[n, latent_size]` to examples.
        facts: its latents, its data and the step at which it was saved.
    """

    model: Any
    facts: GeneratorFacts

    def latents(self, seeds: Iterable[int], truncation: float = 1.0) -> np.ndarray:
        """float32 `[len(seeds), latent_size]`, each row a function of its seed alone."""
        return latents(seeds, self.facts.latent_size, self.facts.latent_distribution, truncation)

    def render(self, latent_rows: np.ndarray) -> np.ndarray:
        """uint8 images `[n, height, width, channels]`, or float32 points `[n, 2]`, for latents `[n, latent_size]`."""
        made = generate(self.model, latent_rows)
        return to_uint8(made) if self.facts.data.is_image else made

    def images(self, seeds: Iterable[int], truncation: float = 1.0) -> np.ndarray:
        """What `render` gives for the latents of these seeds; the same pixels for a seed whatever the others are."""
        return self.render(self.latents(seeds, truncation))


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


def load_source(source: Path, weights: str, trust: bool) -> LoadedGenerator:
    """The generator in a file, or in the newest whole checkpoint of a folder.

    Raises:
        ConfigError: where it can't be read, names code of others and `trust` is false, or has no such weights.
    """
    if source.suffix == ".keras":
        if weights == RAW:
            raise ConfigError("weights", "a .keras file holds the EMA weights alone", weights)
        return LoadedGenerator(*load_generator_file(source, trust))
    return from_checkpoint(read_source(source), weights, trust)


def read_source(source: Path) -> Checkpoint:
    try:
        newest = (
            load_newest(source, lambda text: print(f"Warning: {text}")) if source.is_dir() else load_checkpoint(source)
        )
    except DamagedCheckpointError as error:
        raise ConfigError("checkpoint", str(error)) from error
    if newest is None:
        raise ConfigError("run", "none of its checkpoints can be read whole", source.parent)
    return newest


def from_checkpoint(checkpoint: Checkpoint, weights: str, trust: bool) -> LoadedGenerator:
    """Builds the generator that a checkpoint's configuration describes, and gives it the saved weights."""
    from gan_cli.devices import dtype_policy  # here, since it needs TensorFlow

    pair = build("model", checkpoint.config["model"], stored(trust))
    with dtype_policy(checkpoint.config["train"]["precision"]):
        model = pair.generator(checkpoint.data)
    part = CHECKPOINT_PART[weights]
    for index, variable in enumerate(model.variables):
        array = checkpoint.arrays[f"{part}/{index:04d}"]
        if not np.isfinite(array).all():
            raise ConfigError("checkpoint", f"the {weights} weights of step {checkpoint.step} are not all finite")
        variable.assign(array)
    facts = GeneratorFacts(pair.latent_size, pair.latent_distribution, checkpoint.data, checkpoint.step)
    return LoadedGenerator(model, facts)


def load_generator(
    path: str | Path, step: int | str | None = None, weights: str = EMA, trust: bool = False
) -> LoadedGenerator:
    """A trained generator, ready to make images. Needs neither the data nor a GPU.

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
    source = find_source(str(place) if is_run else None, None if is_run else str(place), step)
    load_tensorflow()
    return load_source(source, weights, trust)
