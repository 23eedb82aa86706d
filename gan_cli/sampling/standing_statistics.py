"""Standing statistics: moments for batch normalisation, collected from generated batches before sampling.

Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", arXiv:1809.11096: the running
averages of training are not the moments of the final generator, nor those of truncated latents. As in the authors'
code, each batch counts the same, and variances are biased.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.lazy import keras, tf
from gan_cli.sampling.generate import BATCH
from gan_cli.sampling.latents import cycled
from gan_cli.sampling.loaded_generator import LoadedGenerator

FIRST_SEED = 2**126
"""Of the latents; larger than any seed of a user."""


def collect_statistics(
    generator: LoadedGenerator, batches: int, truncation: float = 1.0, truncation_method: str | None = None
) -> None:
    """Assigns the moments over `batches` batches of generated examples; classes take turns.

    Raises:
        ConfigError: for a generator without batch normalisation.
    """
    if not batch_norm_layers(generator.model):
        problem = "needs a generator with batch normalisation, and this one has none"
        raise ConfigError("standing_statistics", problem, batches, "Leave it out.")

    def inputs() -> Iterable[Any]:
        for batch in range(batches):
            seeds = range(FIRST_SEED + batch * BATCH, FIRST_SEED + (batch + 1) * BATCH)
            about = generator.metadata
            plain = generator.latents(seeds, truncation, truncation_method=truncation_method)
            arrays = [tf.constant(array) for array in cycled(plain.z, about.condition, plain.noise).arrays()]
            yield arrays if len(arrays) > 1 else arrays[0]

    average_statistics(generator.model, inputs())


def batch_norm_layers(model: Any) -> list[Any]:
    """The layers of batch normalisation, those of inner models included."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]


def average_statistics(model: Any, inputs: Iterable[Any]) -> None:
    """Assigns the plain average over batches of the mean and of the biased variance at each layer."""
    layers = batch_norm_layers(model)
    momenta = [layer.momentum for layer in layers]
    for count, batch in enumerate(inputs):
        for layer in layers:
            layer.momentum = count / (count + 1.0)
        model(batch, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
