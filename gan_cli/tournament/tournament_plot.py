"""A tournament as a picture: win rates as a map, ratings with their intervals beside it, progress over steps below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_cli.plotting.points_plot import FAKE_COLOUR, INK, PAPER
from gan_cli.tournament.players import Player
from gan_cli.tournament.tournament import Tournament
from gan_cli.tournament.tournament_tables import REAL_DATA, entrants_of, is_alone
from gan_cli.tournament.win_rates import Rating

Colour = tuple[int, int, int]

MARGIN, GAP, LINE = 24, 16, 20  # pixels
CELL_WIDE, CELL_HIGH = 46, 28  # pixels; the smaller ones leave out the numbers
CELL_SMALL, MOST_WIDE = 18, 16  # pixels; players
STRIP, CHART = 320, 260  # width of the ratings, height of the progress
DOT = 3.5  # radius in pixels
SUPERSAMPLING = 2  # Pillow draws without antialiasing: shapes are drawn this many times larger, then shrunk
GRID = (232, 234, 237)
DISCRIMINATOR_WON: Colour = (52, 101, 164)
COLOURS: tuple[Colour, ...] = (  # of runs, one after the other: Okabe & Ito 2008, told apart without red and green too
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
)


@dataclass
class Sheet:
    """Shapes, drawn large and shrunk at the end, and texts that are drawn at their own size afterwards."""

    width: int
    height: int
    texts: list[tuple[float, float, str, str, int, Colour]] = field(default_factory=list)
    turned: list[tuple[float, float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.canvas = Image.new("RGB", (self.width * SUPERSAMPLING, self.height * SUPERSAMPLING), PAPER)
        self.draw = ImageDraw.Draw(self.canvas)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        self.draw.rectangle(large((left, top, right, bottom)), fill=fill)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, width: float = 1) -> None:
        self.draw.line([large(point) for point in points], fill=colour, width=round(width * SUPERSAMPLING))

    def dot(self, x: float, y: float, colour: Colour, is_filled: bool = True) -> None:
        box = large((x - DOT, y - DOT, x + DOT, y + DOT))
        self.draw.ellipse(box, fill=colour if is_filled else PAPER, outline=colour, width=SUPERSAMPLING)

    def text(self, x: float, y: float, text: str, anchor: str = "lm", size: int = 13, colour: Colour = INK) -> None:
        """`anchor` as Pillow has it: l, m or r, and t, m or b."""
        self.texts.append((x, y, text, anchor, size, colour))

    def turned_text(self, x: float, bottom: float, text: str) -> None:
        """A text that reads upwards, from `bottom`, centred at x."""
        self.turned.append((x, bottom, text))

    def picture(self) -> Image.Image:
        canvas = self.canvas.resize((self.width, self.height), Image.Resampling.LANCZOS)
        draw = ImageDraw.Draw(canvas)
        for x, y, text, anchor, size, colour in self.texts:
            draw.text((x, y), text, colour, ImageFont.load_default(size), anchor=anchor)
        for x, bottom, text in self.turned:
            drawn = Image.new("RGB", (text_width(text), LINE), PAPER)
            ImageDraw.Draw(drawn).text((0, LINE / 2), text, INK, ImageFont.load_default(13), anchor="lm")
            upwards = drawn.transpose(Image.Transpose.ROTATE_90)
            canvas.paste(upwards, (round(x - LINE / 2), round(bottom - upwards.height)))
        return canvas


@dataclass(frozen=True)
class Axis:
    """Ratings on the way from one pixel to another."""

    low: float
    high: float
    first: float
    last: float

    def place(self, points: float) -> float:
        return self.first + (points - self.low) / (self.high - self.low) * (self.last - self.first)

    def ticks(self) -> list[float]:
        """Round numbers, about five of them."""
        rough = (self.high - self.low) / 5
        size = 10 ** np.floor(np.log10(rough))
        step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
        return list(np.arange(np.ceil(self.low / step), self.high / step + 1e-9) * step)


def tournament_figure(tournament: Tournament) -> Image.Image:
    """An RGB picture. Rows are generators and columns discriminators; orange where generators win, blue where not."""
    players = tournament.players
    wide = len(players) <= MOST_WIDE
    cell = (CELL_WIDE, CELL_HIGH) if wide else (CELL_SMALL, CELL_SMALL)
    labels = max(text_width(player.label) for player in players)
    legend = 0 if is_alone(players) else LINE * len(entrants_of(players)) + GAP
    left = MARGIN + LINE + max(labels, text_width(REAL_DATA)) + 8
    top = MARGIN + LINE + legend + max(labels, 3 * LINE) + 8  # room for the two lines above the ratings
    right, bottom = left + cell[0] * len(players), top + cell[1] * len(players)
    has_progress = any(len(tournament_run.checkpoints) > 1 for tournament_run in entrants_of(players))
    names = [text_width(tournament_run.name) + 2 * LINE for tournament_run in entrants_of(players)]
    width = max(right + 2 * GAP + STRIP, MARGIN + max(names)) + MARGIN
    sheet = Sheet(width, bottom + LINE + GAP + (CHART + 2 * LINE + GAP if has_progress else 0) + MARGIN)
    sheet.text(MARGIN, MARGIN + LINE / 2, "games won by each generator (row) against each discriminator (column), %")
    for index, tournament_run in enumerate(entrants_of(players) if legend else []):
        y = MARGIN + LINE * (index + 1.5) + GAP / 2
        sheet.dot(MARGIN + DOT, y, colour_of(index))
        sheet.text(MARGIN + LINE, y, f"{tournament_run.letter}  {tournament_run.name}")
    draw_map(sheet, tournament, left, top, cell, with_numbers=wide)
    draw_ratings(sheet, tournament, right + 2 * GAP, top, cell[1])
    if has_progress:
        draw_progress(sheet, tournament, left, bottom + 2 * LINE + GAP)
    return sheet.picture()


def draw_map(
    sheet: Sheet, tournament: Tournament, left: float, top: float, cell: tuple[int, int], with_numbers: bool
) -> None:
    """Cells with labels; a line of paper between two runs."""
    players, (wide, high) = tournament.players, cell
    for i, player in enumerate(players):
        y = top + i * high
        sheet.text(left - 8, y + high / 2, player.label, "rm")
        sheet.turned_text(left + (i + 0.5) * wide, top - 8, player.label)
        for j, rate in enumerate(tournament.outcome.win_rates[i]):
            x, colour = left + j * wide, heat(rate)
            sheet.box(x, y, x + wide - 1, y + high - 1, colour)
            if with_numbers:
                ink = PAPER if np.mean(colour) < 150 else (32, 36, 40)
                sheet.text(x + wide / 2, y + high / 2, f"{100 * rate:.0f}", "mm", 12, ink)
    edges = np.cumsum([len(tournament_run.checkpoints) for tournament_run in entrants_of(players)])[:-1]
    across, down = left + len(players) * wide, top + len(players) * high
    for edge in edges:
        sheet.line([(left + edge * wide, top), (left + edge * wide, down)], PAPER, 3)
        sheet.line([(left, top + edge * high), (across, top + edge * high)], PAPER, 3)


def draw_ratings(sheet: Sheet, tournament: Tournament, left: float, top: float, high: int) -> None:
    """A dot with its interval for each generator, beside its row."""
    ratings, real = tournament.standings.generators, tournament.standings.real
    axis = spanning(ratings, real, left, left + STRIP - 60)
    bottom = top + high * len(ratings)
    sheet.text(left, top - LINE - 14, "rating of generators, with 95 % intervals")
    for tick in axis.ticks():
        sheet.line([(axis.place(tick), top), (axis.place(tick), bottom)], GRID)
        sheet.text(axis.place(tick), bottom + 4, f"{tick:,.0f}", "mt", 11)
    sheet.line([(axis.place(real), top), (axis.place(real), bottom)], FAKE_COLOUR, 1)
    sheet.text(axis.place(real), top - 2, REAL_DATA, "mb", 11, FAKE_COLOUR)
    for index, (player, rating) in enumerate(zip(tournament.players, ratings, strict=True)):
        y, colour = top + (index + 0.5) * high, colour_of(run_index(tournament.players, player))
        sheet.line([(axis.place(rating.low), y), (axis.place(rating.high), y)], colour, 2)
        sheet.dot(axis.place(rating.points), y, colour)
        sheet.text(left + STRIP, y, f"{rating.points:,.0f}", "rm", 12)


def draw_progress(sheet: Sheet, tournament: Tournament, left: float, top: float) -> None:
    """Ratings over steps, a line a run: dots for generators, circles for discriminators."""
    players, standings = tournament.players, tournament.standings
    right, bottom = sheet.width - MARGIN, top + CHART
    ratings = [*standings.generators, *standings.discriminators]
    axis = spanning(ratings, standings.real, bottom, top)
    last_step = max(player.step for player in players)
    steps = Axis(0, max(last_step, 1), left, right)
    sheet.text(MARGIN, top - LINE, "rating over steps: dots for generators, circles for discriminators")
    for tick in axis.ticks():
        sheet.line([(left, axis.place(tick)), (right, axis.place(tick))], GRID)
        sheet.text(left - 8, axis.place(tick), f"{tick:,.0f}", "rm", 11)
    for tick in steps.ticks():
        sheet.text(steps.place(tick), bottom + 6, f"{tick:,.0f}", "mt", 11)
    sheet.line([(left, axis.place(standings.real)), (right, axis.place(standings.real))], FAKE_COLOUR)
    sheet.text(right, axis.place(standings.real) - 2, REAL_DATA, "rb", 11, FAKE_COLOUR)
    for side, is_filled in ((standings.discriminators, False), (standings.generators, True)):
        for index, tournament_run in enumerate(entrants_of(players)):
            own = [
                (p.step, rating) for p, rating in zip(players, side, strict=True) if p.tournament_run is tournament_run
            ]
            draw_course(sheet, [(steps.place(s), axis, rating) for s, rating in own], colour_of(index), is_filled)


def draw_course(sheet: Sheet, course: list[tuple[float, Axis, Rating]], colour: Colour, is_filled: bool) -> None:
    """One player's ratings from step to step, with their intervals."""
    if len(course) > 1:
        pale = colour if is_filled else blend(colour, PAPER, 0.6)
        sheet.line([(x, axis.place(rating.points)) for x, axis, rating in course], pale, 2 if is_filled else 1)
    for x, axis, rating in course:
        sheet.line([(x, axis.place(rating.low)), (x, axis.place(rating.high))], colour, 1)
        sheet.dot(x, axis.place(rating.points), colour, is_filled)


def spanning(ratings: Sequence[Rating], real: float, first: float, last: float) -> Axis:
    """An axis that holds all intervals and the rating of real data, with a little room."""
    ends = [real, *(rating.low for rating in ratings), *(rating.high for rating in ratings)]
    room = 0.05 * (max(ends) - min(ends)) + 1
    return Axis(min(ends) - room, max(ends) + room, first, last)


def heat(rate: float) -> Colour:
    """From blue, where the discriminator won all games, over paper at one half to orange, where the generator did."""
    end = FAKE_COLOUR if rate > 0.5 else DISCRIMINATOR_WON
    return blend((246, 246, 246), end, abs(2 * rate - 1))


def blend(first: Colour, second: Colour, share: float) -> Colour:
    mixed = [round(a + share * (b - a)) for a, b in zip(first, second, strict=True)]
    return (mixed[0], mixed[1], mixed[2])


def colour_of(index: int) -> Colour:
    return COLOURS[index % len(COLOURS)]


def run_index(players: Sequence[Player], player: Player) -> int:
    return [tournament_run is player.tournament_run for tournament_run in entrants_of(players)].index(True)


def text_width(text: str, size: int = 13) -> int:
    return int(np.ceil(ImageFont.load_default(size).getlength(text)))


def large(values: Sequence[float]) -> Any:
    return tuple(value * SUPERSAMPLING for value in values)
