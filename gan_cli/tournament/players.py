"""Who plays: the checkpoints of some runs, found and held against each other before TensorFlow is loaded."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.config.config_trust import stored
from gan_cli.config.job_builder import build, build_section, stored_section
from gan_cli.config.schema import TrainSection
from gan_cli.config.target_allowlist import check_targets
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.losses import Loss
from gan_cli.runs.checkpoint import (
    DamagedCheckpointError,
    checkpoint_path,
    checkpoint_step,
    list_checkpoints,
    read_checkpoint_header,
)
from gan_cli.runs.run_directory import find_run, read_config
from gan_cli.tournament.tournament_config import TournamentJob

NO_MATTER = ("memory_limit", "flip", "data_dir")
"""Keys of data sets that do not change their examples as they are stored."""


@dataclass(frozen=True)
class TournamentRun:
    """A run that plays.

    Attributes:
        letter: by which tables and pictures call it, A to Z; "" where it plays alone.
        path: its directory.
        config: what its config.yaml holds.
        data: what its models were built for.
        checkpoints: those that play, the earliest first. Each is two players, a generator and a discriminator.
    """

    letter: str
    path: Path
    config: dict[str, Any]
    data: DataSpec
    checkpoints: tuple[Path, ...]

    @property
    def name(self) -> str:
        return self.path.absolute().name


@dataclass(frozen=True)
class Player:
    """One checkpoint of a run."""

    tournament_run: TournamentRun
    path: Path

    @property
    def step(self) -> int:
        return checkpoint_step(self.path) or 0

    @property
    def label(self) -> str:
        """Run and step, as short as can be."""
        return f"{self.tournament_run.letter} {self.step:,}".lstrip()

    @property
    def title(self) -> str:
        return f"{self.tournament_run.letter} step {self.step:,}".lstrip()


def find_runs(job: TournamentJob) -> list[TournamentRun]:
    """The runs and their checkpoints.

    Raises:
        ConfigError: where there are none, too few to play, or where the runs were trained on different data.
    """
    letters = string.ascii_uppercase if len(job.paths) > 1 else [""]
    tournament_runs = [find_tournament_run(job, path, letter) for path, letter in zip(job.paths, letters, strict=False)]
    check_same_data(tournament_runs)
    check_same_pack(tournament_runs)
    if len(players_of(tournament_runs)) < 2:
        advice = "Name more runs, or train with run.keep_checkpoints=10 to keep more of one."
        raise ConfigError("runs", "has one checkpoint alone, which has nobody to play", job.runs, advice)
    return tournament_runs


def find_tournament_run(job: TournamentJob, path: Path, letter: str) -> TournamentRun:
    run = find_run("runs", path)
    saved = list_checkpoints(run.checkpoints)[::-1]
    if not saved:
        raise ConfigError("runs", f"{path} has no checkpoint yet", advice=f"Train it further: gan-train resume={path}")
    if job.wanted_steps is None:
        chosen = select_evenly(saved, job.max_checkpoints)
    else:
        chosen = [checkpoint_path(run.checkpoints, step) for step in job.wanted_steps]
        if not set(chosen) <= set(saved):
            there = ", ".join(str(checkpoint_step(one)) for one in saved)
            raise ConfigError("steps", f"{path} has the checkpoints {there}", job.steps)
    try:
        data = read_checkpoint_header(chosen[-1]).data
    except DamagedCheckpointError as error:
        raise ConfigError("runs", str(error), advice="Name the steps of others: steps=[...].") from error
    config = read_config(run)
    nodes = {key: stored_section(config, key) for key in ("model", "loss", "dataset")}
    check_targets({**nodes, "conditioning": config.get("conditioning")}, stored(job.trust))
    if not build_loss(config, job.trust).trains_discriminator:
        problem = f"{path} has no discriminator for other generators: its loss compares examples themselves"
        raise ConfigError("runs", problem, advice="Leave it out.")
    return TournamentRun(letter, path, config, data, tuple(chosen))


def build_loss(config: Mapping[str, Any], trust: bool) -> Loss:
    """The loss of a run. Raises ConfigError where that is code of others and `trust` is false."""
    loss: Loss = build("loss", stored_section(config, "loss"), stored(trust))
    return loss


def select_evenly(checkpoints: Sequence[Path], count: int) -> list[Path]:
    """Returns at most `count` evenly spread checkpoints, among them the last one and, from 2 on, the first one."""
    if len(checkpoints) <= count:
        return list(checkpoints)
    places = np.linspace(len(checkpoints) - 1, 0, count).round().astype(int)[::-1]
    return [checkpoints[place] for place in places]


def players_of(tournament_runs: Sequence[TournamentRun]) -> list[Player]:
    """Run after run, each from its first checkpoint to its last."""
    return [Player(tournament_run, path) for tournament_run in tournament_runs for path in tournament_run.checkpoints]


def check_same_data(tournament_runs: Sequence[TournamentRun]) -> None:
    """Raises ConfigError where two runs were trained on examples of another shape, or on another data set."""
    first, *others = tournament_runs
    for other in others:
        if other.data.shape != first.data.shape:
            sizes = ["x".join(str(side) for side in run.data.shape) for run in (first, other)]
            problem = f"{first.path} makes examples of {sizes[0]}, {other.path} of {sizes[1]}"
            raise ConfigError("runs", f"{problem}, which one discriminator can't score")
        nodes = [run.config.get("dataset", {}) for run in (first, other)]
        for key in dict.fromkeys((*nodes[0], *nodes[1])):
            mine, theirs = (node.get(key) for node in nodes)
            if key not in NO_MATTER and mine != theirs:
                problem = f"dataset.{key} is {mine} in {first.path} and {theirs} in {other.path}"
                advice = "A discriminator knows its own data alone: let runs play that share it."
                raise ConfigError("runs", f"were trained on different data: {problem}", advice=advice)


def check_same_pack(tournament_runs: Sequence[TournamentRun]) -> None:
    """Raises ConfigError where the discriminators of two runs take other numbers of examples at once.

    A discriminator of packs gives one logit a pack, so its games are others and fewer than those of one of examples.
    """
    packs = [stored_pack(run) for run in tournament_runs]
    for run, pack in zip(tournament_runs, packs, strict=True):
        if pack != packs[0]:
            problem = f"train.pack is {packs[0]} in {tournament_runs[0].path} and {pack} in {run.path}"
            advice = "A discriminator scores whole packs: compare runs with the same train.pack."
            raise ConfigError("runs", f"have discriminators of different packs: {problem}", advice=advice)


def stored_pack(run: TournamentRun) -> int:
    """`train.pack` of a run, 1 in runs from before there were packs."""
    section: TrainSection = build_section("train", stored_section(run.config, "train"), TrainSection)
    return section.pack
