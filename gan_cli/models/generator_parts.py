"""The two parts of a generator with styles: from its inputs to ws, and from ws to examples."""

from __future__ import annotations

from typing import Any, NamedTuple

from gan_cli.lazy import keras, tf

MAPPING, SYNTHESIS = "mapping", "synthesis"
"""Names of the layers of a generator with styles."""


class GeneratorParts(NamedTuple):
    """Keras models that share their layers with a generator; a model of one input or output has it without a list.

    Attributes:
        styles: from the generator's inputs to those of `synthesis`.
        synthesis: from ws `[n, layers, size]`, and noise where it takes some, to examples.
    """

    styles: keras.Model
    synthesis: keras.Model

    def styles_of(self, inputs: list[Any]) -> list[Any]:
        """Returns the inputs of `synthesis`, ws first, in training mode."""
        found: list[Any] = tf.nest.flatten(self.styles(one_or_all(inputs), training=True))
        return found

    def examples_of(self, inputs: list[Any]) -> Any:
        """Returns the examples for inputs of `synthesis`, in training mode."""
        return self.synthesis(one_or_all(inputs), training=True)


def one_or_all(inputs: list[Any]) -> Any:
    return inputs if len(inputs) > 1 else inputs[0]


def split_generator(generator: keras.Model) -> GeneratorParts:
    """Splits a functional generator at its layer `synthesis`, whose first input is ws."""
    synthesis = generator.get_layer(SYNTHESIS)
    given = synthesis._inbound_nodes[-1].input_tensors
    return GeneratorParts(keras.Model(one_or_all(generator.inputs), one_or_all(list(given)), name="styles"), synthesis)


def has_styles(generator: keras.Model) -> bool:
    """Returns whether a generator has the layers `mapping` and `synthesis`."""
    return {MAPPING, SYNTHESIS} <= {layer.name for layer in generator.layers}
