"""gan-eval: parses the arguments, reports errors and computes metrics."""

from __future__ import annotations

import sys

from gan_cli.commands.command_line import (
    ERRORS_OF_NAMES,
    composed,
    isolate_child_processes,
    os_errors_as_mistakes,
    report_errors,
)
from gan_cli.commands.help import evaluate_help

SUBCOMMANDS = ("human", "tournament")
"""First words that select another command than the metrics."""


def main() -> None:
    """The console script. Exits with 0, 1 if runs can't be ranked, or 2 for a wrong argument or an unreadable file."""
    isolate_child_processes()
    with report_errors("gan-eval"):
        sys.exit(gan_eval(sys.argv[1:]))


def gan_eval(arguments: list[str]) -> int:
    """Runs the command with these arguments. Returns the exit code."""
    if arguments and arguments[0] in SUBCOMMANDS:
        return run_subcommand(arguments[0], arguments[1:])
    advice = "To measure several runs: runs=[A,B]."
    composition = composed("gan-eval", "eval", arguments, evaluate_help, advice)
    if composition is None:
        return 0

    from gan_cli.evaluation.evaluation_config import build_evaluation  # here, since --help should not wait for it
    from gan_cli.evaluation.evaluation_runner import run_evaluation

    with os_errors_as_mistakes(arguments):
        job = build_evaluation(composition.config, composition.origin)
    with os_errors_as_mistakes(arguments, ERRORS_OF_NAMES):
        return run_evaluation(job)


def run_subcommand(name: str, arguments: list[str]) -> int:
    if name == "human":
        from gan_cli.commands.human import gan_eval_human

        return gan_eval_human(arguments)
    from gan_cli.commands.tournament import gan_eval_tournament

    return gan_eval_tournament(arguments)


if __name__ == "__main__":
    main()
