"""Strengths of players from what they won: against published values and closed forms, intervals by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from gan_cli.tournament.bradley_terry import ELO, bradley_terry, chances, covariance, information
from gan_cli.tournament.win_rates import GameResults, Standings, play_matches, rate

# Strengths

# American League 1987, wins of the row against the column: Milwaukee, Detroit, Toronto, New York, Boston, Cleveland,
# Baltimore. Agresti, Categorical Data Analysis, 2nd edition, section 10.6; the fit is that of R's BradleyTerry2.
BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)
ABILITIES = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839]
THEIR_ERRORS = [0.3433, 0.3396, 0.3367, 0.3359, 0.3339, 0.3319]


def two(wins: float, losses: float) -> np.ndarray:
    return np.array([[0, wins], [losses, 0]])


def test_published_strengths_and_standard_errors() -> None:
    strengths = bradley_terry(BASEBALL, prior=0)
    np.testing.assert_allclose(strengths[:6] - strengths[6], ABILITIES, atol=5e-5)
    spread = covariance(information(strengths, BASEBALL + BASEBALL.T))
    errors = np.sqrt(spread.diagonal() + spread[6, 6] - 2 * spread[6])[:6]
    np.testing.assert_allclose(errors, THEIR_ERRORS, atol=5e-5)
    assert strengths.mean() == pytest.approx(0, abs=1e-12)


def test_two_players_differ_by_the_logarithm_of_their_odds() -> None:
    strengths = bradley_terry(two(30, 12), prior=0)
    assert strengths[0] - strengths[1] == pytest.approx(np.log(30 / 12))
    spread = covariance(information(strengths, two(42, 42)))
    error = np.sqrt(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    assert error == pytest.approx(np.sqrt(1 / 30 + 1 / 12))


def test_who_won_every_game_has_a_finite_strength_that_grows_with_the_games() -> None:
    for games in (10, 1000):
        strengths = bradley_terry(two(games, 0))
        assert strengths[0] - strengths[1] == pytest.approx(np.log((games + 0.5) / 0.5))


def test_undetermined_strengths_are_refused() -> None:
    with pytest.raises(ValueError, match="not determined"):
        bradley_terry(two(10, 0), prior=0)
    strangers = np.zeros((4, 4))
    strangers[:2, :2] = strangers[2:, 2:] = two(3, 4)
    with pytest.raises(ValueError, match="not determined"):
        bradley_terry(strangers)
    with pytest.raises(ValueError, match="square"):
        bradley_terry(np.ones((2, 3)))


def test_strengths_come_back_from_the_chances_that_they_give() -> None:
    random = np.random.default_rng(0)
    true = random.normal(0, 2, 9)
    games = np.zeros((9, 9))
    games[:4, 4:] = random.integers(5, 50, (4, 5))  # each of one side against each of the other
    wins = (games + games.T) * chances(true)
    np.testing.assert_allclose(bradley_terry(wins, prior=0), true - true.mean(), atol=1e-6)


def test_strengths_are_the_fixed_point_of_zermelo_and_hunter() -> None:
    worth = np.exp(bradley_terry(BASEBALL, prior=0))
    games = (BASEBALL + BASEBALL.T) / (worth[:, None] + worth)
    np.testing.assert_allclose(BASEBALL.sum(axis=1) / games.sum(axis=1), worth, rtol=1e-6)


# Matches


def outputs(random: np.random.Generator, quality: list[float], sharpness: list[float], n: int, m: int) -> tuple:
    """Logits of normal examples: quality below 0 lies below real ones, sharper discriminators see more of it.

    Part of each output is shared: by all players for a latent, by all discriminators for an example.
    """
    latents, reals = random.normal(size=n), random.normal(size=m)
    fake = []
    for worth in quality:
        example = np.sqrt(0.35) * latents + np.sqrt(0.35) * random.normal(size=n)
        fake.append([worth * sharp + example + np.sqrt(0.3) * random.normal(size=n) for sharp in sharpness])
    return fake, [np.sqrt(0.7) * reals + np.sqrt(0.3) * random.normal(size=m) for _ in sharpness]


def points(standings: Standings) -> np.ndarray:
    return np.array([player.points for player in (*standings.generators, *standings.discriminators)])


def test_a_generator_wins_the_pairs_in_which_its_example_is_taken_for_the_real_one() -> None:
    outcome = play_matches(
        [[np.array([1.0, 3.0]), np.array([-1.0, 0.0])]], [np.array([2.0, 2.5, 3.0]), np.array([0.0, 5.0, 7])]
    )
    np.testing.assert_allclose(outcome.win_rates, [[2.5 / 6, 0.5 / 6]])
    assert outcome.games == 2


def test_the_scale_of_a_discriminators_output_does_not_matter() -> None:
    fake, real = outputs(np.random.default_rng(1), [-1, 0.2], [0.5, 1, 2], 60, 50)
    others = [lambda x: x, lambda x: 100 * x - 7, np.tanh]
    moved = [[change(logits) for change, logits in zip(others, row, strict=True)] for row in fake]
    moved_real = [change(logits) for change, logits in zip(others, real, strict=True)]
    plain, changed = rate(play_matches(fake, real)), rate(play_matches(moved, moved_real))
    np.testing.assert_allclose(points(plain), points(changed))


def test_the_average_generator_has_1500_points_and_400_are_odds_of_ten_to_one() -> None:
    rates = np.array([[1 / 101, 1 / 11], [1 / 11, 1 / 2]])
    standings = rate(GameResults(rates, 10**9, np.zeros((4, 4))))
    np.testing.assert_allclose(points(standings), [1300, 1700, 2100, 1700], atol=1e-3)
    assert standings.real == pytest.approx(1900)  # against 2100 and 1700 it wins half in all
    assert [player.win_rate for player in standings.discriminators] == pytest.approx(1 - rates.mean(axis=0))


def test_who_never_won_still_has_an_interval() -> None:
    fake, real = [[np.arange(50.0)], [np.full(50, -9.0)]], [np.arange(50.0)]
    never = rate(play_matches(fake, real)).generators[1]
    assert never.win_rate == 0
    assert 100 < never.high - never.low < 1000


def test_intervals_hold_the_truth_in_95_of_100_tournaments() -> None:
    quality, sharpness = [-1.5, -0.8, -0.3], [0.5, 1.0, 1.5]
    random = np.random.default_rng(2)
    truth = points(rate(play_matches(*outputs(random, quality, sharpness, 200_000, 200_000))))
    held, found = [], []
    for _ in range(300):
        standings = rate(play_matches(*outputs(random, quality, sharpness, 90, 70)))
        players = (*standings.generators, *standings.discriminators)
        held.append([player.low <= true <= player.high for player, true in zip(players, truth, strict=True)])
        found.append(points(standings))
    assert np.mean(held, axis=0) == pytest.approx(0.95, abs=0.04)  # 3 deviations of 300 tosses
    np.testing.assert_allclose(np.mean(found, axis=0), truth, atol=0.15 * ELO / 4)
