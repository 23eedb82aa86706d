"""SNGAN's residual networks against PyTorch-StudioGAN (sngan_*.npz)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_networks import Golden, channels_last, check_forward, golden_files
from golden_residual import assign, check_after_training_call, check_gradients, images, iterate_in_evaluation, positions

from gan_cli.conditioning.auxiliary_classifier import CLASS_LOGITS, AuxiliaryClassifier
from gan_cli.conditioning.heads import OUTPUT
from gan_cli.conditioning.none import NoConditioning
from gan_cli.conditioning.projection import Projection
from gan_cli.data import DataSpec
from gan_cli.models.condition import Condition
from gan_cli.models.resnet import ResNet
from gan_cli.training.training_layers import use_training_layers


def spec(config: dict[str, Any]) -> DataSpec:
    return DataSpec((config["img_size"], config["img_size"], 3), 100, classes=config["num_classes"])


@golden_files("sngan_generator_*.npz")
def test_the_generator_is_the_published_one(path: Any) -> None:
    golden = Golden(path)
    config = golden.config
    is_conditional = config["g_cond_mtd"] == "cBN"
    pair = ResNet(latent_size=config["z_dim"], width=config["g_conv_dim"], batch_norm_epsilon=config["bn_eps"])
    condition = Condition(config["num_classes"]) if is_conditional else None
    model = use_training_layers(pair.generator(spec(config), condition))
    names = assign(model, golden.state)
    inputs = [golden["in/z"], condition.array(golden["in/label"])] if condition else golden["in/z"]

    check_forward(model(inputs), channels_last(golden["out/eval/img"]))
    found = {}

    def mean_square() -> Any:
        found["img"] = model(inputs, training=True)
        return tf.reduce_mean(tf.square(found["img"]))

    check_gradients(names, golden, "out/train/mean_square_img_param_grad_norm", mean_square)
    check_forward(found["img"], channels_last(golden["out/train/img"]))
    check_after_training_call(names, golden, positions(model, len(golden["in/z"])))


@golden_files("sngan_discriminator_*.npz")
def test_the_discriminator_is_that_of_the_paper(path: Any) -> None:
    golden = Golden(path)
    config, data = golden.config, spec(golden.config)
    conditioning = {"W/O": NoConditioning, "PD": Projection, "AC": AuxiliaryClassifier}[config["d_cond_mtd"]]()
    model = conditioning.network(ResNet(width=config["d_conv_dim"]), data, None, 1)
    names = assign(model, golden.state)
    labels = tf.constant(golden["in/label"], tf.int32)
    inputs = [images(golden), labels] if config["d_cond_mtd"] == "PD" else images(golden)
    inner = keras.Model(model.inputs, {"all": model.output, "h": model.get_layer(OUTPUT).input})

    def outputs(training: bool) -> tuple[dict[str, Any], Any]:
        both = inner(inputs, training=training)
        return both["all"] if isinstance(both["all"], dict) else {OUTPUT: both["all"]}, both["h"]

    iterate_in_evaluation(model, False)
    found, _ = outputs(training=False)
    check_heads(found, golden, "eval_outofplace")

    def loss() -> Any:
        heads, features = outputs(training=True)
        check_heads(heads, golden, "train_outofplace")
        check_forward(features, golden["out/train_outofplace/h"])
        value = tf.reduce_mean(heads[OUTPUT])
        if CLASS_LOGITS in heads:
            value += tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, heads[CLASS_LOGITS]))
        assert float(value) == pytest.approx(float(golden["out/train_outofplace/loss"]), rel=1e-4, abs=1e-5)
        return value

    check_gradients(names, golden, "out/train_outofplace/loss_param_grad_norm", loss)
    check_after_training_call(names, golden, {})


def check_heads(found: dict[str, Any], golden: Golden, mode: str) -> None:
    check_forward(found[OUTPUT], golden[f"out/{mode}/adv_output"])
    if CLASS_LOGITS in found:
        check_forward(found[CLASS_LOGITS], golden[f"out/{mode}/cls_output"])


@golden_files("sngan_discriminator_acgan*.npz")
def test_the_largest_singular_values_are_the_published_ones(path: Any) -> None:
    golden = Golden(path)
    model = AuxiliaryClassifier().network(ResNet(width=golden.config["d_conv_dim"]), spec(golden.config), None, 1)
    names = assign(model, golden.state)
    for group, iterates in (("out/sigma_eval", False), ("out/sigma_after_one_iteration", True)):
        iterate_in_evaluation(model, iterates)
        for name, sigma in golden.group(group).items():
            layer = model.get_layer(names.ours(f"{name}.weight_orig")[0])
            found = np.linalg.norm(layer.kernel) / np.linalg.norm(layer.normalised_kernel(training=False))
            assert found == pytest.approx(float(sigma), rel=1e-5), (group, name)
