"""gan-eval human: parse, say what is wrong, call."""

from __future__ import annotations

from gan_cli.commands.command_line import composed
from gan_cli.config.job_builder import build_section

PROGRAM = "gan-eval human"
HELP = """\
gan-eval human writes one HTML page that shows real and generated images in random order and asks which are which.
Whoever opens it, in any browser and without a network, answers by keys or touch and saves a file of answers; the page
tells their error rate with its interval. 50 % is what guessing gives.

Examples to paste:

  gan-eval human run=outputs/RUN n=100                   # 50 real and 50 generated images, as long as it takes
  gan-eval human run=outputs/RUN seconds=0.5             # each image is shown for half a second, then masked
  gan-eval human run=outputs/RUN seed=50                 # a second page, with other images
  gan-eval human real=PICTURES fake=MADE n=60            # images from any tool, in folders or arrays
  gan-eval human results=[ann.json,ben.json]             # several people's answers together
  gan-eval human results=answers output=pooled.json      # all that lie in a folder

Settings: run, step, checkpoint, fake, real, image_size, channels, n, seed, seconds, weights (ema, raw),
          truncation, results, output, json, trust.
          `gan-eval human --cfg job run=RUN` shows all with their values; configs/human.yaml explains each.

Flags: --help, --version, --cfg job.
"""


def gan_eval_human(arguments: list[str]) -> int:
    """Does what the arguments say and gives the exit code."""
    composition = composed(PROGRAM, "human", arguments, lambda config_dir: HELP, "Run it once for each setting.")
    if composition is None:
        return 0

    from gan_cli.human_evaluation.survey_config import HumanJob  # here, since --help should not wait for it
    from gan_cli.human_evaluation.survey_runner import run_human

    return run_human(build_section("", composition.config, HumanJob))
