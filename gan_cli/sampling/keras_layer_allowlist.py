"""The classes that a .keras file of somebody else may name.

Keras refuses code outside its own packages, but its own packages hold layers that read files or run code (`Lambda`,
`TFSMLayer`, `TorchModuleWrapper`, `StringLookup` with a vocabulary file).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.lazy import keras

MAX_DEPTH = 100
"""Levels of nested JSON; a layer in a nested model has about 12."""

LAYERS = frozenset(
    [
        "Activation",
        "ActivityRegularization",
        "Add",
        "AdditiveAttention",
        "AlphaDropout",
        "Attention",
        "Average",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "BatchNormalization",
        "Concatenate",
        "Conv1D",
        "Conv1DTranspose",
        "Conv2D",
        "Conv2DTranspose",
        "Conv3D",
        "Conv3DTranspose",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "Dense",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "Dot",
        "Dropout",
        "ELU",
        "EinsumDense",
        "Embedding",
        "Flatten",
        "GaussianDropout",
        "GaussianNoise",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "GroupNormalization",
        "GroupQueryAttention",
        "Identity",
        "InputLayer",
        "LayerNormalization",
        "LeakyReLU",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "Maximum",
        "Minimum",
        "MultiHeadAttention",
        "Multiply",
        "PReLU",
        "Permute",
        "RMSNormalization",
        "ReLU",
        "RepeatVector",
        "Rescaling",
        "Reshape",
        "SeparableConv1D",
        "SeparableConv2D",
        "Softmax",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "SpectralNormalization",
        "Subtract",
        "UnitNormalization",
        "UpSampling1D",
        "UpSampling2D",
        "UpSampling3D",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "ZeroPadding3D",
    ]
)
"""Keras layers that a generator may consist of: they hold arrays, and neither read files nor run other code."""
MODELS = frozenset({"Functional", "Sequential", "Model"})
POLICIES = frozenset({"DTypePolicy", "FloatDTypePolicy"})
VALUES = frozenset({"__keras_tensor__", "__tuple__", "__ellipsis__"})
"""Class names without a module: how Keras writes inputs of layers and Python values."""
OWN_PACKAGE = "gan_cli"


def check_classes(config: Any, path: Path) -> None:
    """Raises ConfigError where the description names a class that is not on the allow-list, or is too deep."""
    for node in objects_in(config, path):
        if not is_allowed(node):
            name = ".".join(str(node.get(key)) for key in ("module", "class_name") if node.get(key) is not None)
            raise ConfigError(
                "checkpoint",
                f"holds {name[:200]}, which is none of the classes that a generator file may name",
                path,
                "If you know where the file comes from, say trust=true.",
            )


def objects_in(node: Any, path: Path, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Every JSON object that names a class, at any depth. Raises ConfigError where the nesting is too deep."""
    if depth > MAX_DEPTH:
        raise ConfigError("checkpoint", f"its description is nested more than {MAX_DEPTH} levels deep", path)
    if isinstance(node, dict):
        if node.keys() & {"class_name", "module", "registered_name"}:
            yield node
        for value in node.values():
            yield from objects_in(value, path, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from objects_in(value, path, depth + 1)


def is_allowed(node: Mapping[str, Any]) -> bool:
    """Whether a JSON object names a class of the allow-list."""
    module, name, registered = (node.get(key) for key in ("module", "class_name", "registered_name"))
    if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        return False
    if registered and ">" in registered:  # found by its registered name alone, wherever its module lay at the time
        package = registered.partition(">")[0]
        return package == OWN_PACKAGE and keras.saving.get_registered_object(registered) is not None
    if registered not in (None, "", name):
        return False
    if module is None:
        return name in VALUES
    if module == "keras.layers":
        return name in LAYERS
    if module in ("keras", "keras.models") or module.startswith("keras.src.models."):
        return name in MODELS | POLICIES
    if module in ("keras.initializers", "keras.regularizers", "keras.constraints"):
        found = getattr(getattr(keras, module.partition(".")[2]), name, None)
        return isinstance(found, type)
    return module == "keras.dtype_policies" and name in POLICIES
