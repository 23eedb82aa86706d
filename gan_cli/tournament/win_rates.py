"""Every generator against every discriminator: who wins how often, and what that makes of their ratings.

Olsson et al. 2018, "Skill Rating for Generative Models", arXiv:1808.04888, after the battles of two GANs in Im et al.
2016, "Generating images with recurrent adversarial networks", arXiv:1602.05110, section 5. In both a generator wins
where a discriminator says "real" of its example, which needs a threshold: a discriminator that says "generated" of
everything then beats everybody. Im et al. take such out by a second ratio, of accuracies on real test examples. Here a
generated and a real example meet, and the generator wins where the discriminator takes its example for the real one;
see `gan_cli.statistics`. A discriminator that does not look loses half of such games, and outputs on any scale may be
compared: those of other losses, and those of one discriminator at other steps. In a run on the digits the share of real
examples with a logit above 0 was 0.40 at step 300 and 0.96 at step 400, while 0.95 and 0.96 of the pairs were ranked
correctly (measured 2026-11-20).

All pairs of n generated and m real examples are played. They are worth min(n, m) games, since the share of pairs won
is known no better than from so many that have no example in common (Birnbaum & Klose 1957).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gan_cli.statistics import Z95, placements
from gan_cli.tournament.bradley_terry import (
    AVERAGE,
    ELO,
    PRIOR,
    bradley_terry,
    chances,
    covariance,
    information,
)


@dataclass(frozen=True)
class GameResults:
    """What came out of all matches.

    Attributes:
        win_rates: `[generators, discriminators]`, share of games that the generator won, ties counting half.
        games: that each match is worth.
        of_score: `[players, players]`, covariance of each player's number of wins, generators first.
    """

    win_rates: np.ndarray
    games: int
    of_score: np.ndarray


@dataclass(frozen=True)
class Rating:
    """A player's rating in points, with the bounds of its 95 % interval, and the share of its games that it won."""

    points: float
    low: float
    high: float
    win_rate: float


@dataclass(frozen=True)
class Standings:
    """What all players are rated.

    Attributes:
        generators, discriminators: in the order of the outcome. The average generator has 1500 points; a player wins
            ten games of eleven against one of 400 points less.
        real: points of a generator that wins half of all games, as real examples would; no discriminator here could
            distinguish it from them.
    """

    generators: list[Rating]
    discriminators: list[Rating]
    real: float


def play_matches(fake: Sequence[Sequence[np.ndarray]], real: Sequence[np.ndarray]) -> GameResults:
    """All matches.

    Args:
        fake: `fake[i][j]`, `[n]`, what discriminator j says of the examples of generator i. Each has as many, and the
            k-th examples of two generators may be similar (they come from the same latents).
        real: `real[j]`, `[m]`, what discriminator j says of the real examples, the same for all.

    The covariance is that over draws of latents and of real examples: an example that all discriminators take for real
    counts for its generator in each of its matches, so matches are not independent.
    """
    generators, discriminators = len(fake), len(real)
    n, m = len(fake[0][0]), len(real[0])
    games = min(n, m)
    rates = np.zeros((generators, discriminators))
    # What each latent and each real example adds to the wins of each player, beyond what the average one adds.
    by_fake, by_real = (np.zeros((count, generators + discriminators)) for count in (n, m))
    for i in range(generators):
        for j in range(discriminators):
            pairs = placements(fake[i][j], real[j])
            rates[i, j] = pairs.share
            for added, placed in ((by_fake, pairs.above), (by_real, pairs.below)):
                added[:, i] += placed - pairs.share
                added[:, generators + j] -= placed - pairs.share
    of_score = sum(added.T @ added / (len(added) * max(1, len(added) - 1)) for added in (by_fake, by_real))
    return GameResults(rates, games, games**2 * np.asarray(of_score))


def rate(outcome: GameResults) -> Standings:
    """Ratings by the model of Bradley & Terry, with intervals that hold though matches have examples in common.

    The imaginary game of each match (see `gan_cli.tournament.bradley_terry`) counts as the toss of a coin, so that
    a player that won or lost everything has an interval too; it says how far its rating could be estimated at all.
    """
    generators, discriminators = outcome.win_rates.shape
    wins = np.zeros((generators + discriminators,) * 2)
    wins[:generators, generators:] = outcome.games * outcome.win_rates
    wins[generators:, :generators] = outcome.games * (1 - outcome.win_rates.T)
    strengths = bradley_terry(wins)
    met = (wins + wins.T > 0).astype(np.float64)
    counted = wins + wins.T + 2 * PRIOR * met
    coins = 2 * PRIOR / 4 * (np.diag(met.sum(axis=1)) - met)
    spread = covariance(information(strengths, counted), outcome.of_score + coins)

    average = np.zeros(len(strengths))
    average[:generators] = 1 / generators
    seen_from_average = np.eye(len(strengths)) - average[None, :]
    strengths = seen_from_average @ strengths
    errors = np.sqrt(np.diag(seen_from_average @ spread @ seen_from_average.T).clip(min=0))
    rates = np.concatenate([outcome.win_rates.mean(axis=1), 1 - outcome.win_rates.mean(axis=0)])
    ratings = [_in_points(*player) for player in zip(strengths, errors, rates, strict=True)]
    return Standings(ratings[:generators], ratings[generators:], AVERAGE + ELO * _equal_to(strengths[generators:]))


def _in_points(strength: float, error: float, win_rate: float) -> Rating:
    points, half = AVERAGE + ELO * strength, Z95 * ELO * error
    return Rating(float(points), float(points - half), float(points + half), float(win_rate))


def _equal_to(strengths: np.ndarray) -> float:
    """The strength of a player that would win half of its games against players of these strengths, `[players]`."""
    low, high = float(strengths.min()), float(strengths.max())
    while high - low > 1e-9 * max(1.0, math.fabs(low), math.fabs(high)):
        middle = (low + high) / 2
        won = chances(np.concatenate([[middle], strengths]))[0, 1:].mean()
        low, high = (middle, high) if won < 0.5 else (low, middle)
    return (low + high) / 2
