"""A tournament, from checked settings to its standings. TensorFlow is loaded by now."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.checks import ConfigError
from gan_cli.evaluation.console import EvaluationConsole
from gan_cli.evaluation.examples import StoredExamples
from gan_cli.evaluation.health import accuracy
from gan_cli.evaluation.protocol import PACKAGES
from gan_cli.evaluation.real import RealData, data_of_run
from gan_cli.evaluation.tournament.job import TournamentJob
from gan_cli.evaluation.tournament.judging import Judged, judge_examples, store_examples
from gan_cli.evaluation.tournament.matches import Outcome, Standings, play, rate
from gan_cli.evaluation.tournament.players import Entrant, Player, players_of
from gan_cli.metrics import Measured
from gan_cli.runs.environment import installed_version

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
    outcome: Outcome
    standings: Standings
    real_accuracy: list[Measured | None]
    notes: tuple[str, ...]
    protocol: dict[str, Any]


def hold(job: TournamentJob, entrants: Sequence[Entrant], console: EvaluationConsole) -> Tournament:
    """Plays every match. Raises ConfigError for what the user can mend."""
    players = players_of(entrants)
    real = open_real(job, entrants, console)
    with tempfile.TemporaryDirectory(prefix="gan-tournament-") as folder:
        fakes, reals = store_examples(job, players, real, Path(folder), console)
        judged = judge_examples(job, players, fakes, reals, console)
    outcome = play([[one.fake[i] for one in judged] for i in range(len(players))], [one.real for one in judged])
    return Tournament(
        players=players,
        outcome=outcome,
        standings=rate(outcome),
        real_accuracy=[took_for_real(one) for one in judged],
        notes=(*describe_sweeps(players, outcome), SAMPLING),
        protocol=describe_protocol(job, real, outcome),
    )


def open_real(job: TournamentJob, entrants: Sequence[Entrant], console: EvaluationConsole) -> StoredExamples:
    """The real examples of all matches.

    Held-out ones are those that no run saw: the share that all kept aside, which is part of a larger one, or else the
    test split of the data.
    """
    datas = [data_of_run(entrant.config, job.trust) for entrant in entrants]
    real = replace(datas[0], share=min(data.share for data in datas))
    if job.split != "train":
        examples = real.held_out(console.reading)
        if examples is not None:
            return check_real(StoredExamples(examples, {**real.about, "split": "held_out"}, job.samples), entrants)
        if job.split == "held_out":
            advice = "Train with eval.held_out=0.1, or on a data set with a test split, such as mnist."
            raise ConfigError("split", "there are no examples that all runs held out", job.split, advice)
    return check_real(StoredExamples(seen_by_all(real, datas, console), real.about, job.samples), entrants)


def seen_by_all(real: RealData, datas: Sequence[RealData], console: EvaluationConsole) -> Any:
    """The training examples of the run that kept most aside: all others saw them too."""
    return replace(real, share=max(data.share for data in datas)).training(console.reading)


def check_real(real: StoredExamples, entrants: Sequence[Entrant]) -> StoredExamples:
    """The same examples. Raises ConfigError where the data has changed its shape since, or too few are left."""
    if real.data.shape != entrants[0].data.shape:
        problem = f"examples of {real.data.shape} are there now, and the runs were trained on {entrants[0].data.shape}"
        raise ConfigError("runs", problem)
    if real.count < 2:
        problem = f"there are {real.count} such examples; expected at least 2"
        raise ConfigError("split", problem, real.about.get("split", "train"))
    return real


def took_for_real(judged: Judged) -> Measured | None:
    return None if judged.equilibrium is None else accuracy(judged.real - judged.equilibrium)


def describe_sweeps(players: Sequence[Player], outcome: Outcome) -> list[str]:
    """A sentence for each player whose rating has one bound alone, since it won all games or none."""
    shares = {"generator": outcome.win_rates, "discriminator": 1 - outcome.win_rates.T}
    notes = []
    for kind, rates in shares.items():
        for won, what, bound in ((0.0, "no game", "at most"), (1.0, "every game", "at least")):
            rated = f"won {what}, so that its rating is {bound} about what is told"
            swept = [player.title for player, row in zip(players, rates, strict=True) if np.all(row == won)]
            notes += [f"The {kind} of {title} {rated}." for title in swept]
    return notes


def describe_protocol(job: TournamentJob, real: StoredExamples, outcome: Outcome) -> dict[str, Any]:
    return {
        "rating": "Bradley-Terry, 1500 points for the average generator, 400 points for odds of ten to one",
        "win": "the discriminator's output for a generated example is above that for a real one; ties count half",
        "real": real.identity,
        "fake": {"count": job.samples, "seed": job.seed, "weights": job.weights},
        "games": outcome.games,
        "versions": {"python": platform.python_version()} | {name: installed_version(name) for name in PACKAGES},
    }
