"""The layers of a network by name, and its blocks: the layers that belong together, in the order of the data flow.

A block is what has one number in the names of layers: `up_1_1`, `up_1_2` and `up_1_shortcut` are the block `up_1`,
`stage_0_block_1_expand` is in `stage_0`. A layer without a number is in the block of its first word: `base` and
`base_normalization`. A network named `mapping` is one block. Names that Keras gives (`dense_7`) depend on what was
built before in a process, so such a layer is named after its place among those of its class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.lazy import keras
from gan_cli.models.discriminator import ENCODER, NETWORK

MAPPING = "mapping"
"""The nested network from latents to w, see `gan_cli.models.ModelPair`."""


UNNAMED = (NETWORK, ENCODER)
"""Nested networks that are a pair's own discriminator, whose layers are found by the names that they have alone."""


@dataclass(frozen=True, eq=False)
class Block:
    """Layers of a network that belong together.

    Attributes:
        name: what their names have in common, after those of the networks around them.
        layers: with weights.
    """

    name: str
    layers: list[Any]


def weighted_layers(network: keras.Model) -> dict[str, Any]:
    """Returns the layers with weights by name, those of nested networks as `outer/layer`, in the network's order."""
    found: dict[str, Any] = {}
    known: set[int] = set()
    counts: dict[str, int] = {}
    for path, layer in leaves(network):
        if not layer.weights or id(layer) in known:
            continue
        known.add(id(layer))
        given = given_name(layer)
        if re.fullmatch(rf"{given}(_\d+)?", layer.name):
            given = f"{path}{given}"
            counts[given] = counts.get(given, 0) + 1
            name = f"{given}_{counts[given]}"
        else:
            name = f"{path}{layer.name}"
        found[name] = layer
    return found


def leaves(network: keras.Model, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each layer that is no network, with the names of the nested networks around it."""
    for layer in network.layers:
        if isinstance(layer, keras.Model) and is_whole(layer):
            yield from leaves(layer, path if layer.name in UNNAMED else f"{path}{layer.name}/")
        else:
            yield path, layer


def is_whole(network: keras.Model) -> bool:
    """Whether all weights of a network are those of its layers; a class of the user's own may have others."""
    inner = {id(variable) for layer in network.layers for variable in layer.weights}
    return {id(variable) for variable in network.weights} == inner


def given_name(layer: Any) -> str:
    """The name that Keras gives to the first layer of a class."""
    words = re.sub(r"\W+", "", type(layer).__name__)
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", words)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def blocks(network: keras.Model) -> list[Block]:
    """Returns the blocks with trained weights, from the input to the output of a network.

    A layer without trained weights (statistics, say) is in the block before it.
    """
    found: dict[str, Block] = {}
    last: Block | None = None
    for name, layer in weighted_layers(network).items():
        if last is None or any(id(one) in trained_ids(layer) for one in layer.weights):
            name = block_name(name)
            last = found.setdefault(name, Block(name, []))
        last.layers.append(layer)
    return list(found.values())


def trained_ids(layer: Any) -> set[int]:
    """The weights of a layer that it was built to train, frozen or not."""
    inner = (layer, *layer._flatten_layers(include_self=False))
    return {id(variable) for one in inner for variable in one._trainable_variables}


def block_name(name: str) -> str:
    """The name of the block of a layer."""
    *path, last = name.split("/")
    if MAPPING in path:
        return "/".join(path[: path.index(MAPPING) + 1])
    words = last.split("_")
    number = next((place for place, word in enumerate(words) if word.isdigit()), 0)
    return "/".join([*path, "_".join(words[: number + 1])])


def first_blocks(key: str, network: keras.Model, count: int) -> list[Block]:
    """Returns the first `count` blocks of a network.

    Raises:
        ConfigError: with the key, where no block would be left to train.
    """
    known = blocks(network)
    if 0 < count >= len(known):
        names = ", ".join(block.name for block in known)
        has = f"the {network.name} has {len(known)} blocks with weights ({names})"
        problem = f"{has}, and the last one has to be trained"
        raise ConfigError(key, problem, count, f"Give at most {max(len(known) - 1, 0)}.")
    return known[:count]


def freeze_blocks(key: str, network: keras.Model, count: int) -> None:
    """Makes the first `count` blocks of a network constants of training: no update, no new statistics."""
    for block in first_blocks(key, network, count):
        for layer in block.layers:
            layer.trainable = False
