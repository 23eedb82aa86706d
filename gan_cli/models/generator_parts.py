"""The two parts of a generator with styles: from its inputs to ws, and from ws to examples."""

from __future__ import annotations

from typing import Any, NamedTuple

from gan_cli.lazy import keras

MAPPING, SYNTHESIS = "mapping", "synthesis"
"""Names of the layers of a generator with styles."""


class GeneratorParts(NamedTuple):
    """Keras models that share their layers with a generator.

    Attributes:
        styles: from the generator's inputs to a list of the inputs of `synthesis`: ws `[n, layers, size]`, and noise
            where it takes some.
        synthesis: from these to examples.
    """

    styles: Any
    synthesis: Any


def split_generator(generator: keras.Model) -> GeneratorParts:
    """Splits a functional generator at its layer `synthesis`, whose first input is ws."""
    synthesis = generator.get_layer(SYNTHESIS)
    given = synthesis._inbound_nodes[-1].input_tensors
    return GeneratorParts(keras.Model(generator.inputs, list(given), name="styles"), synthesis)


def has_styles(generator: keras.Model) -> bool:
    """Returns whether a generator has the layers `mapping` and `synthesis`."""
    return {MAPPING, SYNTHESIS} <= {layer.name for layer in generator.layers}
