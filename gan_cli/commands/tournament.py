"""gan-eval tournament: parse, say what is wrong, call."""

from __future__ import annotations

from gan_cli.checks import ConfigError
from gan_cli.commands.command_line import hand_to_hydra, read_command_line
from gan_cli.config.build import build_section
from gan_cli.config.compose import compose

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

Settings: runs, steps, most, samples, split (train, held_out), seed, weights (averaged, raw), json, output, trust.
          `gan-eval tournament --cfg job` shows all with their values; configs/tournament.yaml explains each.

Flags: --help, --version, --cfg job.
"""


def gan_eval_tournament(arguments: list[str]) -> int:
    """Does what the arguments say and gives the exit code."""
    flags = read_command_line(PROGRAM, arguments, lambda config_dir: HELP)
    if flags.multirun:
        raise ConfigError("", "gan-eval tournament has no sweeps", advice="Name all runs at once: runs=[A,B].")
    if flags.cfg or flags.info or flags.shell_completion or flags.hydra_help:
        hand_to_hydra(PROGRAM, flags, "tournament", print)
        return 0

    from gan_cli.evaluation.tournament.job import TournamentJob  # here, since --help should not wait for it
    from gan_cli.evaluation.tournament.session import run_tournament

    job = build_section("", compose("tournament", flags.overrides, flags.config_dir).config, TournamentJob)
    return run_tournament(job)
