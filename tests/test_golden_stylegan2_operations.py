"""The operations of StyleGAN2 against NVlabs/stylegan2-ada-pytorch (sg2_*.npz)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from golden_networks import Golden, channels_last, check_forward, golden_files, kernel

from gan_cli.models.layers.bias_activation import bias_activation
from gan_cli.models.layers.equalized import EqualizedConv2D, EqualizedDense
from gan_cli.models.layers.minibatch_std import MinibatchStd
from gan_cli.models.layers.modulated_convolution import modulated_convolution
from gan_cli.models.layers.upfirdn import TAPS, downsample2d, filter2d, normalize_taps, upfirdn2d, upsample2d

NAMES = {"lrelu": "leaky_relu"}


def pair(value: Any) -> Any:
    """(x, y) as (rows, columns)."""
    return tuple(value[::-1]) if isinstance(value, list) else value


def case_images(file: Golden, name: str = "x") -> Any:
    return tf.constant(channels_last(file[f"in/{name}"]), tf.float32)


@golden_files("sg2_upfirdn2d.npz")
def test_resampling_by_a_filter_is_the_published_one(path: Path) -> None:
    file = Golden(path)
    images = case_images(file)
    raw = {name: values for name, values in file.group("in").items() if name.startswith("taps_")}
    taps = {name.removeprefix("taps_"): normalize_taps(values) for name, values in raw.items()}
    for name, values in taps.items():
        golden = file[f"out/setup_filter_{name}"]
        check_forward(np.outer(values, values) if values.ndim < golden.ndim else values, golden, name)
    for case in file.config["cases"]:
        values = taps[case["filter"]]
        operation = {"upsample2d": upsample2d, "downsample2d": downsample2d, "filter2d": filter2d}.get(case["op"])
        if operation is None:
            left, right, top, bottom = case["padding"]
            padding, flip = ((top, bottom), (left, right)), case.get("flip_filter", False)
            found = upfirdn2d(images, values, pair(case["up"]), pair(case["down"]), padding, case["gain"], flip)
        else:
            found = operation(images, values)
        check_forward(found, channels_last(file[f"out/{case['id']}"]), case["id"], 1e-6)


@golden_files("sg2_bias_act.npz")
def test_bias_and_activation_are_the_published_ones(path: Path) -> None:
    file = Golden(path)
    images, bias = case_images(file), tf.constant(file["in/b"], tf.float32)
    for case in file.config["cases"]:
        slope = {"slope": case["alpha"]} if "alpha" in case else {}
        name = NAMES.get(case["act"], case["act"])
        found = bias_activation(images, bias, name, gain=case.get("gain"), clamp=case.get("clamp"), **slope)
        check_forward(found, channels_last(file[f"out/{case['id']}"]), case["id"], 1e-6)
    check_forward(bias_activation(images), channels_last(file["out/lrelu_no_bias"]), "without bias", 1e-6)


@golden_files("sg2_conv_and_dense_layers.npz")
def test_layers_with_an_equalized_learning_rate_are_the_published_ones(path: Path) -> None:
    file = Golden(path)
    images, vectors = case_images(file), tf.constant(file["in/v"], tf.float32)
    for case in [*file.config["cases"], *file.config["fc_cases"]]:
        name = case["id"]
        weights = {part: file.state[f"{name}.{part}"] for part in ("weight", *(["bias"] if case["bias"] else []))}
        activation, outputs = NAMES.get(case["activation"], case["activation"]), len(weights["weight"])
        layer: Any
        if "kernel" in case:
            layer = EqualizedConv2D(
                outputs,
                case["kernel"],
                case["up"],
                case["down"],
                case["bias"],
                activation,
                case["gain"],
                case["conv_clamp"],
            )
            inputs, golden = images, channels_last(file[f"out/{name}"])
        else:
            layer = EqualizedDense(outputs, case["lr_multiplier"], case["bias"], activation=activation)
            inputs, golden = vectors, file[f"out/{name}"]
        layer.build(inputs.shape)
        layer.set_weights([kernel(weights["weight"]), *([weights["bias"]] if case["bias"] else [])])
        check_forward(layer(inputs), golden, name, 1e-5)
        assert layer.compute_output_shape(inputs.shape) == golden.shape


@golden_files("sg2_modulated_conv.npz")
def test_modulated_convolution_is_the_published_one(path: Path) -> None:
    file = Golden(path)
    images, styles, taps = case_images(file), tf.constant(file["in/styles"], tf.float32), normalize_taps(TAPS)
    check_forward(np.outer(taps, taps), file["out/resample_filter"])
    for case in file.config["cases"]:
        side, up, name = case["kernel"], case["up"], case["id"]
        weights = tf.constant(kernel(file[f"in/w{side}x{side}"]), tf.float32)
        found = modulated_convolution(
            images,
            weights,
            styles,
            case["demodulate"],
            up,
            case["down"],
            taps,
            case["padding"],
            flip=case["flip_weight"] == (up > 1),
        )
        if case["noise"]:
            found = found + case_images(file, f"{name}_noise")
        check_forward(found, channels_last(file[f"out/{name}"]), name, 1e-5)


@golden_files("sg2_minibatch_std.npz")
@pytest.mark.parametrize("is_known", [True, False], ids=["batch known", "batch unknown"])
def test_minibatch_standard_deviation_is_the_published_one(path: Path, is_known: bool) -> None:
    file = Golden(path)
    for case in file.config["cases"]:
        images = case_images(file, case["id"])
        layer = MinibatchStd(case["group_size"], case["num_channels"])
        shape = images.shape if is_known else [None, *images.shape[1:]]
        found = tf.function(layer, input_signature=[tf.TensorSpec(shape)], autograph=False)(images)
        np.testing.assert_array_equal(found[..., : case["channels"]], images)
        check_forward(found[..., case["channels"] :], channels_last(file[f"out/{case['id']}"]), case["id"], 1e-5)


def test_a_batch_that_no_group_divides_takes_smaller_groups() -> None:
    images = tf.constant(np.random.default_rng(0).normal(size=(6, 2, 2, 3)), tf.float32)
    np.testing.assert_allclose(MinibatchStd(4)(images), MinibatchStd(3)(images))


@pytest.mark.parametrize(
    ("side", "up", "down"), [(1, 1, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2)], ids=["1x1", "3x3", "doubled", "halved"]
)
def test_a_modulated_convolution_is_one_with_a_kernel_of_each_example(side: int, up: int, down: int) -> None:
    """By its definition: the kernel of an example, divided by its norm. Gradients of gradients exist too."""
    random = np.random.default_rng(1)
    images, styles, weights = (
        tf.constant(random.normal(size=size), tf.float64) for size in ((2, 6, 4, 3), (2, 3), (side, side, 3, 5))
    )
    taps = normalize_taps(TAPS)
    with tf.GradientTape() as outer:
        outer.watch(weights)
        with tf.GradientTape() as inner:
            inner.watch(styles)
            found = modulated_convolution(images, weights, styles, up=up, down=down, taps=taps, gain=2.0)
        slopes = inner.gradient(found, styles)
        value = tf.reduce_sum(slopes**2)
    assert np.isfinite(outer.gradient(value, weights)).all()
    for example in range(2):
        own = weights * styles[example][:, None]
        own = 2.0 * own / tf.sqrt(tf.reduce_sum(own**2, axis=[0, 1, 2]) + 1e-8)
        ones = tf.ones_like(styles[:1])
        plain = modulated_convolution(images[example : example + 1], own, ones, False, up, down, taps)
        np.testing.assert_allclose(found[example], plain[0], rtol=1e-9, atol=1e-12)
