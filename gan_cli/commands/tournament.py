"""gan-eval tournament: parses the arguments, reports errors and rates generators."""

from __future__ import annotations

from gan_cli.commands.command_line import ERRORS_OF_NAMES, composed, os_errors_as_mistakes
from gan_cli.config.job_builder import build_section

PROGRAM = "gan-eval tournament"
HELP = """\
gan-eval tournament compares every generator with every discriminator of the given runs, over their checkpoints. A
discriminator scores a generated and a real example; the generator wins if its example gets the higher score.
The command prints win rates and Bradley-Terry ratings (on the Elo scale) with 95 % intervals, and plots them.

Examples to paste:

  gan-eval tournament runs=[outputs/A,outputs/B]                    # compares two runs
  gan-eval tournament runs=outputs/A                                # progress of one run over its checkpoints
  gan-eval tournament runs=[outputs/A,outputs/B] max_checkpoints=1  # the newest checkpoints only
  gan-eval tournament runs=outputs/A steps=[500,2000]               # these steps only
  gan-eval tournament runs=[outputs/A,outputs/B] json=true

A run keeps its newest 3 checkpoints; gan-train run.keep_checkpoints=N keeps more.

Settings: runs, steps, max_checkpoints, samples, split (train, held_out), seed, weights (ema, raw), json, output,
          trust.
          `gan-eval tournament --cfg job` shows all with their values; configs/tournament.yaml explains each.

Flags: --help, --version, --cfg job.
"""


def gan_eval_tournament(arguments: list[str]) -> int:
    """Runs the command with these arguments. Returns the exit code."""
    composition = composed(PROGRAM, "tournament", arguments, lambda config_dir: HELP, "Name all runs: runs=[A,B].")
    if composition is None:
        return 0

    from gan_cli.tournament.tournament_config import TournamentJob  # here, since --help should not wait for it
    from gan_cli.tournament.tournament_runner import run_tournament

    with os_errors_as_mistakes(arguments, ERRORS_OF_NAMES):
        return run_tournament(build_section("", composition.config, TournamentJob))
