"""A loss, a model and a data set of a user: Python files and the YAML files that name them."""

from __future__ import annotations

from pathlib import Path

LOSS = '''
from dataclasses import dataclass
import my_constants
import tensorflow as tf

from gan_cli.losses import Loss


@dataclass(frozen=True)
class Exponential(Loss):
    """A loss of my own."""

    scale: float = my_constants.SCALE

    def discriminator(self, real, fake):
        return tf.reduce_mean(tf.exp(-self.scale * real.logits)) + tf.reduce_mean(tf.exp(self.scale * fake.logits))

    def generator(self, fake, real):
        import my_package.mean  # when it is called, long after this module was loaded

        return my_package.mean.mean(tf.exp(-self.scale * fake.logits))
'''
MEAN = """
import tensorflow as tf


@tf.function
def mean(values):
    if tf.reduce_any(values > 1e9):  # Python control flow over a tensor, which needs the decorator
        return tf.constant(1e9)
    return tf.reduce_mean(values)
"""
MODEL = """
from dataclasses import dataclass

import keras

from gan_cli.models import ModelPair


@dataclass(frozen=True)
class Linear(ModelPair):
    latent_size: int = 4
    latent_distribution: str = "normal"

    def generator(self, data):
        size = data.shape[0] * data.shape[1] * data.shape[2]
        layers = [keras.Input((self.latent_size,)), keras.layers.Dense(size, "tanh"), keras.layers.Reshape(data.shape)]
        return keras.Sequential(layers)

    def discriminator(self, data):
        layers = [keras.Input(data.shape), keras.layers.Flatten(), keras.layers.Dense(1), keras.layers.Reshape(())]
        return keras.Sequential(layers)
"""
DATA = """
from dataclasses import dataclass

import numpy as np

from gan_cli.data import DataSpec, InMemory, Source


@dataclass(frozen=True)
class Stripes(Source):
    count: int = 100
    flip: bool = False

    def describe(self):
        return DataSpec((6, 10, 1), self.count)

    def open(self, progress=None):
        values = np.zeros((self.count, 6, 10, 1), np.uint8)
        values[:, ::2] = 255
        return InMemory(self.describe(), values, np.zeros(self.count, np.int32), [])
"""


def write_own_code(folder: Path) -> None:
    """Writes the Python files into `folder` and the YAML files into `folder`/conf."""
    for name, text in {"my_losses": LOSS, "my_models": MODEL, "my_data": DATA, "my_constants": "SCALE = 1.0\n"}.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "my_package").mkdir()
    (folder / "my_package" / "mean.py").write_text(MEAN)
    for group, name, text in [
        ("loss", "exponential", "_target_: my_losses.Exponential\nscale: 0.5\n"),
        ("model", "linear", "_target_: my_models.Linear\nlatent_size: 4\nlatent_distribution: normal\n"),
        ("dataset", "stripes", "_target_: my_data.Stripes\ncount: 100\nflip: false\n"),
    ]:
        (folder / "conf" / group).mkdir(parents=True)
        (folder / "conf" / group / f"{name}.yaml").write_text(text)
