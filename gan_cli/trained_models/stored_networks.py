"""The weights of all networks in a checkpoint or .keras file, by the names of their layers.

A checkpoint has numbers in place of names, so the networks that its configuration describes are built for the names, as
shapes alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.config.config_trust import stored
from gan_cli.config.job_builder import build, stored_section
from gan_cli.losses import FEATURES, PIXELS, Loss
from gan_cli.models import build_generator
from gan_cli.models.discriminator import build_discriminator
from gan_cli.models.network_blocks import weighted_layers
from gan_cli.runs.checkpoint import Checkpoint
from gan_cli.sampling.generator_file import load_generator_file
from gan_cli.trained_models.restore_model import (
    DISCRIMINATOR,
    build_conditioning,
    build_pair,
    build_shapes,
    train_value,
)

GENERATOR, AVERAGED = "generator", "averaged"

StoredLayer = list[tuple[str, np.ndarray]]
"""The weights of a layer in their order, with their names."""


def networks_of_checkpoint(checkpoint: Checkpoint, trust: bool) -> dict[str, dict[str, StoredLayer]]:
    """The weights of `generator`, `discriminator` and `averaged` by layer; no discriminator where none was trained.

    Raises:
        ConfigError: where its configuration names other code and `trust` is false, can't be built, or does not describe
            the stored arrays.
    """
    pair, conditioning, data = build_pair(checkpoint, trust), build_conditioning(checkpoint, trust), checkpoint.data
    loss: Loss = build("loss", stored_section(checkpoint.config, "loss"), stored(trust))
    condition = conditioning.condition(data)
    pack = train_value(checkpoint, "pack", 1)
    builders = dict.fromkeys((GENERATOR, AVERAGED), lambda: build_generator(pair, data, condition))
    if loss.output not in (PIXELS, FEATURES):
        builders[DISCRIMINATOR] = lambda: build_discriminator(pair, data, loss, pack, conditioning=conditioning)
    found = {}
    for part, make in builders.items():
        model = build_shapes(make, checkpoint, part, trust)
        arrays = {
            id(variable): checkpoint.arrays[f"{part}/{index:04d}"] for index, variable in enumerate(model.variables)
        }
        found[part] = by_layer(model, arrays)
    return found


def networks_of_generator_file(path: Path, trust: bool) -> tuple[dict[str, dict[str, StoredLayer]], int]:
    """The weights of a .keras file, as those of `generator` and of `averaged`, and the step that it was saved at.

    Raises:
        ConfigError: as `load_generator_file` does.
    """
    model, metadata = load_generator_file(path, trust)
    layers = by_layer(model, {id(variable): variable.numpy() for variable in model.variables})
    return {GENERATOR: layers, AVERAGED: layers}, metadata.step


def by_layer(model: Any, arrays: Mapping[int, np.ndarray]) -> dict[str, StoredLayer]:
    """The arrays of a model by layer; `arrays` has them by the identity of the variable."""
    return {
        name: [(variable.name, arrays[id(variable)]) for variable in layer.weights]
        for name, layer in weighted_layers(model).items()
    }
