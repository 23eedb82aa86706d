"""Sizes and places of the parts of a tournament's picture, for so many players with such names.

All are in inches from the top left corner: matplotlib's own layouts move axes by the length of a text, and the rows of
the heat map and of the ratings must stay aligned.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_cli.output_streams import printable
from gan_cli.tournament.round_robin import Tournament
from gan_cli.tournament.tournament_tables import entrants_of, is_alone

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FONT = 9.0  # points
CHARACTER = 0.65 * FONT / 72  # inches: a little more than a digit of DejaVu Sans, matplotlib's own font
MARGIN, GAP, LINE = 0.2, 0.3, 0.2  # inches
RATINGS_WIDTH, PROGRESS_HEIGHT, COLOUR_BAR = 2.6, 2.4, 0.12  # inches
MIN_WIDTH = 7.0  # inches, room for the titles
ROOMY, NUMBERED = 16, 48  # most players with wide cells, and with numbers in their cells
MAX_MAP, MAX_LABELS = 24.0, 200  # inches; more labels than this would overlap
MAX_NAME = 120  # characters of a run's name, which is cut in its middle


@dataclass(frozen=True)
class Layout:
    """Where the parts of the picture are, in inches from its top left corner."""

    width: float
    height: float
    map_left: float
    map_top: float
    cell: tuple[float, float]
    players: int
    label_length: float
    has_progress: bool
    legend_columns: int

    @property
    def map_size(self) -> tuple[float, float]:
        return self.cell[0] * self.players, self.cell[1] * self.players

    @property
    def map_bottom(self) -> float:
        return self.map_top + self.map_size[1]

    @property
    def ratings_left(self) -> float:
        return self.map_left + self.map_size[0] + GAP

    @property
    def progress_top(self) -> float:
        return self.map_bottom + COLOUR_BAR + 3 * LINE + GAP

    def axes(self, figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
        """New axes of this size at this place."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        return figure.add_axes(box)


def plan_layout(tournament: Tournament) -> Layout:
    """Sizes for these players and names."""
    players = tournament.players
    runs = entrants_of(players)
    cell = cell_size(len(players))
    labels = max(LINE, CHARACTER * max(len(player.label) for player in players)) + 0.1
    map_left = MARGIN + LINE + labels
    width = map_left + cell[0] * len(players) + GAP + RATINGS_WIDTH + MARGIN
    width = max(width, MIN_WIDTH)
    names = run_names(tournament, width)
    longest = max((len(line) for name in names for line in name.split("\n")), default=1)
    columns = max(1, min(len(names), int((width - 2 * MARGIN) / (CHARACTER * longest + 0.55))))
    rows = sum(name.count("\n") + 1 for name in names) if columns == 1 else -(-len(names) // columns)
    map_top = MARGIN + LINE * (rows + 3) + labels
    has_progress = any(len(run.checkpoints) > 1 for run in runs)
    height = map_top + cell[1] * len(players) + COLOUR_BAR + 2 * LINE + MARGIN
    if has_progress:
        height += GAP + PROGRESS_HEIGHT + 2 * LINE
    return Layout(width, height, map_left, map_top, cell, len(players), labels, has_progress, columns)


def cell_size(players: int) -> tuple[float, float]:
    """Width and height of a cell of the heat map."""
    if players <= ROOMY:
        return max(0.42, 1.6 / players), max(0.26, 0.8 / players)
    side = 0.24 if players <= NUMBERED else min(0.12, MAX_MAP / players)
    return side, side


def run_names(tournament: Tournament, width: float) -> list[str]:
    """The legend's texts: each run's letter and name, in several lines where it is long; none for one run."""
    runs = [] if is_alone(tournament.players) else entrants_of(tournament.players)
    characters = int((width - 2 * MARGIN - 0.55) / CHARACTER)
    return ["\n".join(textwrap.wrap(f"{run.letter}  {shorten(printable(run.name))}", characters)) for run in runs]


def shorten(name: str) -> str:
    """A name of at most `MAX_NAME` characters; a longer one loses its middle."""
    half = MAX_NAME // 2
    return name if len(name) <= MAX_NAME else f"{name[: half - 1]}…{name[-half:]}"


def label_size(layout: Layout) -> float:
    """Points of a text that fits into the height of a row."""
    return min(FONT, 0.85 * 72 * layout.cell[1])
