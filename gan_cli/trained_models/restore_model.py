"""From a checkpoint to a Keras model: builds what its configuration describes and assigns the stored weights.

Shapes are compared with the stored arrays before memory is taken for variables, so that a checkpoint of somebody else
can't describe a model that is larger than what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_cli.conditioning import Conditioning
from gan_cli.config.config_trust import stored
from gan_cli.config.job_builder import build, stored_conditioning
from gan_cli.config.schema import PRECISIONS
from gan_cli.errors import ConfigError, check_choice
from gan_cli.losses import Loss
from gan_cli.models import ModelPair, build_generator
from gan_cli.models.discriminator import build_discriminator
from gan_cli.models.shape_only_build import deferred_variables
from gan_cli.runs.checkpoint import Checkpoint
from gan_cli.sampling.generator_metadata import metadata_of
from gan_cli.sampling.generator_weights import CHECKPOINT_PART
from gan_cli.sampling.loaded_generator import LoadedGenerator

if TYPE_CHECKING:
    import keras

DISCRIMINATOR = "discriminator"
MAX_CLASSES = 2**16
"""Of a condition; a layer for more would not fit into memory."""


def restore_generator(checkpoint: Checkpoint, weights: str, trust: bool) -> LoadedGenerator:
    """The generator of a checkpoint with its `ema` or `raw` weights.

    Raises:
        ConfigError: where its configuration names other code and `trust` is false, can't be built, does not describe
            the stored arrays, or where these are not all finite.
    """
    part = CHECKPOINT_PART[weights]
    pair = build_pair(checkpoint, trust)
    condition = build_conditioning(checkpoint, trust).condition(checkpoint.data)
    model = build_model(lambda: build_generator(pair, checkpoint.data, condition), checkpoint, part, trust)
    assign_weights(model, checkpoint, part)
    if not all(np.isfinite(variable.numpy()).all() for variable in model.variables):
        raise ConfigError("checkpoint", f"the {weights} weights of step {checkpoint.step} are not all finite")
    return LoadedGenerator(model, metadata_of(pair, checkpoint.data, checkpoint.step, condition))


def restore_discriminator(checkpoint: Checkpoint, loss: Loss, trust: bool) -> keras.Model:
    """The discriminator of a checkpoint. Raises ConfigError as `restore_generator` does, but for finite weights."""
    pair, conditioning = build_pair(checkpoint, trust), build_conditioning(checkpoint, trust)
    pack = train_value(checkpoint, "pack", 1)

    def build_for_loss() -> keras.Model:
        return build_discriminator(pair, checkpoint.data, loss, pack, conditioning=conditioning)

    model = build_model(build_for_loss, checkpoint, DISCRIMINATOR, trust)
    assign_weights(model, checkpoint, DISCRIMINATOR)
    return model


def build_pair(checkpoint: Checkpoint, trust: bool) -> ModelPair:
    """The pair of networks that a checkpoint's configuration names. Raises ConfigError."""
    pair: ModelPair = build("model", checkpoint.config.get("model"), stored(trust))
    return pair


def build_conditioning(checkpoint: Checkpoint, trust: bool) -> Conditioning:
    """The conditioning that a checkpoint's configuration names. Raises ConfigError where its data lacks the classes."""
    conditioning = stored_conditioning(checkpoint.config, stored(trust))
    if conditioning.needs_labels and not 0 < checkpoint.data.classes <= MAX_CLASSES:
        problem = f"needs labels, and the data of the checkpoint has {checkpoint.data.classes} classes"
        raise ConfigError("conditioning", problem)
    return conditioning


def build_model(make: Callable[[], keras.Model], checkpoint: Checkpoint, part: str, trust: bool) -> keras.Model:
    """The model that `make` builds, in the precision of training, with fresh weights.

    Raises:
        ConfigError: where it can't be built, or has other variables than the arrays of `part`.
    """
    if not trust:
        build_shapes(make, checkpoint, part, trust)
    return build_in_precision(make, checkpoint)


def build_shapes(make: Callable[[], keras.Model], checkpoint: Checkpoint, part: str, trust: bool) -> keras.Model:
    """The model that `make` builds, for the names and shapes of its variables: they have no values.

    Those of a model that `trust` allows are made as usual: a user's own model may create variables in ways that can't
    be deferred.

    Raises:
        ConfigError: as `build_model` does.
    """
    with nullcontext() if trust else deferred_variables():
        model = build_in_precision(make, checkpoint)
    check_variables(model, checkpoint, part)
    return model


def build_in_precision(make: Callable[[], keras.Model], checkpoint: Checkpoint) -> keras.Model:
    """The model that `make` builds, in the precision of training. Raises ConfigError where it can't be built."""
    from gan_cli.devices import dtype_policy  # here, since it needs TensorFlow

    precision = train_value(checkpoint, "precision", "float32")
    check_choice("train.precision", precision, PRECISIONS)
    try:
        with dtype_policy(precision):
            return make()
    except ConfigError:
        raise
    except Exception as error:  # Keras raises many kinds for what it can't build
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ConfigError("checkpoint", f"describes a model that can't be built ({reason})") from error


def train_value(checkpoint: Checkpoint, name: str, default: Any) -> Any:
    """A value of `train.*`; runs that began before a key was there have none."""
    section = checkpoint.config.get("train")
    return section.get(name, default) if isinstance(section, dict) else default


def assign_weights(model: keras.Model, checkpoint: Checkpoint, part: str) -> None:
    """Assigns the arrays of `part` to a model. Raises ConfigError where they are not its own."""
    check_variables(model, checkpoint, part)
    for index, variable in enumerate(model.variables):
        variable.assign(checkpoint.arrays[f"{part}/{index:04d}"])


def check_variables(model: keras.Model, checkpoint: Checkpoint, part: str) -> None:
    """Raises ConfigError unless the arrays of `part` have the shapes of the model's variables."""
    expected = {f"{part}/{index:04d}": tuple(variable.shape) for index, variable in enumerate(model.variables)}
    found = {name: array.shape for name, array in checkpoint.arrays.items() if name.startswith(f"{part}/")}
    if found != expected:
        problem = f"its arrays `{part}` are not those of the model that its configuration describes"
        raise ConfigError("checkpoint", f"step {checkpoint.step}: {problem}")
