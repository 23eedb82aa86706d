"""A call of gan-eval tournament, from a checked job to what is printed and written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from gan_cli.config.resolvers import path_name
from gan_cli.console import Console
from gan_cli.errors import ConfigError
from gan_cli.output_streams import print_result
from gan_cli.runs.atomic_files import check_folder, write_atomically, write_json
from gan_cli.tournament.players import TournamentRun, find_runs
from gan_cli.tournament.tournament import play_tournament
from gan_cli.tournament.tournament_config import TournamentJob
from gan_cli.tournament.tournament_plot import tournament_figure
from gan_cli.tournament.tournament_tables import as_dict, tables

FORMAT = "gan-cli tournament"
"""What the file of numbers says that it is."""


def run_tournament(job: TournamentJob) -> int:
    """Plays, prints and writes; gives the exit code.

    Raises:
        ConfigError: for what the user can mend; nothing has been written then.
    """
    tournament_runs = find_runs(job)
    output = Path(job.output) if job.output else default_output(tournament_runs)
    check_folder("output", output.parent)
    check_numbers_file(output.with_suffix(".json"))
    with closing(Console(stderr=True)) as console:
        from gan_cli.devices import load_for_inference  # here, since it loads TensorFlow

        load_for_inference()
        tournament = play_tournament(job, tournament_runs, console)
        told = {"format": FORMAT, **as_dict(tournament), "picture": str(output)}
        try:
            write(output, tournament_figure(tournament), told)
        except OSError as error:  # the numbers took long to compute and are shown all the same
            console.warn(f"{output} can't be written ({error.strerror})")
    lines = [*tables(tournament), f"Picture: {output}"]
    print_result(json.dumps(told, allow_nan=False) if job.json else "\n".join(lines))
    return 0


def default_output(tournament_runs: Sequence[TournamentRun]) -> Path:
    """In a run that plays alone, else beside the first run, by the names of all."""
    first = tournament_runs[0].path
    if len(tournament_runs) == 1:
        return first / "tournament.png"
    names = path_name("_".join(["tournament", *(tournament_run.name for tournament_run in tournament_runs)]))
    return first.absolute().parent / f"{names}.png"


def check_numbers_file(path: Path) -> None:
    """Raises ConfigError where the numbers would be written over something else: over a run's status.json, say."""
    if not path.exists():
        return
    try:
        is_ours = json.loads(path.read_text("utf-8")).get("format") == FORMAT
    except (OSError, ValueError, AttributeError, RecursionError):
        is_ours = False
    if not is_ours:
        problem = f"{path.name}, where the numbers go, is there already and holds something else"
        raise ConfigError("output", problem, path.with_suffix(".png"), "Name another file: output=FILE.png")


def write(output: Path, picture: Any, told: dict[str, Any]) -> None:
    """The picture, and the numbers beside it."""
    write_atomically(output, lambda file: picture.save(file, format="PNG"))
    write_json(output.with_suffix(".json"), told)
