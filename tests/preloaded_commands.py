"""What the server of `processes` imports once. TensorFlow runs nothing here: its threads would not survive a fork."""

import json
import sys

from gan_cli.lazy import without_unused_packages

with without_unused_packages():  # as gan_cli.devices.load_tensorflow does
    import keras  # noqa: F401
    import tensorflow

import gan_cli.commands.evaluate
import gan_cli.commands.sample
import gan_cli.commands.train
import gan_cli.training.run_training
from gan_cli.config.compose import compose

compose("train", [])  # Hydra's plug-ins and files are read once for all commands


def train_each() -> int:
    """Runs gan-train for each list of words in a JSON list, one after the other, up to the first that fails."""
    return next((code for words in json.loads(sys.argv[1]) if (code := gan_cli.commands.train.gan_train(words))), 0)


def train_each_eagerly() -> int:
    """As `train_each`, without compiling steps."""
    tensorflow.config.run_functions_eagerly(True)
    return train_each()


MAIN = {
    "train each eagerly": train_each_eagerly,
    "gan-train": gan_cli.commands.train.main,
    "gan-sample": gan_cli.commands.sample.main,
    "gan-eval": gan_cli.commands.evaluate.main,
}
