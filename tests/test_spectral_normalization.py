"""Spectral normalisation against NumPy's singular values."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.models.spectral_normalization import SpectralConv2D, SpectralConv2DTranspose, SpectralDense

POLICIES = ["float32", "mixed_bfloat16"]


def layer_and_inputs(kind: str, dtype: str = "float32") -> tuple[keras.layers.Layer, tf.Tensor]:
    keras.utils.set_random_seed(7)
    options = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.3), "dtype": dtype}
    if kind == "dense":
        return SpectralDense(5, **options), tf.random.normal((4, 6))
    if kind == "convolution":
        return SpectralConv2D(5, 4, 2, **options), tf.random.normal((4, 8, 6, 3))
    return SpectralConv2DTranspose(5, 4, 2, **options), tf.random.normal((4, 4, 3, 6))


def matrix(kind: str, kernel: object) -> np.ndarray:
    """One column for each output channel."""
    kernel = np.asarray(kernel)
    axis = 2 if kind == "transposed" else -1
    return np.moveaxis(kernel, axis, -1).reshape(-1, 5)


every_kind = pytest.mark.parametrize("kind", ["dense", "convolution", "transposed"])
every_policy = pytest.mark.parametrize("policy", POLICIES)


def train_calls(layer: keras.layers.Layer, inputs: tf.Tensor, calls: int = 200) -> None:
    call = tf.function(lambda: layer(inputs, training=True))
    for _ in range(calls):
        call()


@every_kind
@every_policy
def test_the_iteration_finds_the_largest_singular_value(kind, policy):
    layer, inputs = layer_and_inputs(kind, policy)
    train_calls(layer, inputs)
    kernel = layer.kernel.numpy()
    largest = np.linalg.svd(matrix(kind, kernel), compute_uv=False)[0]
    normalised = layer.normalised_kernel(training=False).numpy()
    assert normalised.dtype == np.float32
    assert np.median(kernel / normalised) == pytest.approx(largest, rel=1e-4)
    assert np.linalg.svd(matrix(kind, normalised), compute_uv=False)[0] == pytest.approx(1.0, rel=1e-4)


@every_kind
@every_policy
def test_the_output_is_that_of_the_plain_layer_with_the_normalised_kernel(kind, policy):
    layer, inputs = layer_and_inputs(kind, policy)
    train_calls(layer, inputs)
    layer.bias.assign(tf.range(5, dtype=tf.float32))
    plain = {
        "dense": lambda: keras.layers.Dense(5),
        "convolution": lambda: keras.layers.Conv2D(5, 4, 2, padding="same"),
        "transposed": lambda: keras.layers.Conv2DTranspose(5, 4, 2, padding="same"),
    }[kind]()
    plain.build(inputs.shape)
    largest = np.linalg.svd(matrix(kind, layer.kernel), compute_uv=False)[0]
    plain.set_weights([layer.kernel.numpy() / largest, layer.bias.numpy()])
    outputs = layer(inputs, training=False)
    assert outputs.dtype == layer.compute_dtype
    tolerance = 1e-4 if policy == "float32" else 0.05
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), plain(inputs), atol=tolerance)


@every_kind
def test_shapes_are_known_before_the_first_call(kind):
    layer, inputs = layer_and_inputs(kind)
    symbolic = keras.Input(inputs.shape[1:])
    assert layer(symbolic).shape[1:] == layer(inputs).shape[1:]


@every_kind
def test_only_training_moves_the_iteration(kind):
    layer, inputs = layer_and_inputs(kind)
    layer(inputs, training=False)
    before = layer.u.numpy()
    layer(inputs, training=False)
    layer(inputs)
    np.testing.assert_array_equal(layer.u, before)
    layer(inputs, training=True)
    assert np.abs(layer.u - before).max() > 1e-3


def test_one_call_is_one_iteration_of_the_algorithm():
    layer, inputs = layer_and_inputs("dense")
    layer.build(inputs.shape)
    weights, u = layer.kernel.numpy().T, layer.u.numpy()  # W of the paper is [output, input]
    v = weights.T @ u / np.linalg.norm(weights.T @ u)
    u = weights @ v / np.linalg.norm(weights @ v)
    layer(inputs, training=True)
    np.testing.assert_allclose(layer.u, u, rtol=1e-5)
    assert not layer.u.trainable
    assert layer.u.dtype == "float32"


@pytest.mark.parametrize("settled", [False, True])
def test_the_gradient_is_that_of_equation_12_with_u_and_v_as_constants(settled):
    layer, inputs = layer_and_inputs("dense")
    layer.build(inputs.shape)
    if settled:
        train_calls(layer, inputs)
    v = layer.kernel.numpy() @ layer.u.numpy()
    v /= np.linalg.norm(v)
    with tf.GradientTape() as tape:
        outputs = layer(inputs, training=True)
        total = tf.reduce_sum(tf.square(outputs))
    slope = tape.gradient(total, layer.kernel.value).numpy()
    kernel, u = layer.kernel.numpy(), layer.u.numpy()
    sigma = v @ kernel @ u
    upstream = 2.0 * inputs.numpy().T @ outputs.numpy()  # of the total with respect to the normalised kernel
    expected = (upstream - np.sum(upstream * kernel) / sigma * np.outer(v, u)) / sigma
    np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-3)


@every_kind
def test_a_compiled_layer_agrees_with_an_eager_one(kind):
    layer, inputs = layer_and_inputs(kind)
    layer.build(inputs.shape)
    start = layer.u.numpy()
    eager, eager_u = layer(inputs, training=True), layer.u.numpy()
    layer.u.assign(start)
    compiled = tf.function(lambda: layer(inputs, training=True), jit_compile=True)()
    np.testing.assert_allclose(compiled, eager, atol=1e-5)
    np.testing.assert_allclose(layer.u, eager_u, atol=1e-6)


def test_a_kernel_of_zeros_gives_zeros_and_finite_slopes():
    layer = SpectralDense(3, kernel_initializer="zeros")
    with tf.GradientTape() as tape:
        outputs = layer(tf.ones((2, 4)), training=True)
        total = tf.reduce_sum(outputs)
    np.testing.assert_array_equal(outputs, np.zeros((2, 3)))
    assert np.isfinite(tape.gradient(total, layer.kernel.value)).all()


def test_the_first_direction_comes_from_the_global_seed():
    directions = []
    for _ in range(2):
        layer, inputs = layer_and_inputs("dense")  # sets the seed
        layer.build(inputs.shape)
        directions.append(layer.u.numpy())
    np.testing.assert_array_equal(*directions)
    assert np.ptp(directions[0]) > 0.1


@every_kind
def test_averaged_weights_are_normalised_too_although_their_u_is_an_average(kind):
    layer, inputs = layer_and_inputs(kind)
    averaged, _ = layer_and_inputs(kind)
    averaged(inputs)
    train_calls(layer, inputs, 20)
    for _ in range(50):  # weights on the move, and an average that follows
        layer.kernel.assign_add(0.02 * tf.random.normal(layer.kernel.shape))
        layer(inputs, training=True)
        for average, weight in zip(averaged.weights, layer.weights, strict=True):
            average.assign(0.9 * average + 0.1 * weight)
    normalised = averaged.normalised_kernel(training=False).numpy()
    assert np.linalg.svd(matrix(kind, normalised), compute_uv=False)[0] == pytest.approx(1.0, rel=0.02)


@every_kind
def test_evaluation_can_take_u_as_it_is(kind):
    layer, inputs = layer_and_inputs(kind)
    layer(inputs)
    layer.iterates_in_evaluation = False
    u = layer.u.numpy()
    expected = np.linalg.norm(matrix(kind, layer.kernel) @ u / np.linalg.norm(u))
    normalised = layer.normalised_kernel(training=False).numpy()
    assert np.linalg.norm(layer.kernel) / np.linalg.norm(normalised) == pytest.approx(expected, rel=1e-5)
    assert layer.get_config()["iterates_in_evaluation"] is False


@every_kind
def test_a_layer_that_was_never_trained_is_of_about_the_right_size(kind):
    layer, inputs = layer_and_inputs(kind)
    layer(inputs)
    largest = np.linalg.svd(matrix(kind, layer.normalised_kernel(training=False).numpy()), compute_uv=False)[0]
    assert 1.0 <= largest < 1.5
