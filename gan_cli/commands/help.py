"""The texts of `--help`."""

from __future__ import annotations

from gan_cli.config.compose import composer
from gan_cli.config.group_choices import choices, groups

TRAIN = """\
gan-train trains a GAN and writes samples, metrics and checkpoints into a run directory under outputs/.
Without any setting it trains on real handwritten digits, in about a minute on two CPU cores, with no download.

Settings are typed as key=value. Examples to paste:

  gan-train                                              # the default run
  gan-train model=dcgan loss=wgan train.steps=5000       # another model, loss and length
  gan-train dataset=folder dataset.path=PICTURES dataset.image_size=64
  gan-train resume=auto                                  # resume the newest interrupted run
  gan-train -m loss=wgan,hinge seed=0,1                  # a sweep: four runs and a table

Groups and their choices (several at once in brackets: penalty=[r1,r2]):

{groups}

More settings are under train.*, run.*, sample.*, eval.* and seed:

  gan-train --cfg job                  print all settings, composed from YAML
  gan-train dry_run=true               build the models and print sizes; write nothing
  gan-train resume=RUN_DIRECTORY       resume a run where it stopped; train.steps=... extends it
  gan-train hydra.run.dir=DIRECTORY    set the run directory
  gan-train --config-dir=FOLDER        also find your own groups in this folder

Flags: --help, --version, --multirun (-m), --cfg job, --resolve, --config-dir, --info, --hydra-help,
       --shell-completion (-sc). TAB completion: eval "$(gan-train -sc install=bash)"
"""

SAMPLE = """\
gan-sample generates images with a trained generator. It needs neither the data nor a GPU.

Examples to paste:

  gan-sample run=outputs/RUN                             # a grid from the EMA weights of the newest checkpoint
  gan-sample run=outputs/RUN seeds=0-15 grid=4x4         # the latents of these seeds, in this grid
  gan-sample run=outputs/RUN n=1000 format=npz           # arrays `images` and `seeds`
  gan-sample run=outputs/RUN seeds=[3,7,11] interpolate=slerp format=gif
  gan-sample checkpoint=generator.keras                  # from a .keras file alone

Settings: run, checkpoint, step, n, seed, seeds, grid, format (png, gif, npz, files), interpolate (linear, slerp),
          frames, truncation, noise, weights (ema, raw), output, trust.
          `gan-sample --cfg job run=RUN` shows all with their values; configs/sample.yaml explains each.

Flags: --help, --version, --cfg job. TAB completion: eval "$(gan-sample -sc install=bash)"
"""


EVALUATE = """\
gan-eval computes metrics of generated images, with the protocol of each measurement.

Examples to paste:

  gan-eval run=outputs/RUN                               # a run, compared with its training data
  gan-eval run=outputs/RUN metric=[fid,prdc] step=best   # these metrics, for the best checkpoint
  gan-eval real=PICTURES fake=MADE features=random       # images from any tool, in folders or arrays
  gan-eval dataset=mnist fake=made.npz
  gan-eval runs=[outputs/A,outputs/B]                    # a table, ranked if the protocols agree
  gan-eval human run=outputs/RUN n=100                   # a page that asks people: real or generated?
  gan-eval tournament runs=[outputs/A,outputs/B]         # every generator with every discriminator

Metrics (any number):  {metrics}
Feature extractors:    {features}

`gan-eval --cfg job run=RUN` shows all settings with their values; configs/eval.yaml explains each.
`gan-eval human --help` and `gan-eval tournament --help` explain the other two commands.

Flags: --help, --version, --cfg job, --config-dir. TAB completion: eval "$(gan-eval -sc install=bash)"
"""


def evaluate_help(config_dir: str | None) -> str:
    """The help of gan-eval, with all metrics and feature extractors, those in --config-dir too."""
    with composer(config_dir):
        return EVALUATE.format(metrics=", ".join(choices("metric")), features=", ".join(choices("features")))


def train_help(config_dir: str | None) -> str:
    """The help of gan-train, with all groups and choices, those in --config-dir too."""
    with composer(config_dir):
        rows = [f"  {group:<12} {', '.join(choices(group))}" for group in groups()]
    return TRAIN.format(groups="\n".join(rows))


def sample_help(config_dir: str | None) -> str:
    return SAMPLE
