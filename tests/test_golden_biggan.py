"""BigGAN's networks against PyTorch-StudioGAN (biggan_*.npz) and its author's code (biggan_ajbrock_*.npz)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from golden_networks import Golden, channels_last, check_forward, golden_files
from golden_residual import assign, check_after_training_call, check_gradients, images, iterate_in_evaluation, positions

from gan_cli.conditioning.heads import OUTPUT
from gan_cli.conditioning.projection import Projection
from gan_cli.data import DataSpec
from gan_cli.models.biggan import BigGAN
from gan_cli.models.condition import Condition
from gan_cli.training.training_layers import use_training_layers


def is_ajbrock(golden: Golden) -> bool:
    return golden.config["family"] == "ajbrock"


def spec(golden: Golden) -> DataSpec:
    side = golden.config["resolution" if is_ajbrock(golden) else "img_size"]
    return DataSpec((side, side, 3), 100, classes=golden.config["n_classes" if is_ajbrock(golden) else "num_classes"])


def generator_attention(golden: Golden) -> int:
    """The resolution of self-attention, 0 for none."""
    config = golden.config
    if is_ajbrock(golden):
        return int(config["G_attn"])
    return 4 * 2 ** config["attn_g_loc"][0] if config["apply_attn"] else 0


def discriminator_attention(golden: Golden) -> int:
    config = golden.config
    if is_ajbrock(golden):
        return int(config["D_attn"])
    return config["img_size"] // 2 ** config["attn_d_loc"][0] if config["apply_attn"] else 0


def listed(resolution: int) -> list[int]:
    return [resolution] if resolution else []


def generator_pair(golden: Golden) -> BigGAN:
    config, ajbrock = golden.config, is_ajbrock(golden)
    width = config["G_ch" if ajbrock else "g_conv_dim"]
    first, *_ = inputs = config["in_channels" if ajbrock else "in_dims"]
    channels = [first // width, *(one // width for one in config["out_channels" if ajbrock else "out_dims"])]
    assert channels[:-1] == [one // width for one in inputs]
    return BigGAN(
        latent_size=config["dim_z_used" if ajbrock else "z_dim"],
        width=width,
        generator_channels=channels,
        embedding_size=config["shared_dim" if ajbrock else "g_shared_dim"],
        attention=listed(generator_attention(golden)),
        batch_norm_epsilon=config["BN_eps" if ajbrock else "bn_eps"],
    )


@golden_files("biggan*_generator*.npz")
def test_the_generator_is_the_published_one(path: Any) -> None:
    golden = Golden(path)
    data, pair = spec(golden), generator_pair(golden)
    condition = Condition(data.classes)
    model = use_training_layers(pair.generator(data, condition))
    names = assign(model, golden.state, generator_attention(golden))
    inputs = [tf.constant(golden["in/z"][:, : pair.latent_size]), tf.constant(condition.array(golden["in/label"]))]

    iterate_in_evaluation(model, is_ajbrock(golden))
    check_forward(model(inputs), channels_last(golden["out/eval/img"]))
    found = {}

    def mean_square() -> Any:
        found["img"] = model(inputs, training=True)
        return tf.reduce_mean(tf.square(found["img"]))

    check_gradients(names, golden, "out/train/mean_square_img_param_grad_norm", mean_square)
    check_forward(found["img"], channels_last(golden["out/train/img"]))
    check_after_training_call(names, golden, positions(model, len(golden["in/z"])))


@golden_files("biggan*_discriminator*.npz")
def test_the_discriminator_is_that_of_the_paper(path: Any) -> None:
    golden = Golden(path)
    config, data, ajbrock = golden.config, spec(golden), is_ajbrock(golden)
    inner = config["out_channels" if ajbrock else "out_dims"][0]
    width = inner // 2 if min(data.shape[:2]) < 48 else inner
    resolution = discriminator_attention(golden)
    model = Projection().network(BigGAN(discriminator_width=width, attention=listed(resolution)), data, None, 1)
    names = assign(model, golden.state, resolution)
    inputs = [images(golden), tf.constant(golden["in/label"], tf.int32)]
    with_features = keras.Model(model.inputs, (model.output, model.get_layer(OUTPUT).input))
    expected = {mode: golden[f"out/{mode}/logits"][:, 0] for mode in ("eval", "train")} if ajbrock else {
        mode: golden[f"out/{mode}_outofplace/adv_output"] for mode in ("eval", "train")
    }  # fmt: skip

    iterate_in_evaluation(model, ajbrock)
    check_forward(model(inputs)[OUTPUT], expected["eval"])

    def mean_logit() -> Any:
        heads, features = with_features(inputs, training=True)
        check_forward(heads[OUTPUT], expected["train"])
        if not ajbrock:
            check_forward(features, golden["out/train_outofplace/h"])
        return tf.reduce_mean(heads[OUTPUT])

    group = "out/train/loss_param_grad_norm" if ajbrock else "out/train_outofplace/loss_param_grad_norm"
    check_gradients(names, golden, group, mean_logit)
    check_after_training_call(names, golden, {})
