"""Values that published implementations of class-conditional GANs gave for fixed inputs.

They are read from tests/data/golden_conditional, or from the folder that GAN_CLI_GOLDEN_CONDITIONAL names; its README
says what each file holds. Cases are found by their keys, so that other values can be put in their place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gan_cli.losses import DiscriminatorOutput

FOLDER = Path(os.environ.get("GAN_CLI_GOLDEN_CONDITIONAL") or Path(__file__).parent / "data" / "golden_conditional")

VALUES, GRADIENTS = {"rtol": 1e-9, "atol": 1e-12}, {"rtol": 1e-8, "atol": 1e-11}
"""Tolerances in float64."""


@cache
def load(name: str) -> Any:
    """The content of a file, `losses` for losses.json."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def array(values: Any) -> Any:
    """float64 numbers, or int32 where all are whole numbers, as a tensor."""
    found = np.array(values)
    return tf.constant(found, tf.int32 if found.dtype.kind == "i" else tf.float64)


def floats(values: Any) -> Any:
    return tf.constant(np.array(values, np.float64))


def check(
    compute: Callable[..., Any],
    inputs: Mapping[str, Any],
    value: float,
    gradients: Mapping[str, Any],
    scale: float = 1.0,
) -> None:
    """Compares `compute(**inputs)` and its gradients, by the input's name, with golden ones in float64."""
    with tf.GradientTape() as tape:
        tape.watch(list(inputs.values()))
        found = compute(**inputs)
    np.testing.assert_allclose(found, scale * value, **VALUES)
    slopes = tape.gradient(found, dict(inputs), unconnected_gradients="zero")
    for name, expected in gradients.items():
        np.testing.assert_allclose(tf.convert_to_tensor(slopes[name]), np.array(expected), **GRADIENTS, err_msg=name)


def labels_of(batch: Mapping[str, Any], name: str) -> Any:
    return tf.constant(batch[name], tf.int32)


def output(batch: Mapping[str, Any], labels: str, logits: Any = None, **heads: Any) -> DiscriminatorOutput:
    """What a discriminator gives for the examples of a batch, with their labels."""
    return DiscriminatorOutput(logits, heads=heads, labels=labels_of(batch, labels))


def linear(x: Any, weights: Mapping[str, Any], name: str) -> Any:
    """x W^T + b, with or without b."""
    found = tf.matmul(x, weights[f"{name}.weight"], transpose_b=True)
    return found + weights[f"{name}.bias"] if f"{name}.bias" in weights else found
