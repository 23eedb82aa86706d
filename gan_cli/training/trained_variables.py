"""Which variables each of the two optimizers trains.

Those of its own network, but for the heads of the discriminator that a conditioning trains with the generator
(InfoGAN's Q, Chen et al. 2016, arXiv:1606.03657).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gan_cli.conditioning import Conditioning
from gan_cli.lazy import keras


class TrainedVariables(NamedTuple):
    """The variables that each optimizer trains, in a fixed order."""

    generator: list[Any]
    discriminator: list[Any]


def split_variables(generator: keras.Model, discriminator: keras.Model, conditioning: Conditioning) -> TrainedVariables:
    """Returns the variables of both networks by the optimizer that trains them."""
    heads = [discriminator.get_layer(name) for name in conditioning.generator_heads]
    moved = [variable for head in heads for variable in head.trainable_variables]
    known = {id(variable) for variable in moved}
    own = [variable for variable in discriminator.trainable_variables if id(variable) not in known]
    return TrainedVariables([*generator.trainable_variables, *moved], own)
