"""The Inception-v3 of 2015-12-05 as a Keras model: the network that FID, KID and the Inception score are defined on.

Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision", arXiv:1512.00567, in the form of the
frozen graph `classify_image_graph_def.pb`, whose names are kept: `mixed_3/tower/conv_1` here is that node there. Where
it differs from other Inception-v3s, and ports go wrong: average pools in the mixed blocks leave the padding out of the
count; `mixed_9` pools by averages and `mixed_10`, the last, by maxima; the batch normalization's epsilon is 0.001.

Every layer is made in float32, with a name and initial values of its own. What is global in Keras (the dtype policy,
seeds, counters of names) is neither obeyed nor moved, so that a network can be loaded during a training run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_cli.lazy import keras

SIZE = 299
"""Height and width of the network's input, in pixels."""
LAYERS = (64, 192, 768, 2048)
"""Features that can be had, by their number: the first two pools, `mixed_7`, and `pool_3`."""
CLASSES = 1008
EPSILON = 0.001

Tensors = Callable[[str, tuple[int, ...]], np.ndarray]
"""From the name and the shape of a constant of the graph to its value, float32; raises where there is none such."""


def inception_network(tensors: Tensors, last: int = LAYERS[-1]) -> Any:
    """The network up to the layer `last`.

    Args:
        tensors: gives the weights.
        last: one of `LAYERS`; what lies behind it is left out.

    Returns:
        A Keras model from float32 images `[n, 299, 299, 3]` in [-1, 1] to a dictionary: features `[n, layer]` by the
        layer's number, for each layer up to `last`, and where that is 2048 the `logits` `[n, 1008]` without the bias,
        as the Inception score is computed by StyleGAN's and torch-fidelity's code.
    """
    build = Builder(tensors)
    images = x = keras.Input((SIZE, SIZE, 3), dtype="float32", name="images")
    features = {}
    for layer, part in zip(LAYERS, (to_64, to_192, to_768, to_2048), strict=True):
        x = part(build, x)
        features[str(layer)] = build.mean(x, f"features_{layer}")
        if layer == last:
            break
    if last == LAYERS[-1]:
        features["logits"] = build.logits(features[str(last)])
    return keras.Model(images, features, name="inception")


def to_64(build: Builder, x: Any) -> Any:
    x = build.convolution(x, "conv", 32, 3, strides=2, padding="valid")
    x = build.convolution(x, "conv_1", 32, 3, padding="valid")
    x = build.convolution(x, "conv_2", 64, 3)
    return build.halve(x, "pool")


def to_192(build: Builder, x: Any) -> Any:
    x = build.convolution(x, "conv_3", 80, 1)
    x = build.convolution(x, "conv_4", 192, 3, padding="valid")
    return build.halve(x, "pool_1")


def to_768(build: Builder, x: Any) -> Any:
    for name, pooled in (("mixed", 32), ("mixed_1", 64), ("mixed_2", 64)):
        x = block_35(build, x, name, pooled)
    x = shrinking_to_17(build, x, "mixed_3")
    for name, narrow in (("mixed_4", 128), ("mixed_5", 160), ("mixed_6", 160), ("mixed_7", 192)):
        x = block_17(build, x, name, narrow)
    return x


def to_2048(build: Builder, x: Any) -> Any:
    x = shrinking_to_8(build, x, "mixed_8")
    x = block_8(build, x, "mixed_9", build.average)
    return block_8(build, x, "mixed_10", build.largest)


def block_35(build: Builder, x: Any, name: str, pooled: int) -> Any:
    """Maps of 35 x 35: figure 5 of the paper, with a 5 x 5 convolution kept in `tower`."""
    tower = build.chain(x, f"{name}/tower", (48, 1), (64, 5))
    tower_1 = build.chain(x, f"{name}/tower_1", (64, 1), (96, 3), (96, 3))
    tower_2 = build.chain(build.average(x, f"{name}/tower_2/pool"), f"{name}/tower_2", (pooled, 1))
    return build.join(name, build.chain(x, name, (64, 1)), tower, tower_1, tower_2)


def shrinking_to_17(build: Builder, x: Any, name: str) -> Any:
    """From 35 x 35 to 17 x 17: figure 10 of the paper."""
    wide = build.convolution(x, f"{name}/conv", 384, 3, strides=2, padding="valid")
    tower = build.chain(x, f"{name}/tower", (64, 1), (96, 3))
    tower = build.convolution(tower, f"{name}/tower/conv_2", 96, 3, strides=2, padding="valid")
    return build.join(name, wide, tower, build.halve(x, f"{name}/pool"))


def block_17(build: Builder, x: Any, name: str, narrow: int) -> Any:
    """Maps of 17 x 17: figure 6 of the paper, with n = 7; `narrow` channels inside the towers."""
    tower = build.chain(x, f"{name}/tower", (narrow, 1), (narrow, (1, 7)), (192, (7, 1)))
    long = ((narrow, 1), (narrow, (7, 1)), (narrow, (1, 7)), (narrow, (7, 1)), (192, (1, 7)))
    tower_1 = build.chain(x, f"{name}/tower_1", *long)
    tower_2 = build.chain(build.average(x, f"{name}/tower_2/pool"), f"{name}/tower_2", (192, 1))
    return build.join(name, build.chain(x, name, (192, 1)), tower, tower_1, tower_2)


def shrinking_to_8(build: Builder, x: Any, name: str) -> Any:
    """From 17 x 17 to 8 x 8."""
    tower = build.chain(x, f"{name}/tower", (192, 1))
    tower = build.convolution(tower, f"{name}/tower/conv_1", 320, 3, strides=2, padding="valid")
    tower_1 = build.chain(x, f"{name}/tower_1", (192, 1), (192, (1, 7)), (192, (7, 1)))
    tower_1 = build.convolution(tower_1, f"{name}/tower_1/conv_3", 192, 3, strides=2, padding="valid")
    return build.join(name, tower, tower_1, build.halve(x, f"{name}/pool"))


def block_8(build: Builder, x: Any, name: str, pool: Callable[[Any, str], Any]) -> Any:
    """Maps of 8 x 8: figure 7 of the paper. The last two convolutions of a tower stand side by side."""

    def fork(x: Any, tower: str) -> Any:
        low = build.convolution(x, f"{tower}/mixed/conv", 384, (1, 3))
        high = build.convolution(x, f"{tower}/mixed/conv_1", 384, (3, 1))
        return build.join(f"{tower}/mixed", low, high)

    tower = fork(build.chain(x, f"{name}/tower", (384, 1)), f"{name}/tower")
    tower_1 = fork(build.chain(x, f"{name}/tower_1", (448, 1), (384, 3)), f"{name}/tower_1")
    tower_2 = build.chain(pool(x, f"{name}/tower_2/pool"), f"{name}/tower_2", (192, 1))
    return build.join(name, build.chain(x, name, (320, 1)), tower, tower_1, tower_2)


@dataclass(frozen=True)
class Builder:
    """Makes layers with their weights in them."""

    tensors: Tensors

    def convolution(
        self, x: Any, name: str, filters: int, size: int | tuple[int, int], strides: int = 1, padding: str = "same"
    ) -> Any:
        """Convolution, batch normalization (which at rest is a factor and a shift, and so goes into it), ReLU."""
        sides = (size, size) if isinstance(size, int) else size
        kernel = self.tensors(f"{name}/conv2d_params", (*sides, x.shape[-1], filters))
        gamma, beta, mean, variance = (
            self.tensors(f"{name}/batchnorm/{part}", (filters,)).astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        factor = gamma / np.sqrt(variance + EPSILON)
        layer = keras.layers.Conv2D(
            filters,
            sides,
            strides,
            padding,
            activation="relu",
            kernel_initializer="zeros",
            **common(name),
        )
        return holding(layer, x, kernel * factor, beta - mean * factor)

    def chain(self, x: Any, name: str, *parts: tuple[int, int | tuple[int, int]]) -> Any:
        """Convolutions one after the other, named `conv`, `conv_1`, ...; each part is its filters and its size."""
        for index, (filters, size) in enumerate(parts):
            x = self.convolution(x, f"{name}/conv_{index}" if index else f"{name}/conv", filters, size)
        return x

    def halve(self, x: Any, name: str) -> Any:
        return keras.layers.MaxPooling2D(3, 2, "valid", **common(name))(x)

    def average(self, x: Any, name: str) -> Any:
        """Of the 3 x 3 around each place, as far as they lie inside the map."""
        return keras.layers.AveragePooling2D(3, 1, "same", **common(name))(x)

    def largest(self, x: Any, name: str) -> Any:
        return keras.layers.MaxPooling2D(3, 1, "same", **common(name))(x)

    def mean(self, x: Any, name: str) -> Any:
        return keras.layers.GlobalAveragePooling2D(**common(name))(x)

    def join(self, name: str, *parts: Any) -> Any:
        return keras.layers.Concatenate(dtype="float32", name=f"{plain(name)}_join")(parts)

    def logits(self, x: Any) -> Any:
        weights = self.tensors("softmax/weights", (x.shape[-1], CLASSES))
        layer = keras.layers.Dense(CLASSES, use_bias=False, kernel_initializer="zeros", dtype="float32", name="logits")
        return holding(layer, x, weights)


def common(name: str) -> dict[str, Any]:
    return {"dtype": "float32", "data_format": "channels_last", "name": plain(name)}


def plain(name: str) -> str:
    """Keras names hold no slash."""
    return name.replace("/", "_")


def holding(layer: Any, x: Any, *weights: np.ndarray) -> Any:
    """What a layer gives for x once it holds these weights."""
    result = layer(x)
    layer.set_weights([array.astype(np.float32) for array in weights])
    return result
