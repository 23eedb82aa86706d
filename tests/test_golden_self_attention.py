"""Self-attention against PyTorch-StudioGAN (self_attention*.npz)."""

from __future__ import annotations

from typing import Any

import keras
import pytest
import tensorflow as tf
from golden_networks import Golden, channels_last, check_forward, check_norms, golden_files, kernel
from golden_residual import ATTENTION

from gan_cli.models.layers.self_attention import self_attention


@pytest.mark.parametrize("kind", ["plain", "spectral"])
@golden_files("self_attention*.npz")
def test_self_attention_is_the_published_one(path: Any, kind: str) -> None:
    golden = Golden(path)
    x = channels_last(golden["in/x"])
    features = keras.Input(x.shape[1:])
    model = keras.Model(features, self_attention(features, kind, "attention", "orthogonal"))
    gate = model.get_layer("attention_sum").gate
    gate.assign(golden[f"state/{kind}.sigma"][0])
    layers = {f"conv1x1_{one}": model.get_layer(f"attention_{ATTENTION[f'conv1x1_{one}']}") for one in CONVOLUTIONS}
    ending = "weight_orig" if kind == "spectral" else "weight"
    for name, layer in layers.items():
        layer.kernel.assign(kernel(golden[f"state/{kind}.{name}.{ending}"]))
        if kind == "spectral":
            layer.u.assign(golden[f"state/{kind}.{name}.weight_u"])
    with tf.GradientTape() as tape:
        y = model(x, training=True)
        value = tf.reduce_mean(tf.square(y))
    check_forward(y, channels_last(golden[f"out/{kind}/y"]))
    variables = {"sigma": gate.value} | {f"{name}.{ending}": one.kernel.value for name, one in layers.items()}
    check_norms(tape.gradient(value, variables), golden.group(f"out/{kind}/mean_square_param_grad_norm"))
    for name, u in golden.group(f"out/{kind}/after").items():
        check_forward(layers[name.removesuffix(".weight_u")].u, u, name)


CONVOLUTIONS = ("theta", "phi", "g", "attn")
