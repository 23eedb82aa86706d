"""R3GAN's networks, their step and their schedules against brownvc/R3GAN."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_networks import FOLDER, Golden, channels_last, check_forward, check_norms, golden_files, kernel

from gan_cli.conditioning.none import NoConditioning
from gan_cli.conditioning.projection import Projection
from gan_cli.data import DataSpec
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.rpgan import RelativisticPairingLoss
from gan_cli.models.condition import Condition
from gan_cli.models.layers.fixed_resampling import Doubling, Halving
from gan_cli.models.r3gan import GAIN, R3GAN
from gan_cli.penalties import Batch
from gan_cli.penalties.gradient_norms import squared_gradient_norms
from gan_cli.penalties.r1 import R1
from gan_cli.penalties.r2 import R2
from gan_cli.schedule import Schedule
from gan_cli.training.ema import AverageDecay

BLOCK_PARTS = {
    "LinearLayer1.Layer.weight": "expand/kernel",
    "NonLinearity1.Bias": "expand/bias",
    "LinearLayer2.Layer.weight": "grouped/kernel",
    "NonLinearity2.Bias": "grouped/bias",
    "LinearLayer3.Layer.weight": "reduce/kernel",
}
SINGLE = {
    "G.AggregationLayer.Layer.weight": "output/kernel",
    "G.EmbeddingLayer.weight": "embedding/kernel",
    "D.ExtractionLayer.Layer.weight": "input/kernel",
    "D.EmbeddingLayer.weight": "class_vectors/embeddings",
}


def our_name(theirs: str, stages: int) -> str:
    """The path of our variable for a parameter of the reference, `G.` or `D.` before its name."""
    if theirs in SINGLE:
        return SINGLE[theirs]
    net, stage, layer, part = re.fullmatch(r"(\w)\.MainLayers\.(\d+)\.Layers\.(\d+)\.(.+)", theirs).groups()  # type: ignore[union-attr]
    if part in BLOCK_PARTS:
        block = int(layer) + (net == "D")  # the generator's stages begin with their transition
        return f"stage_{stage}_block_{block}_{BLOCK_PARTS[part]}"
    if part == "LinearLayer.Layer.weight":
        return f"stage_{stage}_width/kernel"
    basis = {"G": ("base/map", "base_factors/kernel"), "D": ("positions/kernel", "output/kernel")}[net]
    assert int(stage) == (0 if net == "G" else stages - 1)
    return basis[0] if part.startswith("Basis") else basis[1]


def our_array(theirs: str, array: np.ndarray) -> np.ndarray:
    if theirs.endswith("Basis"):
        return array.transpose(1, 2, 0)
    if theirs.endswith("Basis.weight"):
        return array[:, 0].transpose(1, 2, 0)
    return array if array.ndim == 1 else kernel(array)


class Networks:
    """Both networks with the weights of a golden file."""

    def __init__(self, path: Path) -> None:
        self.golden = golden = Golden(path)
        config, classes = golden.config, golden.config["ConditionDimension"] or 0
        side, channels = config["img_resolution"], golden["in/real"].shape[1]
        self.data = DataSpec((side, side, channels), 100, classes)
        pair = R3GAN(
            latent_size=config["NoiseDimension"],
            widths=config["G_WidthPerStage"],
            blocks=config["G_BlocksPerStage"],
            cardinality=config["G_CardinalityPerStage"],
            expansion=config["ExpansionFactor"],
            kernel_size=config["KernelSize"],
            embedding_size=config["G_ConditionEmbeddingDimension"] or None,
        )
        condition = Condition(classes) if classes else None
        self.generator = pair.generator(self.data, condition)
        conditioning: Any = NoConditioning()
        if classes:
            conditioning = Projection(form="embedding", mapping_size=config["D_ConditionEmbeddingDimension"])
        self.discriminator = conditioning.network(pair, self.data, None, 1)
        self.names: dict[str, dict[str, Any]] = {}
        for letter, network in (("G", self.generator), ("D", self.discriminator)):
            ours = {variable.path: variable for variable in network.variables}
            theirs = [name for name in golden.state if name.startswith(f"{letter}.")]
            stages = len(config["G_WidthPerStage"])
            self.names[letter] = {name.removeprefix(f"{letter}."): ours.pop(our_name(name, stages)) for name in theirs}
            assert not ours  # every weight of ours is one of theirs
            for name, variable in self.names[letter].items():
                variable.assign(our_array(name, golden.state[f"{letter}.{name}"]))
        self.labels = golden["in/c"].argmax(1).astype(np.int32) if classes else None
        self.latents = [golden["in/noise"], golden["in/c"]] if classes else golden["in/noise"]

    def judge(self, images: Any) -> DiscriminatorOutput:
        if self.labels is None:
            return DiscriminatorOutput(self.discriminator(images, training=True))
        return DiscriminatorOutput(self.discriminator([images, tf.constant(self.labels)], training=True)["output"])

    def gradients(self, letter: str, tape: tf.GradientTape, value: Any) -> dict[str, Any]:
        found = tape.gradient(value, {name: one.value for name, one in self.names[letter].items()})
        return {name: tf.convert_to_tensor(gradient) for name, gradient in found.items()}


@cache
def networks(path: Path) -> Networks:
    return Networks(path)


def layer_of(module: str, letter: str) -> str:
    """The layer of ours whose output is that of a module of the reference, as `mid/` names them."""
    name, _, kind = module.partition(" ")
    if name in ("AggregationLayer", "ExtractionLayer"):
        return {"AggregationLayer": "output", "ExtractionLayer": "input"}[name]
    if name == "EmbeddingLayer":
        return {"G": "embedding", "D": "class_vectors"}[letter]
    stage, layer = re.fullmatch(r"MainLayers\.(\d+)\.Layers\.(\d+)", name).groups()  # type: ignore[union-attr]
    ends = {
        "(GenerativeBasis)": "base",
        "(DiscriminativeBasis)": "output",
        "(UpsampleLayer)": f"stage_{stage}_doubling",
        "(ResidualBlock)": f"stage_{stage}_block_{int(layer) + (letter == 'D')}_sum",
    }
    return ends.get(kind, f"stage_{stage}_width")


def check_inner_results(network: keras.Model, inputs: Any, expected: Mapping[str, np.ndarray], letter: str) -> None:
    known = {layer.name for layer in network.layers}
    layers = {module: layer_of(module, letter) for module in expected}
    for module, name in layers.items():
        if name not in known:  # a transition between stages of one width
            layers[module] = name.replace("_width", "_halving")
    inner = keras.Model(network.input, {name: network.get_layer(name).output for name in set(layers.values())})
    found = inner(inputs)
    for module, name in layers.items():
        array = found[name].numpy()
        check_forward(np.moveaxis(array, -1, 1), expected[module], module)


@golden_files("r3gan_*cond*.npz")
def test_networks_have_the_published_values(path: Path) -> None:
    nets = networks(path)
    golden, real = nets.golden, tf.constant(channels_last(nets.golden["in/real"]))
    fake = nets.generator(nets.latents, training=True)
    check_forward(fake, channels_last(golden["out/G/fake"]), "fake")
    check_inner_results(nets.generator, nets.latents, golden.group("mid/G"), "G")
    inputs = real if nets.labels is None else [real, tf.constant(nets.labels)]
    check_inner_results(nets.discriminator, inputs, golden.group("mid/D_on_real"), "D")
    check_forward(nets.judge(real).logits, golden["out/D/logits_real"], "logits_real")
    check_forward(nets.judge(fake).logits, golden["out/D/logits_fake"], "logits_fake")


@golden_files("r3gan_*cond*.npz")
def test_the_steps_of_both_networks_have_the_published_losses_and_gradients(path: Path) -> None:
    nets, loss = networks(path), RelativisticPairingLoss()
    golden, gamma = nets.golden, nets.golden.config["gamma"]
    real = tf.constant(channels_last(golden["in/real"]))
    fake = nets.generator(nets.latents, training=True)
    with tf.GradientTape() as tape:
        outputs = nets.judge(real), nets.judge(fake)
        batch = Batch(nets.judge, real, tf.stop_gradient(fake), *outputs)
        total = loss.discriminator(*outputs) + gamma * (R1()(batch) + R2()(batch))
    step = golden.group("out/D_step")
    pairs = outputs[0].logits - outputs[1].logits
    check_forward(pairs, step["relativistic_logits"], "D_step/relativistic_logits")
    check_forward(tf.nn.softplus(-pairs), step["adversarial_loss"], "D_step/adversarial_loss")
    for name, images in (("r1", real), ("r2", fake)):
        check_forward(squared_gradient_norms(nets.judge, images), step[name], name)
    check_forward(total, step["total"], "D_step/total")
    check_norms(nets.gradients("D", tape, total), golden.group("out/D_step/param_grad_norm"))

    with tf.GradientTape() as tape:
        outputs = nets.judge(real), nets.judge(nets.generator(nets.latents, training=True))
        total = loss.generator(outputs[1], outputs[0])
    step = golden.group("out/G_step")
    pairs = outputs[1].logits - outputs[0].logits
    check_forward(pairs, step["relativistic_logits"], "G_step/relativistic_logits")
    check_forward(tf.nn.softplus(-pairs), step["adversarial_loss"], "G_step/adversarial_loss")
    check_forward(total, step["total"], "G_step/total")
    check_norms(nets.gradients("G", tape, total), golden.group("out/G_step/param_grad_norm"))


@golden_files("r3gan_resamplers*.npz")
def test_resampling_and_biased_activation_are_the_published_ones(path: Path) -> None:
    golden = Golden(path)
    if golden.config["ResamplingFilter"] != [1, 2, 1]:
        pytest.skip("another filter than R3GAN's")
    x = channels_last(golden["in/x"])
    check_forward(Doubling()(x), channels_last(golden["out/interpolative_up"]))
    check_forward(Halving()(x), channels_last(golden["out/interpolative_down"]))
    biased = keras.layers.LeakyReLU(0.2)(x + golden["in/Bias"])
    check_forward(biased, channels_last(golden["out/biased_activation"]))
    assert pytest.approx(float(golden["out/activation_gain"])) == GAIN


@cache
def schedules() -> dict[str, Any]:
    path = FOLDER / "r3gan_schedules_and_init.json"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return json.loads(path.read_text(encoding="utf-8"))


def test_cosine_schedules_are_the_published_ones() -> None:
    """Learning rate, gamma, beta_2 and half-life of the average; ours count steps, theirs images."""
    for case in schedules()["cosine_schedule"]:
        schedule = Schedule(case["base_value"], case["final_value"], "cosine", steps=int(case["total_nimg"]))
        scale = max(abs(case["base_value"]), abs(case["final_value"]))
        # float32 resolves the progress of a step at the very start of 20 million no better
        assert float(schedule(case["cur_nimg"])) == pytest.approx(case["value"], abs=1e-6 * scale), case


def test_the_average_decays_as_in_the_reference() -> None:
    """0.5 ^ (batch / half-life), where the half-life follows its schedule."""
    half_life = Schedule(0.0, 5e6, "cosine", steps=1000)
    decay = AverageDecay(batch_size=256, half_life=half_life, ramp=0.0)
    assert float(decay(0)) == 0.0
    assert float(decay(500)) == pytest.approx(0.5 ** (256 / 2.5e6), abs=1e-6)


def test_initial_weights_have_the_published_deviations() -> None:
    """Of a network whose blocks have the published fan-in; enough weights for 3 % of their deviation."""
    for case in schedules()["init"]:
        total, fan_in = case["blocks_in_network"], case["fan_in"]
        assert GAIN * total ** (-1 / 4) / math.sqrt(fan_in) == pytest.approx(case["std_LinearLayer1_and_2"], rel=1e-6)
        assert 1 / math.sqrt(fan_in) == pytest.approx(case["std_other"], rel=1e-6)
    keras.utils.set_random_seed(0)
    pair, data = R3GAN(latent_size=64, widths=[64, 32, 32], blocks=[3, 2, 1]), DataSpec((16, 16, 3), 10)
    block = GAIN * 6 ** (-1 / 4)
    expected = {
        "expand/kernel": [block / math.sqrt(64), block / math.sqrt(32)],
        "grouped/kernel": [block / math.sqrt(9 * 16)],
        "width/kernel": [1 / math.sqrt(64), 1 / math.sqrt(32)],
        "base/map": [1.0],
        "base_factors/kernel": [1 / math.sqrt(64)],
        "positions/kernel": [1 / 4],
    }
    for network in (pair.generator(data), pair.discriminator(data)):
        for variable in network.variables:
            values, path = variable.numpy(), variable.path
            ending = next((one for one in expected if path.endswith(one)), None)
            if path.endswith(("bias", "reduce/kernel")):
                assert not values.any(), path
            elif ending is not None and values.size >= 500:
                assert any(values.std() == pytest.approx(std, rel=0.08) for std in expected[ending]), path
