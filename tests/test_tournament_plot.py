"""The picture of a tournament: the same each time, aligned, and of bounded size."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_cli.data import DataSpec
from gan_cli.tournament.players import TournamentRun, players_of
from gan_cli.tournament.round_robin import Tournament
from gan_cli.tournament.tournament_layout import cell_size, plan_layout
from gan_cli.tournament.tournament_plot import tournament_figure, tournament_png
from gan_cli.tournament.win_rates import play_matches, rate


def made_up_tournament(names: Sequence[str], steps: Sequence[int]) -> Tournament:
    """A tournament of these runs with the numbers of random logits."""
    rng = np.random.default_rng(0)
    checkpoints = tuple(Path(f"step_{step:08d}.npz") for step in steps)
    letters = "ABCD" if len(names) > 1 else ("",)
    data = DataSpec((2,), None, (-1.0, 1.0), 100)
    players = players_of(
        [TournamentRun(letter, Path(name), {}, data, checkpoints) for letter, name in zip(letters, names, strict=False)]
    )
    fake = rng.normal(-0.5, 1, (len(players), len(players), 20))
    outcome = play_matches([list(row) for row in fake], list(rng.normal(0.5, 1, (len(players), 20))))
    return Tournament(players, outcome, rate(outcome), [None] * len(players), (), {})


def test_matplotlib_s_settings_in_the_working_folder_are_not_read() -> None:
    """It reads them when it is imported, so in a new process. Those here can't even be decoded."""
    Path("matplotlibrc").write_bytes(b"font.size: \xff\n")
    program = "from gan_cli.tournament.tournament_plot import import_matplotlib; import_matplotlib()"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("players", [2, 12])
def test_the_picture_of_a_tournament_is_the_same_each_time(players: int) -> None:
    """Whatever the user's matplotlib is set to, and with long names or ones that matplotlib would interpret."""
    import matplotlib

    names = ["_$a_b$ \\frac", "x" * 250, "日本\n\udcff", "d"][: players // 2]
    played = made_up_tournament(names, range(1, players // len(names) + 1))
    first = tournament_png(played)
    with matplotlib.rc_context({"font.size": 30, "text.usetex": True, "savefig.dpi": 10}):
        assert tournament_png(played) == first
        assert matplotlib.rcParams["font.size"] == 30
    with Image.open(io.BytesIO(first)) as picture:
        assert picture.info.keys() == {"dpi"}
        assert max(picture.size) < 1500


def test_a_picture_of_many_players_has_a_bounded_size() -> None:
    assert cell_size(2)[0] > cell_size(16)[0] > cell_size(40)[0] > cell_size(100)[0]
    assert 40 * cell_size(40)[0] < 10  # inches
    assert 2600 * cell_size(2600)[0] < 25


def test_the_rows_of_the_heat_map_and_of_the_ratings_are_aligned() -> None:
    layout = plan_layout(made_up_tournament(["a", "b" * 200], [5, 10, 15]))
    figure = tournament_figure(made_up_tournament(["a", "b" * 200], [5, 10, 15]))
    heat_map, _, ratings, progress = figure.axes
    assert heat_map.get_ylim() == ratings.get_ylim() == (5.5, -0.5)
    assert heat_map.get_position().y0 == pytest.approx(ratings.get_position().y0)
    assert heat_map.get_position().height * layout.height == pytest.approx(layout.map_size[1])
    assert [text.get_text() for text in heat_map.get_yticklabels()] == [
        f"{run} {step}" for run in "AB" for step in (5, 10, 15)
    ]
    assert len(heat_map.texts) == 36  # a number in each cell
    assert progress.get_title().startswith("Rating over steps")
