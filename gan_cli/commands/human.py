"""gan-eval human: parses the arguments, reports errors and writes a survey page or pools answers."""

from __future__ import annotations

from gan_cli.commands.command_line import ERRORS_OF_NAMES, composed, os_errors_as_mistakes
from gan_cli.config.job_builder import build_section

PROGRAM = "gan-eval human"
HELP = """\
gan-eval human writes one HTML page that shows real and generated images in random order and asks which are which.
The page works in any browser without a network. A participant answers by keys or touch and saves a file of answers.
The page shows the error rate with a 95 % interval. Guessing gives 50 %.

Examples to paste:

  gan-eval human run=outputs/RUN n=100                   # 50 real and 50 generated images, no time limit
  gan-eval human run=outputs/RUN seconds=0.5             # each image is shown for half a second, then masked
  gan-eval human run=outputs/RUN seed=50                 # a second page, with other images
  gan-eval human real=PICTURES fake=MADE n=60            # images from any tool, in folders or arrays
  gan-eval human results=[ann.json,ben.json]             # pools the answers of several people
  gan-eval human results=answers output=pooled.json      # all files in a folder

Settings: run, step, checkpoint, fake, real, image_size, channels, max_megapixels, value_range, memory_limit, n, seed,
          seconds, weights (ema, raw), truncation, results, output, json, trust.
          `gan-eval human --cfg job run=RUN` shows all with their values; configs/human.yaml explains each.

Flags: --help, --version, --cfg job.
"""


def gan_eval_human(arguments: list[str]) -> int:
    """Runs the command with these arguments. Returns the exit code."""
    composition = composed(PROGRAM, "human", arguments, lambda config_dir: HELP, "Run it once for each setting.")
    if composition is None:
        return 0

    from gan_cli.human_evaluation.survey_config import HumanJob  # here, since --help should not wait for it
    from gan_cli.human_evaluation.survey_runner import run_human

    with os_errors_as_mistakes(arguments, ERRORS_OF_NAMES):
        return run_human(build_section("", composition.config, HumanJob))
