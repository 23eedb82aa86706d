"""The networks of StyleGAN2 against NVlabs/stylegan2-ada-pytorch (sg2_*.npz, sg2_*.json)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from composition import Remembering
from golden_networks import FOLDER, Golden, channels_last, check_forward, check_norms, golden_files, kernel

from gan_cli.conditioning.projection import Projection
from gan_cli.data import DataSpec
from gan_cli.models.condition import Condition
from gan_cli.models.layers.style_vectors import AverageW, StyleMixing
from gan_cli.models.mapping_network import map_condition, truncate_w
from gan_cli.models.stylegan2 import StyleGAN2
from gan_cli.optimizers.lazy_regularization import lazy_adam
from gan_cli.penalties.path_length import PathLength
from gan_cli.penalties.path_lengths import path_length_penalty
from gan_cli.penalties.phase_penalty import PhaseBatch
from gan_cli.sampling.generate import truncated_samples
from gan_cli.sampling.latents import WTruncation
from gan_cli.training.ema import AverageDecay
from gan_cli.training.generator_phases import GeneratorPhases

PARTS = {"torgb": "to_image", "fromrgb": "from_image", "skip": "shortcut", "fc": "dense"}
WEIGHTS = {
    "weight": "kernel",
    "noise_strength": "noise_strength",
    "bias": "bias",
    "affine.weight": "style_kernel",
    "affine.bias": "style_bias",
}
"""Names of weights, ours by theirs, in our order."""


def pair_of(config: Mapping[str, Any], **fields: Any) -> StyleGAN2:
    """The model of a file's settings."""
    known = {"channel_base": "channel_base", "channel_max": "channel_max", "w_dim": "style_size"}
    known |= {"z_dim": "latent_size", "mapping_num_layers": "mapping_layers", "mbstd_group_size": "minibatch_std_group"}
    known |= {"mbstd_num_channels": "minibatch_std_channels"}
    given = {ours: config[theirs] for theirs, ours in known.items() if theirs in config}
    return StyleGAN2(**given, **fields)


def data_of(config: Mapping[str, Any]) -> DataSpec:
    size = config["img_resolution"]
    return DataSpec((size, size, config["img_channels"]), 8, config.get("c_dim", 0))


def our_name(name: str) -> str:
    """`b8.torgb` as block_8_to_image."""
    block, _, part = name.partition(".")
    return "output" if name == "b4.out" else f"block_{block[1:]}_{PARTS.get(part, part)}"


def layers_of(state: Mapping[str, np.ndarray], prefix: str = "") -> dict[str, list[str]]:
    """The weights of each layer of blocks, in our order, by the layer's name in the file."""
    found: dict[str, list[str]] = {}
    for weight in WEIGHTS:
        for name in state:
            if name.startswith(f"{prefix}b") and name.endswith(f".{weight}"):
                layer = name.removesuffix(f".{weight}")
                if not layer.endswith(".affine"):
                    found.setdefault(layer, []).append(name)
    return found


def load_blocks(model: keras.Model, golden: Golden, prefix: str = "") -> dict[str, Any]:
    """Assigns the weights of blocks; returns our variables by their names in the file."""
    variables = {}
    for layer, names in layers_of(golden.state, prefix).items():
        ours = model.get_layer(our_name(layer.removeprefix(prefix)))
        arrays = [kernel(golden.state[name]) for name in names]
        if layer == f"{prefix}b4.fc":
            outputs, channels = len(golden.state[names[0]]), model.get_layer("block_4_conv").filters
            arrays[0] = golden.state[names[0]].reshape(outputs, channels, -1).transpose(2, 1, 0).reshape(-1, outputs)
        ours.set_weights(arrays)
        variables |= dict(zip(names, ours.trainable_variables, strict=True))
    constant = f"{prefix}b4.const"
    if constant in golden.state:
        model.get_layer("constant").set_weights([golden.state[constant].transpose(1, 2, 0)])
        variables[constant] = model.get_layer("constant").constant
    return variables


def load_mapping(model: keras.Model, golden: Golden, prefix: str, name: str) -> dict[str, Any]:
    """Assigns the weights of a mapping network, as `load_blocks` does."""
    layers = {
        theirs.rpartition(".")[0] for theirs in golden.state if theirs.startswith((f"{prefix}fc", f"{prefix}embed"))
    }
    variables = {}
    for layer in layers:
        part = layer.removeprefix(prefix)
        ours = model.get_layer(f"{name}_embedding" if part == "embed" else f"{name}_{part.removeprefix('fc')}")
        names = [f"{layer}.weight", f"{layer}.bias"]
        ours.set_weights([kernel(golden.state[one]) for one in names])
        variables |= dict(zip(names, ours.trainable_variables, strict=True))
    return variables


def constant_noise(golden: Golden, prefix: str, samples: int) -> Any:
    """The constant noise of all layers as one vector, the same for all samples."""
    sizes = sorted({int(name.removeprefix(f"{prefix}b").partition(".")[0]) for name in layers_of(golden.state, prefix)})
    names = [f"{prefix}b{size}.conv{part}.noise_const" for size in sizes for part in (0, 1)]
    planes = [golden.state[name].ravel() for name in names if name in golden.state]
    return tf.constant(np.tile(np.concatenate(planes), (samples, 1)), tf.float32)


def inner_outputs(model: keras.Model, names: Mapping[str, str]) -> Any:
    """A model with the outputs of layers, ours by theirs."""
    return keras.Model(model.inputs, {theirs: model.get_layer(ours).output for theirs, ours in names.items()})


def existing(model: keras.Model, *names: str) -> str:
    """The first of these layers that a model has."""
    return next(name for name in names if any(layer.name == name for layer in model.layers))


@golden_files("sg2_mapping_*.npz")
def test_the_mapping_network_and_its_average_are_the_published_ones(path: Path) -> None:
    golden = Golden(path)
    config, arrays = golden.config, [golden[name] for name in ("in/z", "in/c") if name in golden.arrays]
    inputs = [keras.Input(array.shape[1:]) for array in arrays]
    w = map_condition(inputs[0], inputs[1] if len(inputs) > 1 else None, config["w_dim"], config["num_layers"])
    model = keras.Model(inputs, w)
    load_mapping(model, golden, "", "mapping")
    average, mixing = AverageW(config["w_avg_beta"]), StyleMixing(config["num_ws"])
    average.build(model.output_shape)
    average.average.assign(golden.state["w_avg"])
    found = model(arrays)
    check_forward(mixing(average(found)), golden["out/ws_psi1"], tolerance=1e-5)
    psi, layers, mean = config["truncation_psi"], config["num_ws"], golden.state["w_avg"]
    check_forward(truncate_w(found, mean, psi, layers), golden["out/ws_psi"], tolerance=1e-5)
    with_cutoff = truncate_w(found, mean, psi, layers, config["truncation_cutoff"])
    check_forward(with_cutoff, golden["out/ws_psi_cutoff"], tolerance=1e-5)
    average(found, training=True)
    check_forward(average.average, golden["out/w_avg_after_one_update"], tolerance=1e-5)
    average(found, training=False)
    average(found, training=True)
    check_forward(average.average, golden["out/w_avg_after_two_updates"], tolerance=1e-5)


@golden_files("sg2_synthesis_*.npz")
def test_the_synthesis_network_is_the_published_one(path: Path) -> None:
    golden = Golden(path)
    model = pair_of(golden.config, generator_architecture=golden.config["architecture"]).synthesis(
        data_of(golden.config)
    )
    load_blocks(model, golden)
    layers = {name: our_name(name) for name in layers_of(golden.state)}
    for name in {one.partition("/")[2].partition(".")[0] for one in golden.arrays if one.startswith("mid/")}:
        block = f"block_{name[1:]}"
        layers[f"{name}.x"] = existing(model, f"{block}_sum", f"{block}_conv1")
        layers[f"{name}.img"] = existing(model, f"{block}_image", f"{block}_to_image", f"{block}_conv1")
    ws = tf.constant(golden["in/ws"])
    noise = constant_noise(golden, "", len(ws))
    found = inner_outputs(model, layers | {"image": "images"})([ws, noise])
    check_forward(found.pop("image"), channels_last(golden["out/img_noise_const"]), "image", 1e-5)
    for name, expected in golden.group("mid").items():
        if not name.endswith("affine"):
            check_forward(found[name], channels_last(expected), name, 1e-5)
    without = model([ws, tf.zeros_like(noise)])
    check_forward(without, channels_last(golden["out/img_noise_none"]), "without noise", 1e-5)


@golden_files("sg2_discriminator_*.npz")
def test_the_discriminator_and_its_r1_penalty_are_the_published_ones(path: Path) -> None:
    golden = Golden(path)
    config, data = golden.config, data_of(golden.config)
    pair = pair_of(config, discriminator_architecture=config["architecture"])
    images, labels = tf.constant(channels_last(golden["in/img"]), tf.float32), []
    if data.classes:
        projection = Projection("mapped", config["cmap_dim"], config["mapping_layers"])
        model = projection.network(pair, data, None, 1)
        labels = [tf.constant(golden["in/c"].argmax(axis=1), tf.int32)]
    else:
        model = pair.discriminator(data)
    variables = load_blocks(model, golden) | load_mapping(model, golden, "mapping.", "class_vectors")
    layers = {name: our_name(name) for name in layers_of(golden.state)} | {"b4.mbstd_feature": "minibatch_std"}
    for name in {one.partition("/")[2].partition(".")[0] for one in golden.arrays if one.endswith(".x")}:
        layers[f"{name}.x"] = existing(model, f"block_{name[1:]}_sum", f"block_{name[1:]}_conv1")
    if data.classes:
        layers["mapping"] = f"class_vectors_{config['mapping_layers'] - 1}"
    inner = inner_outputs(model, layers)
    found = inner([images, *labels])
    for name, expected in golden.group("mid").items():
        mine = found[name][..., -1:] if name == "b4.mbstd_feature" else found[name]
        check_forward(mine, channels_last(expected) if expected.ndim == 4 else expected, name, 1e-5)

    def logits_of(real: Any) -> Any:
        output = model([real, *labels] if labels else real)
        return output["output"] if isinstance(output, dict) else output

    weights = {name: variable.value for name, variable in variables.items()}
    with tf.GradientTape(persistent=True) as tape:
        with tf.GradientTape() as inner_tape:
            inner_tape.watch(images)
            logits = logits_of(images)
            total = tf.reduce_sum(logits)
        gradient = inner_tape.gradient(total, images)
        penalty = tf.reduce_sum(gradient**2, axis=[1, 2, 3])
        loss = tf.reduce_mean(config["r1_gamma"] / 2 * penalty)
        plain = tf.reduce_mean(tf.nn.softplus(-logits))
    check_forward(logits[:, None], golden["out/logits"], "logits", 1e-5)
    check_forward(penalty, golden["out/r1_penalty"], "penalty")
    check_forward(loss, golden["out/r1_loss"], "loss")
    check_forward(gradient, channels_last(golden["out/r1_grad_first_two"]), "gradient")
    for value, group in ((loss, "r1_loss"), (plain, "softplus_neg_logits_mean")):
        gradients = tape.gradient(value, weights, unconnected_gradients="zero")
        check_norms(gradients, golden.group(f"out/{group}_param_grad_norm"))


@golden_files("sg2_generator_pathlength*.npz")
def test_the_generator_and_its_path_lengths_are_the_published_ones(path: Path) -> None:
    golden = Golden(path)
    config, data = golden.config, data_of(golden.config)
    pair = pair_of(config, style_mixing=0.0)
    arrays = [tf.constant(golden[name], tf.float32) for name in ("in/z", "in/c") if name in golden.arrays]
    generator = pair.generator(data, Condition(data.classes) if data.classes else None)
    mapping, synthesis = generator.get_layer("mapping"), generator.get_layer("synthesis")
    variables = load_mapping(mapping, golden, "mapping.", "mapping") | load_blocks(synthesis, golden, "synthesis.")
    generator.get_layer("w_average").average.assign(golden.state["mapping.w_avg"])
    noise = constant_noise(golden, "synthesis.", len(arrays[0]))
    assert noise.shape[1] == pair.noise_size(data)
    check_forward(generator([*arrays, noise]), channels_last(golden["out/img_psi1"]), "image", 1e-5)
    truncated = truncated_samples(generator, WTruncation(config["truncation_psi"]), [*arrays, noise])
    check_forward(truncated, channels_last(golden["out/img_psi"]), "truncated image", 1e-5)
    count = config["pl_batch"]
    penalty = PathLength(config["pl_weight"], every=1, decay=config["pl_decay"])
    check_path_lengths(penalty, generator, [array[:count] for array in (*arrays, noise)], golden, variables)


def check_path_lengths(
    penalty: PathLength, generator: keras.Model, inputs: list[Any], golden: Golden, variables: Mapping[str, Any]
) -> None:
    """Compares a penalty, and the gradients of its phase, which begins with the moving mean of the file."""
    normal = tf.constant(channels_last(golden["in/pl_noise_unscaled"]), tf.float32)
    mean = tf.Variable(golden.config["pl_mean_before"], dtype=tf.float32)
    batch = PhaseBatch(generator, inputs, lambda shape: tf.reshape(normal, shape), 0, {"mean": mean})
    lengths = penalty.lengths(batch)
    check_forward(lengths, golden["out/pl_lengths"], "lengths")
    check_forward(path_length_penalty(lengths, mean, penalty.decay).penalties, golden["out/pl_penalty"], "penalties")
    optimizer, weights = Remembering(), generator.trainable_variables
    phases = GeneratorPhases({"own": penalty}, {"own": 0}, generator, optimizer, weights, None, 0, {})
    loss = penalty.weight * phases.apply("own", batch)
    check_forward(loss, golden["out/pl_loss"], "loss")
    check_forward(mean, golden["out/pl_mean_after"], "mean")
    gradients = {id(variable): one for variable, one in zip(weights, optimizer.given[-1], strict=True)}
    found = {name: gradients[id(variable)] for name, variable in variables.items()}
    assert len(found) == len(weights)
    check_norms(found, golden.group("out/pl_loss_param_grad_norm"))


@pytest.fixture(scope="module")
def schedules() -> Any:
    path = FOLDER / "sg2_schedules.json"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_ramp_of_the_average_is_the_published_one(schedules: Any) -> None:
    """The published count of images does not include the current batch; ours does."""
    for row in schedules["ema"]["rows"]:
        decay = AverageDecay(row["batch"], row["ema_kimg"] * 1000, row["rampup"] or 0.0)
        step = row["cur_nimg"] / row["batch"] - 1
        np.testing.assert_allclose(decay(tf.constant(step, tf.float64)), row["beta"], rtol=1e-5, atol=1e-9)


def test_adam_under_lazy_regularization_is_the_published_one(schedules: Any) -> None:
    for row in schedules["lazy_regularisation_adam"]:
        found = lazy_adam(row["lr"], row["beta1"], row["beta2"], row["interval"])
        np.testing.assert_allclose(found, [row["lr_used"], row["beta1_used"], row["beta2_used"]], rtol=1e-12)


def test_channels_are_the_published_ones(schedules: Any) -> None:
    for row in schedules["channels"]:
        size = row["resolution"]
        pair, data = pair_of(row), DataSpec((size, size, 3), 8)
        assert {str(one[0]): pair.channels(one, data) for one in pair.sizes(data)} == row["channels"]
        assert 2 * len(pair.sizes(data)) == row["num_ws"]
