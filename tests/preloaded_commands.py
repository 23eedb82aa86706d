"""What the server of `processes` imports once. TensorFlow runs nothing here: its threads would not survive a fork."""

from gan_cli.lazy import without_unused_packages

with without_unused_packages():  # as gan_cli.devices.load_tensorflow does
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

import gan_cli.commands.evaluate
import gan_cli.commands.sample
import gan_cli.commands.train
import gan_cli.training.run_training

MAIN = {
    "gan-train": gan_cli.commands.train.main,
    "gan-sample": gan_cli.commands.sample.main,
    "gan-eval": gan_cli.commands.evaluate.main,
}
