"""gan-eval tournament: parse, say what is wrong, call."""

from __future__ import annotations

from gan_cli.commands.command_line import composed
from gan_cli.config.job_builder import build_section

PROGRAM = "gan-eval tournament"
HELP = """\
gan-eval tournament plays every generator of some runs against every discriminator of them, over their checkpoints: a
generated and a real example meet, and the generator wins where the discriminator takes its example for the real one.
It prints win rates and ratings (Bradley & Terry, in points as in chess) with 95 % intervals, and draws them.

Examples to paste:

  gan-eval tournament runs=[outputs/A,outputs/B]         # which of two runs is ahead
  gan-eval tournament runs=outputs/A                     # one run's checkpoints: its progress over steps
  gan-eval tournament runs=[outputs/A,outputs/B] most=1  # the newest checkpoints alone
  gan-eval tournament runs=outputs/A steps=[500,2000]    # these steps alone
  gan-eval tournament runs=[outputs/A,outputs/B] json=true

A run keeps its newest 3 checkpoints; gan-train run.keep_checkpoints=N keeps more.

Settings: runs, steps, most, samples, split (train, held_out), seed, weights (ema, raw), json, output, trust.
          `gan-eval tournament --cfg job` shows all with their values; configs/tournament.yaml explains each.

Flags: --help, --version, --cfg job.
"""


def gan_eval_tournament(arguments: list[str]) -> int:
    """Does what the arguments say and gives the exit code."""
    composition = composed(PROGRAM, "tournament", arguments, lambda config_dir: HELP, "Name all runs: runs=[A,B].")
    if composition is None:
        return 0

    from gan_cli.tournament.tournament_config import TournamentJob  # here, since --help should not wait for it
    from gan_cli.tournament.tournament_runner import run_tournament

    return run_tournament(build_section("", composition.config, TournamentJob))
