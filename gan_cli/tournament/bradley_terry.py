"""Strengths from wins: the model of Bradley & Terry.

Bradley & Terry 1952, "Rank Analysis of Incomplete Block Designs: I. The Method of Paired Comparisons": player i wins a
game against player j with the probability 1 / (1 + exp(-(s_i - s_j))). The strengths s are those of the highest
likelihood, which is concave in them (Hunter 2004, "MM Algorithms for Generalized Bradley-Terry Models", section 1).

Olsson et al. 2018 (arXiv:1808.04888) rate by Glicko-2, made for players who change and who meet now and then: it goes
through the games in an order and depends on it. In a tournament where each generator meets each discriminator nothing
changes and nothing comes first, and the most likely strengths are the same whatever the order.

Who wins or loses every game has no finite strength of highest likelihood. So each pair of players that met is given
`PRIOR` imaginary wins to either side, which for two players is the estimate log((wins + 1/2) / (losses + 1/2)) of
Haldane 1956 and Anscombe 1956, biased least of all such estimates.
"""

from __future__ import annotations

import math

import numpy as np

PRIOR = 0.5
"""Imaginary wins of either side of each pair of players that met."""
ELO = 400 / math.log(10)
"""Points to a unit of strength, as in chess: 400 points are odds of ten to one."""
AVERAGE = 1500.0
"""Points of the average generator, where Elo's and Glicko's players begin."""

CONVERGED = 1e-10  # of the score, in games
MOST_STEPS = 200  # of Newton's method; tens of players with shares of 0 and 1 take about 15


def bradley_terry(wins: np.ndarray, prior: float = PRIOR) -> np.ndarray:
    """The most likely strengths.

    Args:
        wins: `[players, players]`, how often each player of a row won against each of a column; a draw counts half to
            either, and fractions are allowed. Zero on the diagonal.
        prior: imaginary wins of either side of each pair that met.

    Returns:
        float64 `[players]`, their mean 0.

    Raises:
        ValueError: for wins that are no such matrix, or where the strengths are not determined: a group of players
            did not meet the others or, without a prior, won or lost every game against them (Ford 1957).
    """
    wins = np.asarray(wins, np.float64)
    if wins.ndim != 2 or wins.shape[0] != wins.shape[1] or (wins < 0).any() or wins.diagonal().any():
        raise ValueError("Expected a square matrix of wins, at least 0, with zeros on its diagonal.")
    games = wins + wins.T
    counted = wins + prior * (games > 0)
    games = counted + counted.T
    if not _is_connected(counted > 0):
        raise ValueError("The strengths are not determined: a group of players won every game against others, or none.")
    strengths = np.zeros(len(wins))
    for _ in range(MOST_STEPS):
        score = counted.sum(axis=1) - (games * chances(strengths)).sum(axis=1)
        if np.abs(score).max(initial=0) <= CONVERGED * max(1.0, games.sum()):
            return strengths - strengths.mean()
        change = np.linalg.pinv(information(strengths, games), hermitian=True) @ score
        strengths = strengths + _climb(strengths, change, counted)
    raise ArithmeticError(f"Newton's method did not settle in {MOST_STEPS} steps.")


def chances(strengths: np.ndarray) -> np.ndarray:
    """`[players, players]`, how probably each player of a row wins a game against each of a column."""
    return 1 / (1 + np.exp(np.clip(strengths[None, :] - strengths[:, None], -700, 700)))


def information(strengths: np.ndarray, games: np.ndarray) -> np.ndarray:
    """Fisher information `[players, players]` of the strengths, from `games`, how often each two players met.

    Each row adds up to 0: a constant added to all strengths changes no chance.
    """
    chance = chances(strengths)
    weights = np.asarray(games, np.float64) * chance * chance.T
    return np.diag(weights.sum(axis=1)) - weights


def covariance(fisher: np.ndarray, of_score: np.ndarray | None = None) -> np.ndarray:
    """Covariance `[players, players]` of the strengths, seen from their mean.

    Args:
        fisher: what `information` gives.
        of_score: covariance of the score, the wins beyond those that the strengths expect; None where all games are
            independent and the model holds, so that it is `fisher` itself. Other covariances give Huber's "sandwich"
            (White 1982), which holds for games with examples in common and where the model is only the nearest one.
    """
    inverse = np.linalg.pinv(fisher, hermitian=True)
    return inverse if of_score is None else inverse @ of_score @ inverse


def _is_connected(beats: np.ndarray) -> bool:
    """Whether a chain of wins leads from every player to every other one; `beats` bool `[players, players]`."""
    reached = beats | np.eye(len(beats), dtype=bool)
    for _ in range(max(1, len(beats) - 1).bit_length()):  # chains twice as long each time
        reached = reached @ reached
    return bool(reached.all())


def _climb(strengths: np.ndarray, change: np.ndarray, wins: np.ndarray) -> np.ndarray:
    """Newton's change, halved until the likelihood does not fall."""
    before = _log_likelihood(strengths, wins)
    least = before - 1e-12 * abs(before)  # the last changes gain less than rounding hides
    for _ in range(60):
        if _log_likelihood(strengths + change, wins) >= least:
            break
        change = change / 2
    return change


def _log_likelihood(strengths: np.ndarray, wins: np.ndarray) -> float:
    return -float((wins * np.logaddexp(0, strengths[None, :] - strengths[:, None])).sum())
