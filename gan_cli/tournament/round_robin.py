"""A round robin: every generator meets every discriminator, from checked settings to standings. Needs TensorFlow."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.console import Console
from gan_cli.errors import ConfigError
from gan_cli.evaluation.discriminator_diagnostics import accuracy
from gan_cli.evaluation.example_sets import StoredExamples
from gan_cli.evaluation.protocol import PACKAGES
from gan_cli.evaluation.real_data import RealData, data_of_run
from gan_cli.metrics import MetricValue
from gan_cli.runs.environment import installed_version
from gan_cli.tournament.discriminator_scores import DiscriminatorScores, compute_scores, store_examples
from gan_cli.tournament.players import Player, TournamentRun, players_of
from gan_cli.tournament.tournament_config import TournamentJob
from gan_cli.tournament.win_rates import GameResults, Standings, play_matches, rate

SAMPLING = (
    "The intervals are over draws of generated and real examples. Another run with the same settings and another seed "
    "would differ by more, and ratings of two tournaments do not compare."
)


@dataclass(frozen=True)
class Tournament:
    """What came out.

    Attributes:
        players: each is a generator and a discriminator.
        outcome, standings: generators and discriminators in the order of the players.
        real_accuracy: for each discriminator the share of real examples that it takes for real; None where its loss
            has no threshold.
        notes: what a reader must know.
        protocol: all that two tournaments must share to be the same, as plain JSON.
    """

    players: list[Player]
    outcome: GameResults
    standings: Standings
    real_accuracy: list[MetricValue | None]
    notes: tuple[str, ...]
    protocol: dict[str, Any]


def play_tournament(job: TournamentJob, tournament_runs: Sequence[TournamentRun], console: Console) -> Tournament:
    """Plays every match. Raises ConfigError for what the user can mend."""
    players = players_of(tournament_runs)
    real = open_real(job, tournament_runs, console)
    with tempfile.TemporaryDirectory(prefix="gan-tournament-") as folder:
        fakes, reals = store_examples(job, players, real, Path(folder), console)
        scores = compute_scores(job, players, fakes, reals, console)
    outcome = play_matches([[one.fake[i] for one in scores] for i in range(len(players))], [one.real for one in scores])
    return Tournament(
        players=players,
        outcome=outcome,
        standings=rate(outcome),
        real_accuracy=[real_accuracy(one) for one in scores],
        notes=(*describe_one_sided_ratings(players, outcome), SAMPLING),
        protocol=describe_protocol(job, real, outcome),
    )


def open_real(job: TournamentJob, tournament_runs: Sequence[TournamentRun], console: Console) -> StoredExamples:
    """The real examples of all matches.

    Held-out ones are those that no run saw: the share that all kept aside, which is part of a larger one, or else the
    test split of the data.
    """
    datas = [data_of_run(tournament_run.config, job.trust) for tournament_run in tournament_runs]
    real = replace(datas[0], share=min(data.share for data in datas))
    if job.split != "train":
        examples = real.held_out(console.read_data)
        if examples is not None:
            return check_real(
                StoredExamples(examples, {**real.about, "split": "held_out"}, job.samples), tournament_runs
            )
        if job.split == "held_out":
            advice = "Train with eval.held_out=0.1, or on a data set with a test split, such as mnist."
            raise ConfigError("split", "there are no examples that all runs held out", job.split, advice)
    return check_real(StoredExamples(seen_by_all(real, datas, console), real.about, job.samples), tournament_runs)


def seen_by_all(real: RealData, datas: Sequence[RealData], console: Console) -> Any:
    """The training examples of the run that kept most aside: all others saw them too."""
    return replace(real, share=max(data.share for data in datas)).training(console.read_data)


def check_real(real: StoredExamples, tournament_runs: Sequence[TournamentRun]) -> StoredExamples:
    """The same examples. Raises ConfigError where the data has changed its shape since, or too few are left."""
    if real.data.shape != tournament_runs[0].data.shape:
        problem = (
            f"examples of {real.data.shape} are there now, and the runs were trained on {tournament_runs[0].data.shape}"
        )
        raise ConfigError("runs", problem)
    if real.count < 2:
        problem = f"there are {real.count} such examples; expected at least 2"
        raise ConfigError("split", problem, real.about.get("split", "train"))
    return real


def real_accuracy(scores: DiscriminatorScores) -> MetricValue | None:
    """Returns the share of real examples that a discriminator takes for real; None without a threshold."""
    return None if scores.decision_threshold is None else accuracy(scores.real - scores.decision_threshold)


def describe_one_sided_ratings(players: Sequence[Player], outcome: GameResults) -> list[str]:
    """A sentence for each player whose rating has one bound alone, since it won all games or none."""
    shares = {"generator": outcome.win_rates, "discriminator": 1 - outcome.win_rates.T}
    notes = []
    for kind, rates in shares.items():
        for won, what, bound in ((0.0, "no game", "at most"), (1.0, "every game", "at least")):
            rated = f"won {what}, so that its rating is {bound} about what is shown"
            swept = [player.title for player, row in zip(players, rates, strict=True) if np.all(row == won)]
            notes += [f"The {kind} of {title} {rated}." for title in swept]
    return notes


def describe_protocol(job: TournamentJob, real: StoredExamples, outcome: GameResults) -> dict[str, Any]:
    return {
        "rating": "Bradley-Terry, 1500 points for the average generator, 400 points for odds of ten to one",
        "win": "the discriminator's output for a generated example is above that for a real one; ties count half",
        "real": real.identity,
        "fake": {"count": job.samples, "seed": job.seed, "weights": job.weights},
        "games": outcome.games,
        "versions": {"python": platform.python_version()} | {name: installed_version(name) for name in PACKAGES},
    }
