"""A call of gan-eval tournament, from a checked job to what is printed and written."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from gan_cli.config.resolvers import path_name
from gan_cli.console import Console
from gan_cli.errors import ConfigError
from gan_cli.output_streams import print_result
from gan_cli.runs.atomic_files import check_folder, write_atomically, write_json
from gan_cli.runs.checkpoint import checkpoint_step
from gan_cli.tournament.players import TournamentRun, find_runs
from gan_cli.tournament.round_robin import play_tournament
from gan_cli.tournament.tournament_config import TournamentJob
from gan_cli.tournament.tournament_plot import tournament_png
from gan_cli.tournament.tournament_tables import as_dict, tables

FORMAT = "gan-cli tournament"
"""What the file of numbers says that it is."""


def run_tournament(job: TournamentJob) -> int:
    """Plays, prints and writes; gives the exit code.

    Raises:
        ConfigError: for what the user can mend; nothing has been written then.
    """
    tournament_runs = find_runs(job)
    output = Path(job.output) if job.output else default_output(job, tournament_runs)
    check_folder("output", output.parent)
    check_numbers_file(output.with_suffix(".json"))
    with closing(Console(stderr=True)) as console:
        from gan_cli.devices import load_for_inference  # here, since it loads TensorFlow

        load_for_inference()
        tournament = play_tournament(job, tournament_runs, console)
        content = {"format": FORMAT, **as_dict(tournament), "picture": str(output)}
        try:
            write(output, tournament_png(tournament), content)
        except OSError as error:  # the numbers took long to compute and are shown all the same
            console.warn(f"{output} can't be written ({error.strerror})")
            content["picture"] = None
    lines = [*tables(tournament), *([f"Picture: {output}"] if content["picture"] else [])]
    print_result(json.dumps(content, allow_nan=False) if job.json else "\n".join(lines))
    return 0


def default_output(job: TournamentJob, tournament_runs: Sequence[TournamentRun]) -> Path:
    """The picture of a request. Two requests share it only where they ask for the same content.

    It lies in a run that plays alone, else beside the first run. Its name gives the runs, the settings that are not the
    defaults, and the steps.
    """
    default = TournamentJob(job.runs)
    settings = []
    if job.samples != default.samples:
        settings.append(f"samples_{job.samples}")
    if job.split is not None:
        settings.append(job.split)
    if job.seed != default.seed:
        settings.append(f"seed_{job.seed}")
    if job.weights != default.weights:
        settings.append(job.weights)
    steps = ["_".join(str(checkpoint_step(one)) for one in run.checkpoints) for run in tournament_runs]
    first = tournament_runs[0].path
    if len(tournament_runs) == 1:
        return first / f"{path_name('_'.join(['tournament', *settings, 'steps', *steps]))}.png"
    folder = first.absolute().parent
    names = [os.path.relpath(tournament_run.path.absolute(), folder) for tournament_run in tournament_runs]
    # No file name holds a null byte: the digest that `path_name` appends distinguishes the runs a_b, c from a, b_c.
    text = "\0".join(["tournament", *names, "", *settings, "steps", *steps])
    return folder / f"{path_name(text)}.png"


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


def write(output: Path, picture: bytes, content: dict[str, Any]) -> None:
    """Writes the picture, and the numbers beside it."""
    write_atomically(output, lambda file: file.write(picture))
    write_json(output.with_suffix(".json"), content)
