"""A tournament as a picture: a heat map of win rates, the ratings with their intervals, and progress over steps.

matplotlib is imported inside the functions that draw, so that no command waits for it.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_cli.tournament.players import Player
from gan_cli.tournament.round_robin import Tournament
from gan_cli.tournament.tournament_layout import (
    CHARACTER,
    COLOUR_BAR,
    FONT,
    LINE,
    MARGIN,
    MAX_LABELS,
    NUMBERED,
    PROGRESS_HEIGHT,
    RATINGS_WIDTH,
    ROOMY,
    Layout,
    label_size,
    plan_layout,
    run_names,
)
from gan_cli.tournament.tournament_tables import REAL_DATA, entrants_of
from gan_cli.tournament.win_rates import Rating

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 120
INK, GRID = "#404448", "#e4e6e9"
GENERATOR_WON, EVEN, DISCRIMINATOR_WON = "#d55e00", "#f7f7f7", "#0072b2"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of runs, one after the other: Okabe & Ito 2008, distinguishable by colour-blind readers too."""
MARKERS = ("o", "s", "^", "D", "v")
"""The next one where the colours begin again: 30 runs look different."""
REAL_LINE: dict[str, Any] = {"color": INK, "linewidth": 1, "linestyle": ":"}


def tournament_png(tournament: Tournament) -> bytes:
    """A PNG file. Rows are generators and columns discriminators.

    The same tournament gives the same bytes: settings of the user's matplotlib do not count, and no date is written.
    """
    matplotlib = import_matplotlib()
    content = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC_PARAMS)
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)  # of a run's name
        figure = tournament_figure(tournament)
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def import_matplotlib() -> ModuleType:
    """The package. Its import reads a `matplotlibrc` of the working folder, which may come from anybody: not here."""
    with contextlib.chdir("/"):
        import matplotlib
    return matplotlib


RC_PARAMS = {
    "font.size": FONT,
    "axes.titlesize": FONT,
    "axes.titlelocation": "left",
    "axes.edgecolor": GRID,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.parse_math": False,  # a run's name may hold a dollar sign
}


def tournament_figure(tournament: Tournament) -> Figure:
    """The figure, with matplotlib's settings as they are."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    layout = plan_layout(tournament)
    figure = Figure(figsize=(layout.width, layout.height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    draw_legend(figure, tournament, layout)
    draw_win_rates(figure, tournament, layout)
    draw_ratings(figure, tournament, layout)
    if layout.has_progress:
        draw_progress(figure, tournament, layout)
    return figure


def draw_legend(figure: Figure, tournament: Tournament, layout: Layout) -> None:
    """The runs with their colours, and below them the marks of generators and discriminators."""
    from matplotlib.lines import Line2D

    names = run_names(tournament, layout.width)
    colour = INK if names else COLOURS[0]
    runs = [Line2D([], [], **{**filled(index), "linestyle": "none"}) for index in range(len(names))]
    marks = [Line2D([], [], **style) for style in (filled(0, colour), hollow(0, colour), REAL_LINE)]
    marks_top = layout.map_top - layout.label_length - 2.6 * LINE
    for handles, labels, top, columns in (
        (runs, names, MARGIN, layout.legend_columns),
        (marks, ["generator", "discriminator", REAL_DATA], marks_top, len(marks)),
    ):
        place = (MARGIN / layout.width, 1 - top / layout.height)
        spacing = {"borderpad": 0, "borderaxespad": 0, "handletextpad": 0.6, "columnspacing": 1.5}
        figure.legend(handles, labels, loc="upper left", bbox_to_anchor=place, ncols=columns, frameon=False, **spacing)


def draw_win_rates(figure: Figure, tournament: Tournament, layout: Layout) -> None:
    """The heat map, with numbers where they fit, white lines between runs and a colour bar below."""
    from matplotlib.colors import LinearSegmentedColormap

    players, rates = tournament.players, tournament.outcome.win_rates
    axes = layout.axes(figure, layout.map_left, layout.map_top, *layout.map_size)
    colours = LinearSegmentedColormap.from_list("win rates", [DISCRIMINATOR_WON, EVEN, GENERATOR_WON])
    image = axes.imshow(rates, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    if len(players) <= NUMBERED:
        draw_numbers(axes, rates, colours)
        edges = np.arange(len(players) + 1) - 0.5
        axes.set_xticks(edges, minor=True)
        axes.set_yticks(edges, minor=True)
        axes.grid(which="minor", color="white", linewidth=0.7)
    for edge in np.cumsum([len(run.checkpoints) for run in entrants_of(players)])[:-1]:
        axes.axhline(edge - 0.5, color="white", linewidth=2.5)
        axes.axvline(edge - 0.5, color="white", linewidth=2.5)
    shown = range(0, len(players), -(-len(players) // MAX_LABELS))
    labels, size = [players[place].label for place in shown], label_size(layout)
    axes.set_xticks(shown, labels, rotation=90, fontsize=size)
    axes.set_yticks(shown, labels, fontsize=size)
    axes.tick_params(which="both", length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    title = "Games won by each generator (row) against each discriminator (column), %"
    title_bottom = layout.map_top - layout.label_length - 0.05
    figure.text(MARGIN / layout.width, 1 - title_bottom / layout.height, title, va="bottom")
    bar = layout.axes(figure, layout.map_left, layout.map_bottom + 0.1, layout.map_size[0], COLOUR_BAR)
    figure.colorbar(image, cax=bar, orientation="horizontal").set_ticks([0, 0.5, 1], labels=["0", "50", "100"])
    bar.tick_params(length=0)
    bar.spines[:].set_visible(False)


def draw_numbers(axes: Axes, rates: np.ndarray, colours: Any) -> None:
    """Writes each win rate into its cell, dark on light colours and white on dark ones."""
    size = FONT if len(rates) <= ROOMY else 0.7 * FONT
    for (row, column), rate in np.ndenumerate(rates):
        luminance = np.dot(colours(rate)[:3], (0.299, 0.587, 0.114))
        ink = "white" if luminance < 0.55 else INK
        axes.text(column, row, f"{100 * rate:.0f}", color=ink, fontsize=size, ha="center", va="center_baseline")


def draw_ratings(figure: Figure, tournament: Tournament, layout: Layout) -> None:
    """A mark with its interval for each generator, in the row of the heat map that is its own."""
    players, standings = tournament.players, tournament.standings
    axes = layout.axes(figure, layout.ratings_left, layout.map_top, RATINGS_WIDTH - 0.5, layout.map_size[1])
    scale, size = min(1.0, 72 * layout.cell[1] / (1.6 * FONT)), label_size(layout)
    axes.axvline(standings.real, **REAL_LINE)
    for row, (player, rating) in enumerate(zip(players, standings.generators, strict=True)):
        style = filled(run_index(players, player))
        style["markersize"] *= scale
        axes.plot([rating.low, rating.high], [row, row], color=style["color"], linewidth=1.5)
        axes.plot([rating.points], [row], **style)
        if len(players) <= MAX_LABELS:
            text = f"{rating.points:,.0f}"
            axes.text(
                1.23, row, text, transform=axes.get_yaxis_transform(), ha="right", va="center_baseline", fontsize=size
            )
    axes.set_ylim(len(players) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_title("Rating of generators, 95 % intervals", fontsize=FONT)
    style_rating_axis(axes.xaxis, most_ticks=4)
    axes.spines[["left", "right", "top"]].set_visible(False)


def draw_progress(figure: Figure, tournament: Tournament, layout: Layout) -> None:
    """Ratings over steps, two lines a run: solid for its generators, dashed for its discriminators."""
    players, standings = tournament.players, tournament.standings
    left = max(layout.map_left, MARGIN + 8 * CHARACTER)
    axes = layout.axes(figure, left, layout.progress_top, layout.width - left - 2 * MARGIN, PROGRESS_HEIGHT)
    axes.axhline(standings.real, **REAL_LINE)
    for ratings, mark, width in ((standings.discriminators, hollow, 1.0), (standings.generators, filled, 1.5)):
        for index, run in enumerate(entrants_of(players)):
            own = [(p.step, rating) for p, rating in zip(players, ratings, strict=True) if p.tournament_run is run]
            draw_line(axes, own, mark(index), width)
    axes.set_title("Rating over steps, with 95 % intervals", fontsize=FONT)
    style_rating_axis(axes.yaxis, most_ticks=6)
    style_number_axis(axes.xaxis, most_ticks=8, integer=True)
    axes.spines[["left", "right", "top"]].set_visible(False)


def draw_line(axes: Axes, ratings: Sequence[tuple[int, Rating]], style: dict[str, Any], width: float) -> None:
    """One player's ratings from step to step, with their intervals."""
    steps = [step for step, _ in ratings]
    axes.vlines(steps, [one.low for _, one in ratings], [one.high for _, one in ratings], style["color"], linewidth=1)
    axes.plot(steps, [one.points for _, one in ratings], linewidth=width, **style)


def style_rating_axis(axis: Any, most_ticks: int) -> None:
    style_number_axis(axis, most_ticks)
    axis.grid(color=GRID, linewidth=0.8)
    axis.axes.set_axisbelow(True)


def style_number_axis(axis: Any, most_ticks: int, integer: bool = False) -> None:
    """At most so many round numbers, with commas between thousands."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_major_locator(MaxNLocator(most_ticks, steps=[1, 2, 2.5, 5, 10], integer=integer))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_tick_params(length=0)


def filled(index: int, colour: str | None = None) -> dict[str, Any]:
    """The mark and the line of the generators of a run."""
    colour = colour or COLOURS[index % len(COLOURS)]
    marker = MARKERS[index // len(COLOURS) % len(MARKERS)]
    return {"color": colour, "marker": marker, "markersize": 5.0, "markeredgecolor": colour, "linestyle": "-"}


def hollow(index: int, colour: str | None = None) -> dict[str, Any]:
    """The mark and the line of the discriminators of a run."""
    return {**filled(index, colour), "markerfacecolor": "white", "linestyle": "--"}


def run_index(players: Sequence[Player], player: Player) -> int:
    return [run is player.tournament_run for run in entrants_of(players)].index(True)
