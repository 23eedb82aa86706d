"""The operations and the synthesis network of StyleGAN3 against NVlabs/stylegan3 (sg3_*.npz)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_networks import Golden, channels_last, check_forward, golden_files, kernel

from gan_cli.models.layers.filtered_leaky_relu import filtered_leaky_relu
from gan_cli.models.layers.lowpass_filter import design_lowpass_filter
from gan_cli.models.layers.modulated_convolution import modulated_convolution
from gan_cli.models.stylegan3.alias_free_layer import AliasFreeLayer
from gan_cli.models.stylegan3.layer_schedule import LayerPlan, layer_schedule
from gan_cli.models.stylegan3.synthesis_input import SynthesisInput
from gan_cli.models.stylegan3.synthesis_network import INPUT, synthesis_network

UPDATE_DECAY = 0.999


@golden_files("sg3_lowpass_filters*.npz")
def test_lowpass_filters_are_the_published_ones(path: Path) -> None:
    file = Golden(path)
    for case in file.config["cases"]:
        found = design_lowpass_filter(case["numtaps"], case["cutoff"], case["width"], case["fs"], case["radial"])
        check_forward(found, file[f"out/{case['id']}"], case["id"], 1e-12)


@golden_files("sg3_filtered_lrelu*.npz")
def test_filtered_leaky_relu_is_the_published_one(path: Path) -> None:
    file = Golden(path)
    features = tf.constant(channels_last(file["in/x"]))
    for case in file.config["cases"]:
        up_taps, down_taps = designed(case["fu"]), designed(case["fd"], case.get("radial", False))
        left, right, top, bottom = case["padding"]
        found = filtered_leaky_relu(
            features,
            file["in/b"],
            up_taps,
            down_taps,
            case["up"],
            case["down"],
            ((top, bottom), (left, right)),
            case["slope"],
            case["gain"],
            case["clamp"],
        )
        check_forward(found, channels_last(file[f"out/{case['id']}"]), case["id"], 1e-5)


def designed(arguments: list[float] | None, radial: bool = False) -> np.ndarray | None:
    """The filter of a case; None for none."""
    if arguments is None:
        return None
    taps, cutoff, width, rate = arguments
    return design_lowpass_filter(int(taps), cutoff, width, rate, radial)


@golden_files("sg3_modulated_conv*.npz")
def test_modulated_convolution_is_that_of_stylegan3(path: Path) -> None:
    file = Golden(path)
    images, styles = tf.constant(channels_last(file["in/x"])), tf.constant(file["in/s"])
    for case in file.config["cases"]:
        weights = tf.constant(kernel(file[f"in/w{case['kernel']}x{case['kernel']}"]))
        gain = 1.0 if case["input_gain"] is None else case["input_gain"]
        found = modulated_convolution(images, weights, styles, case["demodulate"], padding=case["padding"], gain=gain)
        check_forward(found, channels_last(file[f"out/{case['id']}"]), case["id"], 1e-5)


@golden_files("sg3_synthesis_input*.npz")
def test_fourier_features_are_the_published_ones_also_rotated_and_shifted(path: Path) -> None:
    file = Golden(path)
    sizes = file.config
    layer = SynthesisInput((sizes["size"],) * 2, sizes["channels"], sizes["sampling_rate"], sizes["bandwidth"])
    layer.build((None, 1, sizes["w_dim"]))
    assign_input(layer, file.state)
    for name, transform in (("identity", "state/transform"), ("transformed", "state_transformed/transform")):
        layer.transform.assign(file[transform])
        check_forward(layer(file["in/w"][:, None]), channels_last(file[f"out/{name}/x"]), name)


@golden_files("sg3_synthesis_[tr]*.npz")
def test_the_schedule_of_layers_is_the_published_one(path: Path) -> None:
    file = Golden(path)
    schedule = schedule_of(file.config)
    for plan, layer in zip(schedule, file.config["layers"], strict=True):
        found = {
            "is_torgb": plan.to_rgb,
            "in_channels": plan.before.channels,
            "out_channels": plan.after.channels,
            "in_size": list(plan.before.size),
            "out_size": list(plan.after.size),
            "in_sampling_rate": plan.before.rate,
            "out_sampling_rate": plan.after.rate,
            "tmp_sampling_rate": plan.activation_rate,
            "in_cutoff": pytest.approx(plan.before.cutoff, rel=1e-12),
            "out_cutoff": pytest.approx(plan.after.cutoff, rel=1e-12),
            "in_half_width": pytest.approx(plan.before.half_width, rel=1e-12),
            "out_half_width": pytest.approx(plan.after.half_width, rel=1e-12),
            "up_factor": plan.up,
            "up_taps": plan.up_taps,
            "down_factor": plan.down,
            "down_taps": plan.down_taps,
            "padding": [side for axis in reversed(plan.padding) for side in axis],
            "conv_kernel": plan.kernel_size,
        }
        assert found == {name: layer[name] for name in found}, layer["name"]
        if plan.down > 1:
            assert plan.radial == layer["down_radial"]


@golden_files("sg3_synthesis_[tr]*.npz")
def test_the_synthesis_network_gives_the_published_images_and_inner_results(path: Path) -> None:
    file = Golden(path)
    half_life = file.config["batch"] * math.log(0.5) / math.log(UPDATE_DECAY)
    network = synthesis_network(schedule_of(file.config), file.config["w_dim"], half_life)
    published = dict(zip((layer["name"] for layer in file.config["layers"]), synthesis_layers(network), strict=True))
    assign_input(network.get_layer(INPUT), part(file, "input"))
    for name, layer in published.items():
        assign_layer(layer, part(file, name))
        for kind, taps in (("up", layer.up_taps), ("down", layer.down_taps)):
            if taps is not None:
                check_forward(taps, file[f"out/filters/{name}.{kind}_filter"], f"{name} {kind}", 1e-7)
    inner = {"input": network.get_layer(INPUT)} | published
    ws = tf.constant(file["in/ws"])
    outputs = keras.Model(network.inputs[0], {name: layer.output for name, layer in inner.items()})(ws, training=False)
    for name, features in outputs.items():
        check_forward(np.moveaxis(features, -1, 1), file[f"mid/{name}"], name)
        moments = [np.mean(features, (1, 2)), np.sqrt(np.mean(np.square(features), (1, 2)))]
        check_forward(moments, file[f"out/layer_stats/{name}"], f"moments of {name}")
    check_forward(network([ws]), channels_last(file["out/img"]), "images")
    network([ws], training=True)
    for name, layer in published.items():
        golden = file[f"out/magnitude_ema_after_update/{name}"]
        change = float(golden) - float(file[f"state/{name}.magnitude_ema"])
        assert float(layer.magnitude) == pytest.approx(float(golden), abs=max(1e-3 * abs(change), 1e-6)), name


def part(file: Golden, layer: str) -> dict[str, np.ndarray]:
    """The weights of a layer, by the rest of their names."""
    start = f"{layer}."
    return {name.removeprefix(start): one for name, one in file.state.items() if name.startswith(start)}


def schedule_of(config: dict[str, Any]) -> list[LayerPlan]:
    """The schedule of a golden file's network."""
    return layer_schedule(
        (config["img_resolution"],) * 2,
        config["img_channels"],
        config["channel_base"],
        config["channel_max"],
        config["num_layers"],
        config["num_critical"],
        rotation=config["use_radial_filters"],
    )


def synthesis_layers(network: Any) -> list[AliasFreeLayer]:
    return [layer for layer in network.layers if isinstance(layer, AliasFreeLayer)]


def assign_input(layer: SynthesisInput, state: dict[str, np.ndarray]) -> None:
    layer.kernel.assign(kernel(state["weight"]))
    layer.affine_kernel.assign(kernel(state["affine.weight"]))
    layer.affine_bias.assign(state["affine.bias"])
    layer.frequencies.assign(state["freqs"])
    layer.phases.assign(state["phases"])
    layer.transform.assign(state["transform"])


def assign_layer(layer: AliasFreeLayer, state: dict[str, np.ndarray]) -> None:
    layer.kernel.assign(kernel(state["weight"]))
    layer.bias.assign(state["bias"])
    layer.affine.set_weights([kernel(state["affine.weight"]), state["affine.bias"]])
    layer.magnitude.assign(state["magnitude_ema"])
