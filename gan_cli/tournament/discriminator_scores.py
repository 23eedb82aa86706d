"""The outputs of each discriminator for the examples of each generator.

Every generator is loaded once and its examples go to a temporary file; then every discriminator is loaded once and
scores all of them. Memory holds one model and one chunk of examples at a time (`gan_cli.data.chunk_length`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_cli.data import DataSpec
from gan_cli.data.chunk_length import chunk_length
from gan_cli.errors import ConfigError
from gan_cli.evaluation.example_sets import StoredExamples
from gan_cli.losses import Loss
from gan_cli.progress import ProgressReporter
from gan_cli.runs.checkpoint import Checkpoint, DamagedCheckpointError, load_checkpoint_part
from gan_cli.sampling.generate import BATCH
from gan_cli.sampling.generator_weights import CHECKPOINT_PART
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.tournament.players import Player, build_loss, stored_pack
from gan_cli.tournament.tournament_config import TournamentJob
from gan_cli.trained_models.restore_model import (
    DISCRIMINATOR,
    assign_weights,
    restore_discriminator,
    restore_generator,
)
from gan_cli.trained_models.score_examples import pack_of, score_examples, scored


@dataclass(frozen=True)
class ExampleFile:
    """Examples as plain bytes in a file: uint8 images or float32 points `[count, *shape]`, and their labels."""

    path: Path
    data: DataSpec
    count: int
    labels: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count, *self.data.shape)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.uint8 if self.data.is_image else np.float32)

    def write(self, read: Callable[[int, int], np.ndarray]) -> None:
        """Fills the file with what `read(start, stop)` gives, a chunk at a time."""
        with self.path.open("wb") as file:
            step = chunk_length(self.data.example_bytes, BATCH)
            for start in range(0, self.count, step):
                values = read(start, min(start + step, self.count))
                file.write(np.ascontiguousarray(values, self.dtype).tobytes())

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Reads the examples of a slice without a step."""
        start, stop, _ = rows.indices(self.count)
        width = math.prod(self.data.shape)
        offset = start * self.data.example_bytes
        return np.fromfile(self.path, self.dtype, width * (stop - start), offset=offset).reshape(-1, *self.data.shape)


class DiscriminatorScores(NamedTuple):
    """What one discriminator says.

    Attributes:
        fake: logits `[n]` of the examples of each generator.
        real: logits `[m]` of the real examples.
        decision_threshold: of the discriminator's loss; see `gan_cli.losses`.
    """

    fake: list[np.ndarray]
    real: np.ndarray
    decision_threshold: float | None


class Loader:
    """Loads the same part of one player after the other.

    Args:
        part: of a checkpoint.
        build: from a checkpoint to a Keras model with its weights, and what is to be given for it. It is called for the
            first player, and again where a checkpoint's configuration describes another model; else the model gets
            other weights.
    """

    def __init__(self, part: str, build: Callable[[Checkpoint], tuple[Any, Any]]) -> None:
        self.part, self.build = part, build
        self.plan: Any = None
        self.built: tuple[Any, Any] = (None, None)

    def load(self, player: Player) -> tuple[Any, Checkpoint]:
        """Raises ConfigError where the player's checkpoint can't be read, or holds no such part."""
        try:
            checkpoint = load_checkpoint_part(player.path, self.part)
        except DamagedCheckpointError as error:
            raise ConfigError("runs", str(error), advice="Name the steps of others: steps=[...].") from error
        if not checkpoint.arrays:
            raise ConfigError("runs", f"{player.path} holds no {self.part}")
        plan = *(checkpoint.config.get(key) for key in ("model", "conditioning", "loss", "train")), checkpoint.data
        try:
            if plan == self.plan:
                assign_weights(self.built[0], checkpoint, self.part)
            else:
                self.plan, self.built = plan, self.build(checkpoint)
        except ConfigError as error:
            if error.key != "checkpoint":
                raise
            raise ConfigError("runs", f"{player.path}: {error.problem}", advice=error.advice) from error
        return self.built[1], checkpoint


def store_examples(
    job: TournamentJob, players: Sequence[Player], real: StoredExamples, folder: Path, reporter: ProgressReporter
) -> tuple[list[ExampleFile], ExampleFile]:
    """The examples of every generator, and the real ones, in files in `folder`."""

    def build_generator(checkpoint: Checkpoint) -> tuple[Any, LoadedGenerator]:
        generator = restore_generator(checkpoint, job.weights, job.trust)
        return generator.model, generator

    loader = Loader(CHECKPOINT_PART[job.weights], build_generator)
    names = [str(index) for index in range(len(players))]
    fakes = [ExampleFile(folder / name, real.data, job.samples) for name in names]
    reals = ExampleFile(folder / "real", real.data, real.count, real.labels)
    try:
        reals.write(real.read)
        for done, (player, file) in enumerate(zip(players, fakes, strict=True)):
            reporter.progress("making examples", done, len(players))
            generator = loader.load(player)[0]
            file.write(partial(make, generator, job.seed))
            fakes[done] = replace(file, labels=generator.labels(range(job.seed, job.seed + job.samples)))
    except OSError as error:
        advice = "Ask for fewer samples, or let TMPDIR name another place."
        raise ConfigError("samples", f"can't be kept in {folder} ({error.strerror})", job.samples, advice) from error
    reporter.progress("making examples", len(players), len(players))
    return fakes, reals


def make(generator: LoadedGenerator, seed: int, start: int, stop: int) -> np.ndarray:
    return generator.images(range(seed + start, seed + stop))


def compute_scores(
    job: TournamentJob,
    players: Sequence[Player],
    fakes: Sequence[ExampleFile],
    reals: ExampleFile,
    reporter: ProgressReporter,
) -> list[DiscriminatorScores]:
    """Returns the outputs of every discriminator for all examples."""

    def build_scorer(checkpoint: Checkpoint) -> tuple[Any, Any]:
        loss = loss_of(checkpoint, job.trust)
        return (restore_discriminator(checkpoint, loss, job.trust),) * 2

    loader = Loader(DISCRIMINATOR, build_scorer)
    scores: list[DiscriminatorScores] = []
    total = len(players) * (len(fakes) + 1)
    for player in players:
        model, checkpoint = loader.load(player)
        loss = loss_of(checkpoint, job.trust)
        pack = pack_of(model, reals.shape)
        check_pack(player, pack, fakes[0].count, reals.count)
        outputs: list[np.ndarray] = []
        for file in (reals, *fakes):
            reporter.progress("scoring", len(scores) * (len(fakes) + 1) + len(outputs), total)
            outputs.append(score_examples(model, file))
        own = outputs[1 + len(scores)]  # what this discriminator was trained against
        logits = [scored(loss, one, outputs[0], own) for one in outputs]
        if not all(np.isfinite(values).all() for values in logits):
            problem = f"the discriminator of {player.path} gives numbers that are not finite"
            raise ConfigError("steps", problem, advice="Leave that step out: steps=[...].")
        scores.append(DiscriminatorScores(logits[1:], logits[0], loss.decision_threshold))
    reporter.progress("scoring", total, total)
    return scores


def check_pack(player: Player, pack: int, samples: int, real: int) -> None:
    """Raises ConfigError for other packs than those of the run's config.yaml, and where no pack can be filled."""
    expected = stored_pack(player.tournament_run)
    if pack != expected:
        raise ConfigError("runs", f"{player.path} has a discriminator of packs of {pack}; config.yaml says {expected}")
    if samples < pack:
        raise ConfigError("samples", f"expected at least {pack}, the size of a discriminator's pack", samples)
    if real < pack:
        problem = f"there are {real} real examples, and the discriminators take packs of {pack}"
        raise ConfigError("split", problem, advice="Use split=train.")


def loss_of(checkpoint: Checkpoint, trust: bool) -> Loss:
    """The loss that a discriminator was trained by. Raises ConfigError where that is code of others."""
    return build_loss(checkpoint.config, trust)
