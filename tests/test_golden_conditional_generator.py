"""How a label enters a generator, against published implementations (generator.json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_conditional import GRADIENTS, VALUES, floats, load

from gan_cli.conditioning.concat import join_labels
from gan_cli.conditioning.heads import pick
from gan_cli.data import DataSpec
from gan_cli.models.condition import Condition, Targets
from gan_cli.models.condition_layers import ConditionInput, conditional_modulation
from gan_cli.models.dcgan import DCGAN
from gan_cli.models.layers.latent_chunks import chunk_conditions
from gan_cli.models.mapping_network import map_condition, moving_average, truncate_w
from gan_cli.models.mlp import MLP
from gan_cli.training.training_layers import use_training_layers

GENERATOR = load("generator")


def channels_last(values: Any) -> np.ndarray:
    return np.moveaxis(np.array(values), 1, -1)


def conditional_norm(case: Mapping[str, Any]) -> keras.Model:
    """Batch normalisation without affine, modulated by a condition, with the weights of a case."""
    shape, size = channels_last(case["x"]).shape[1:], len(case["condition"][0])
    x, c = keras.Input(shape, dtype="float64"), keras.Input((size,), dtype="float64")
    with float64():
        norm = keras.layers.BatchNormalization(
            epsilon=case["eps"], momentum=1.0 - case["momentum"], center=False, scale=False, name="norm"
        )
        model = keras.Model([x, c], conditional_modulation(norm(x), c, "test"))
    for part in ("gain", "bias"):
        name = {"gain": "test_gain", "bias": "test_offset"}[part]
        model.get_layer(name).set_weights([np.array(case["weights"][f"{part}.weight"]).T])
    return use_training_layers(model)


def float64() -> Any:
    from contextlib import contextmanager

    @contextmanager
    def policy() -> Any:
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float64")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)

    return policy()


@pytest.mark.parametrize("name", ["cbn_one_hot", "cbn_embedding_and_z_chunk"])
def test_conditional_batch_normalization_has_the_published_values_and_gradients(name: str) -> None:
    case = GENERATOR[name]
    model = conditional_norm(case)
    x, c = floats(channels_last(case["x"])), floats(case["condition"])
    with tf.GradientTape() as tape:
        tape.watch([x, c])
        out = model([x, c], training=True)
        value = tf.reduce_sum(out * floats(channels_last(case["upstream"])))
    kernels = [model.get_layer(one).kernel.value for one in ("test_gain", "test_offset")]
    found = tape.gradient(value, [x, c, *kernels])
    np.testing.assert_allclose(out, channels_last(case["out_train"]), rtol=1e-6)
    np.testing.assert_allclose(found[0], channels_last(case["grads"]["x"]), **GRADIENTS)
    np.testing.assert_allclose(found[1], case["grads"]["condition"], **GRADIENTS)
    np.testing.assert_allclose(found[2], np.array(case["grads"]["gain.weight"]).T, **GRADIENTS)
    np.testing.assert_allclose(found[3], np.array(case["grads"]["bias.weight"]).T, **GRADIENTS)
    norm = model.get_layer("norm")
    np.testing.assert_allclose(norm.moving_mean, case["running_mean_after_one_step"], rtol=1e-6)
    # Keras keeps the biased variance of a batch, PyTorch the unbiased one.
    count = np.array(case["x"])[:, 0].size
    unbiased = 0.9 + (norm.moving_variance.numpy() - 0.9) * count / (count - 1)
    np.testing.assert_allclose(unbiased, case["running_var_after_one_step"], rtol=1e-6)
    norm.moving_variance.assign(case["running_var_after_one_step"])
    np.testing.assert_allclose(model([x, c], training=False), channels_last(case["out_eval"]), rtol=1e-6)


def test_labels_joined_to_latents_and_examples_are_the_published_ones() -> None:
    case = GENERATOR["mirza_osindero"]
    labels = tf.constant(case["labels"], tf.int32)
    classes = len(case["z_joined"][0]) - len(case["z"][0])
    condition = Condition(classes)
    given = ConditionInput(MLP(latent_size=len(case["z"][0]), conditioning="concat"), condition)
    z = keras.Input((len(case["z"][0]),))
    joined = keras.Model(given.model_inputs(z), given.latents(z))
    found = joined([tf.constant(case["z"], tf.float32), condition.tensors(Targets(labels))])
    np.testing.assert_allclose(found, np.array(case["z_joined"]), rtol=1e-6)
    x = np.array(case["x_nhwc"], np.float32)
    maps = join_labels(tf.constant(x), labels, x.shape[1:], classes)
    np.testing.assert_allclose(maps, np.array(case["x_maps_joined_nhwc"]), rtol=1e-6)
    flat = x.reshape(len(x), -1)
    np.testing.assert_allclose(
        join_labels(tf.constant(flat), labels, flat.shape[1:], classes), np.array(case["x_flat_joined"]), rtol=1e-6
    )


def test_latents_times_an_embedding_are_the_published_ones() -> None:
    case = GENERATOR["embedding_times_z"]
    table = np.array(case["embedding"], np.float32)
    given = ConditionInput(MLP(latent_size=table.shape[1], conditioning="product"), Condition(len(table)))
    z = keras.Input((table.shape[1],))
    model = keras.Model(given.model_inputs(z), given.latents(z))
    model.get_layer("embedding").set_weights([table])
    conditions = Condition(len(table)).array(np.array(case["labels"]))
    found = model([tf.constant(case["z"], tf.float32), tf.constant(conditions)])
    np.testing.assert_allclose(found, np.array(case["z_conditioned"]), rtol=1e-6)


def test_an_embedding_added_to_the_first_map_is_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    case = GENERATOR["tfgan_condition_tensor"]
    table, tensor = np.array(case["embedding"], np.float32), np.array(case["tensor_nhwc"], np.float32)
    monkeypatch.setattr("gan_cli.models.condition_layers.EMBEDDING_SIZE", table.shape[1])
    given = ConditionInput(DCGAN(conditioning="first_map"), Condition(len(table)))
    features = keras.Input(tensor.shape[1:])
    model = keras.Model([features, given.input], given.first_map(features))
    model.get_layer("embedding").set_weights([table])
    weights = [np.array(case[name], np.float32) for name in ("dense_kernel", "dense_bias")]
    model.get_layer("condition_map").set_weights(weights)
    conditions = Condition(len(table)).array(np.array(case["labels"]))
    np.testing.assert_allclose(model([tensor, conditions]), np.array(case["conditioned"]), rtol=1e-5, atol=1e-6)


def test_the_projection_is_the_published_one() -> None:
    case = GENERATOR["miyato_koyama"]
    phi, labels = floats(case["phi"]), tf.constant(case["labels"], tf.int32)
    of_all = tf.matmul(phi, floats(case["V"]), transpose_b=True)
    found = pick(of_all, labels) + tf.linalg.matvec(phi, floats(case["psi_weight"])) + case["psi_bias"]
    np.testing.assert_allclose(found, case["f"], **VALUES)


def test_a_code_joined_to_latents_is_the_published_one() -> None:
    """With the first dense layer of a generator, which mixes both."""
    case = GENERATOR["infogan_injection_concat"]
    z, code = np.array(case["z"], np.float32), np.array(case["code"], np.float32)
    generator = MLP(latent_size=z.shape[1], conditioning="concat", width=len(case["bias"]), depth=1)
    model = generator.generator(DataSpec((2,), 10), Condition(code.shape[1]))
    model.get_layer("dense_1").set_weights([np.array(case["weight"], np.float32).T, np.array(case["bias"], np.float32)])
    mixed = keras.Model(model.inputs, model.get_layer("dense_1").output)([z, code])
    np.testing.assert_allclose(mixed, np.array(case["z_mixed"]), rtol=1e-5, atol=1e-6)


def test_the_mapping_network_with_a_label_is_the_published_one() -> None:
    case = GENERATOR["cadain_mapping"]
    weights, z, labels = case["weights"], np.array(case["z"], np.float32), np.array(case["labels"])
    size, classes = len(case["w"][0]), len(weights["embed.weight"][0])
    latents, condition = keras.Input((z.shape[1],)), keras.Input((classes,))
    layers = case["num_layers"]
    model = keras.Model([latents, condition], map_condition(latents, condition, size, layers, name="mapping"))
    for layer, name in [("embedding", "embed"), *((str(number), f"fc{number}") for number in range(layers))]:
        model.get_layer(f"mapping_{layer}").set_weights(
            [np.array(weights[f"{name}.weight"]).T, np.array(weights[f"{name}.bias"])]
        )
    found = model([z, np.eye(classes, dtype=np.float32)[labels]])
    np.testing.assert_allclose(found, np.array(case["w"]), rtol=1e-4, atol=1e-6)


def test_vectors_of_the_mapping_network_are_truncated_as_published() -> None:
    case = GENERATOR["cadain_mapping"]
    w, average = floats(case["w"]), floats(case["w_avg_before"])
    after = moving_average(average, w, case["w_avg_beta"])
    np.testing.assert_allclose(after, case["w_avg_after_one_update"], rtol=1e-4, atol=1e-6)
    whole = truncate_w(w, after, case["psi"])[:, 0]
    np.testing.assert_allclose(whole, case["w_truncated"], rtol=1e-4, atol=1e-6)
    some = truncate_w(w, after, case["psi"], case["num_ws"], case["cutoff"])
    np.testing.assert_allclose(some, case["w_truncated_with_cutoff"], rtol=1e-4, atol=1e-6)


def test_chunks_of_latents_are_joined_to_the_embedding_as_published() -> None:
    case = GENERATOR["biggan_conditions"]
    table, z = np.array(case["embedding"], np.float32), np.array(case["z"], np.float32)
    blocks = z.shape[1] // case["chunk"] - 1
    first, conditions = chunk_conditions(tf.constant(z), tf.constant(table[case["labels"]]), blocks)
    np.testing.assert_allclose(first, np.array(case["first"]), rtol=1e-6)
    np.testing.assert_allclose(tf.stack(conditions), np.array(case["block_conditions"]), rtol=1e-6)
