"""gan-eval: parse, say what is wrong, call."""

from __future__ import annotations

import sys

from gan_cli.commands.command_line import composed, isolate_child_processes, report_errors
from gan_cli.commands.help import evaluate_help

SUBCOMMANDS = ("human", "tournament")
"""First words that ask for something else than numbers."""


def main() -> None:
    """The console script. Exits with 0, 1 where runs can't be ranked, or 2 where something can't work as asked for."""
    isolate_child_processes()
    with report_errors("gan-eval"):
        sys.exit(gan_eval(sys.argv[1:]))


def gan_eval(arguments: list[str]) -> int:
    """Does what the arguments say and gives the exit code."""
    if arguments and arguments[0] in SUBCOMMANDS:
        return run_subcommand(arguments[0], arguments[1:])
    advice = "To measure several runs: runs=[A,B]."
    composition = composed("gan-eval", "eval", arguments, evaluate_help, advice)
    if composition is None:
        return 0

    from gan_cli.evaluation.evaluation_config import build_evaluation  # here, since --help should not wait for it
    from gan_cli.evaluation.evaluation_runner import run_evaluation

    return run_evaluation(build_evaluation(composition.config, composition.origin))


def run_subcommand(game: str, arguments: list[str]) -> int:
    if game == "human":
        from gan_cli.commands.human import gan_eval_human

        return gan_eval_human(arguments)
    from gan_cli.commands.tournament import gan_eval_tournament

    return gan_eval_tournament(arguments)


if __name__ == "__main__":
    main()
