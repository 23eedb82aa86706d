"""A tournament in words and as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_cli.evaluation.result_table import aligned, describe_facts
from gan_cli.metrics import MetricValue
from gan_cli.tournament.players import Player, TournamentRun
from gan_cli.tournament.round_robin import Tournament
from gan_cli.tournament.win_rates import Rating

REAL_DATA = "real data"
"""The row of a generator that would win half of all games."""


def tables(tournament: Tournament) -> list[str]:
    """Who plays, what was played, and two tables: generators and discriminators.

    Several runs are sorted by rating, the best first; one run by its steps, so that its progress shows.
    """
    players, fake = tournament.players, tournament.protocol["fake"]
    last = fake["seed"] + fake["count"] - 1
    rows = [f"{run.letter or 'run':<10} {run.path}" for run in entrants_of(players)]
    rows += [f"{'generated':<10} {fake['count']:,} of each, seeds {fake['seed']} to {last}, {fake['weights']} weights"]
    rows += [f"{'real':<10} {describe_facts(tournament.protocol['real'])}", ""]
    tabled = [*generator_table(tournament), "", *discriminator_table(tournament)]
    return [*rows, *tabled, *(f"Note: {note}" for note in tournament.notes)]


def generator_table(tournament: Tournament) -> list[str]:
    standings = tournament.standings
    rows = [(player.title, *in_cells(rating)) for player, rating in in_order(tournament.players, standings.generators)]
    real = (REAL_DATA, f"{standings.real:,.0f}", "", "50.0 %")
    above = [rating.points >= standings.real for _, rating in in_order(tournament.players, standings.generators)]
    place = len(rows) if is_alone(tournament.players) else sum(above)
    return aligned([("generator", "rating", "95 % interval", "won"), *rows[:place], real, *rows[place:]], right=(1, 3))


def discriminator_table(tournament: Tournament) -> list[str]:
    rated = list(zip(tournament.standings.discriminators, tournament.real_accuracy, strict=True))
    rows = [
        (player.title, *in_cells(rating), share_of(accuracy))
        for player, (rating, accuracy) in in_order(tournament.players, rated, lambda pair: pair[0])
    ]
    heading = ("discriminator", "rating", "95 % interval", "won", "real taken for real")
    return aligned([heading, *rows], right=(1, 3, 4))


def in_order(players: Sequence[Player], values: Sequence[Any], rating_of: Any = lambda rating: rating) -> list[Any]:
    """Players with their values, in the order of a table."""
    both = list(zip(players, values, strict=True))
    return both if is_alone(players) else sorted(both, key=lambda pair: -rating_of(pair[1]).points)


def is_alone(players: Sequence[Player]) -> bool:
    return len(entrants_of(players)) == 1


def entrants_of(players: Sequence[Player]) -> list[TournamentRun]:
    return list({id(player.tournament_run): player.tournament_run for player in players}.values())


def in_cells(rating: Rating) -> tuple[str, str, str]:
    interval = f"{rating.low:,.0f} to {rating.high:,.0f}"
    return f"{rating.points:,.0f}", interval, f"{rating.win_rate:.1%}".replace("%", " %")


def share_of(accuracy: MetricValue | None) -> str:
    return "no threshold" if accuracy is None else f"{accuracy.value:.1%}".replace("%", " %")


def as_dict(tournament: Tournament) -> dict[str, Any]:
    """Plain JSON. Rows of `win_rates` are generators and columns discriminators, in the order of their lists."""
    standings, players = tournament.standings, tournament.players
    discriminators = [described(*pair) for pair in zip(players, standings.discriminators, strict=True)]
    for entry, accuracy in zip(discriminators, tournament.real_accuracy, strict=True):
        entry["real_accuracy"] = None if accuracy is None else accuracy.value
    return {
        "runs": [{"letter": run.letter, "run": str(run.path), "name": run.name} for run in entrants_of(players)],
        "generators": [described(*pair) for pair in zip(players, standings.generators, strict=True)],
        "discriminators": discriminators,
        "real_data_rating": standings.real,
        "win_rates": tournament.outcome.win_rates.tolist(),
        "notes": list(tournament.notes),
        "protocol": tournament.protocol,
    }


def described(player: Player, rating: Rating) -> dict[str, Any]:
    return {
        "run": player.tournament_run.name,
        "step": player.step,
        "rating": rating.points,
        "low": rating.low,
        "high": rating.high,
        "win_rate": rating.win_rate,
    }
