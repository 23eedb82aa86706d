"""Weights of the golden SNGAN and BigGAN files in our networks, and comparisons of what these give.

Two naming schemes are known: that of PyTorch-StudioGAN (`blocks.0.0.conv2d1.weight_orig`) and that of
ajbrock/BigGAN-PyTorch (`blocks.0.0.conv1.weight`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from golden_networks import Golden, channels_last, check_forward, check_norms, kernel

from gan_cli.models.spectral_normalization import SpectralLayer

Arrays = Mapping[str, np.ndarray]

ATTENTION = {
    **{f"conv1x1_{theirs}": ours for theirs, ours in (("theta", "query"), ("phi", "key"), ("g", "value"))},
    **{"conv1x1_attn": "output", "theta": "query", "phi": "key", "g": "value", "o": "output"},
}
BLOCK = {
    **{"conv2d0": "shortcut", "conv2d1": "1", "conv2d2": "2"},
    **{"conv_sc": "shortcut", "conv1": "1", "conv2": "2"},
}
ENDS = {
    **{"linear0": "base", "bn4": "output_normalization", "conv2d5": "output"},  # generators of StudioGAN
    **{"linear": "base", "output_layer.0": "output_normalization", "output_layer.2": "output"},  # of ajbrock
    "shared": "class_embedding",
}
DISCRIMINATOR_ENDS = {
    **{"linear1": "output", "linear2": "class_logits", "embedding": "class_vectors"},
    **{"linear": "output", "embed": "class_vectors"},
}
PARTS = {
    **{"weight": "kernel", "weight_orig": "kernel", "bias": "bias", "weight_u": "u", "u0": "u"},
    **{"running_mean": "moving_mean", "running_var": "moving_variance"},
    **{"stored_mean": "moving_mean", "stored_var": "moving_variance", "sigma": "gate", "gamma": "gate"},
}
SCALES = {"weight": "gamma", "gain": "gamma", "bias": "beta"}
"""Of a batch normalisation with weights of its own."""


class Names:
    """Our variable for each of theirs, as (layer, variable).

    Args:
        model: our network.
        names: their names of weights.
        attention: the resolution of the self-attention, 0 where there is none.
    """

    def __init__(self, model: keras.Model, names: Any, attention: int = 0) -> None:
        self.model, self.attention = model, attention
        self.is_generator = model.name == "generator"
        blocks = sorted({int(name.split(".")[1]) for name in names if name.startswith("blocks.")})
        own_slot = {block for block in blocks if f"blocks.{block}.0.sigma" in names}
        self.numbers = {
            block: number for number, block in enumerate([one for one in blocks if one not in own_slot], start=1)
        }

    def variable(self, name: str) -> Any:
        layer, part = self.ours(name)
        found = self.model.get_layer(layer)
        if part == "gate":
            return found.gate
        return next(one for one in found.variables if one.name == part)

    def ours(self, name: str) -> tuple[str, str]:
        module, _, part = name.rpartition(".")
        block = re.fullmatch(r"blocks\.(\d+)\.\d+\.?(.*)", module)
        if block is None:
            ends = ENDS if self.is_generator else DISCRIMINATOR_ENDS
            layer = ends[module]
            return layer, SCALES.get(part, PARTS.get(part, "")) if layer.endswith("normalization") else PARTS[part]
        number, inner = self.numbers.get(int(block[1])), block[2]
        if inner in ATTENTION:
            return f"attention_{self.attention}_{ATTENTION[inner]}", PARTS[part]
        if inner == "":
            return f"attention_{self.attention}_sum", "gate"
        start = f"{'up' if self.is_generator else 'down'}_{number}"
        norm = re.fullmatch(r"bn(\d)(?:\.(bn|gain|bias))?", inner)
        if norm is None:
            return f"{start}_{BLOCK[inner]}", PARTS[part]
        if norm[2] in ("gain", "bias"):
            return f"{start}_{norm[1]}_{ {'gain': 'gain', 'bias': 'offset'}[norm[2]] }", PARTS[part]
        running = part in PARTS and PARTS[part].startswith("moving")
        return f"{start}_{norm[1]}_normalization", PARTS[part] if running else SCALES[part]


def in_our_layout(name: str, array: np.ndarray, base: tuple[int, ...]) -> np.ndarray:
    """An array of theirs as our variable has it.

    Args:
        name: their name.
        array: weights, (out, in) or OIHW, biases, `u` or running statistics.
        base: `[height, width, channels]` of the first map, whose positions they have behind the channels.
    """
    found = array[0] if name.endswith(".u0") else array
    if name.startswith(("linear0.", "linear.")) and found.shape[0] == np.prod(base) > 1:
        height, width, channels = base
        rows = found.reshape(channels, height, width, *found.shape[1:])
        found = np.moveaxis(rows, 0, 2).reshape(found.shape)
    if name.endswith((".weight", ".weight_orig")) and found.ndim > 1 and not name.startswith("shared."):
        found = kernel(found)
    return found.reshape(()) if name.endswith(("sigma", "gamma")) else found


def assign(model: keras.Model, state: Arrays, attention: int = 0) -> Names:
    """Gives a network of ours the weights of a file. Fails unless each of its variables gets a value."""
    names = Names(model, state, attention)
    base = tuple(model.get_layer("base_image").target_shape) if names.is_generator else ()
    missing = {id(one): one.path for one in model.variables}
    for name, array in state.items():
        if not name.endswith("weight_v"):
            variable = names.variable(name)
            variable.assign(in_our_layout(name, array, base))
            missing.pop(id(variable))
    assert not missing, list(missing.values())
    return names


def iterate_in_evaluation(model: keras.Model, iterates: bool) -> None:
    """Whether spectral layers iterate in evaluation: they do in ajbrock's code, not in PyTorch's layer."""
    for layer in model.layers:
        if isinstance(layer, SpectralLayer):
            layer.iterates_in_evaluation = iterates


def check_after_training_call(names: Names, golden: Golden, count: Mapping[str, int]) -> float:
    """Compares running statistics and `u`.

    Args:
        names: of our network, after its call.
        golden: has `out/after_train/*`.
        count: numbers in a mean of each normalisation layer. PyTorch's running variance is unbiased, ours is not.
    """
    worst, base = 0.0, ()
    if names.is_generator:
        base = tuple(names.model.get_layer("base_image").target_shape)
    for name, array in golden.group("out/after_train").items():
        expected = in_our_layout(name, array, base)
        if name.endswith(("running_var", "stored_var")):
            before = golden[f"state/{name}"]
            n = count[names.ours(name)[0]]
            expected = 0.9 * before + (expected - 0.9 * before) * (n - 1) / n
        worst = max(worst, check_forward(names.variable(name), expected, name))
    return worst


def positions(model: keras.Model, batch: int) -> dict[str, int]:
    """Numbers in a mean of each batch normalisation layer for a batch."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    return {layer.name: batch * int(np.prod(layer.input.shape[1:3])) for layer in layers}


def check_gradients(names: Names, golden: Golden, group: str, value: Any) -> float:
    """Compares norms of the gradients of `value()`, by their names."""
    expected = golden.group(group)
    with tf.GradientTape() as tape:
        result = value()
    variables = {name: names.variable(name).value for name in expected}
    return check_norms(tape.gradient(result, variables), expected)


def images(golden: Golden) -> Any:
    return tf.constant(channels_last(golden["in/img"]))
