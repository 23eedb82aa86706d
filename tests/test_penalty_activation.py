"""The penalty on activations against numbers worked out by hand, and which layers it looks at."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import TINY

from gan_cli.commands.train import gan_train
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.mmd import MMDLoss
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.models.dcgan import DCGAN
from gan_cli.models.discriminator import ALL, AUTO, build_discriminator, with_features
from gan_cli.models.mlp import MLP
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.activation import ActivationPenalty
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator, Role
from gan_cli.training.forward_pass import Inputs

IMAGES = DataSpec((8, 8, 1), 10)
FIRST, SECOND = tf.constant([[1.0, -3.0], [0.0, 2.0]]), tf.constant([[[4.0]], [[0.0]]])  # mean squares 3.5 and 8


def network(*layers: Any, inputs: int = 1) -> keras.Model:
    first = last = keras.Input((inputs,))
    for layer in layers:
        last = layer(last)
    return keras.Model(first, last)


def never(examples: Any) -> DiscriminatorOutput:
    raise AssertionError(f"the discriminator was asked again, of {examples}")


def said(*activations: Any, layer: str = ALL, embedding: Any = None) -> DiscriminatorOutput:
    features = {layer: activations if layer == ALL else activations[0]}
    return DiscriminatorOutput(tf.zeros([2]), features, embedding)


def cost(real: DiscriminatorOutput, fake: DiscriminatorOutput, **settings: Any) -> float:
    return float(ActivationPenalty(**settings)(Batch(never, None, None, real_output=real, fake_output=fake)))


def test_it_is_the_mean_square_of_each_layer_summed_over_layers_and_kinds() -> None:
    assert cost(said(FIRST, SECOND), said(FIRST, 2 * SECOND)) == pytest.approx(3.5 + 8 + 3.5 + 32)


def test_of_vectors_that_are_compared_it_counts_those_too() -> None:
    embedding = tf.constant([[3.0], [1.0]])  # mean square 5
    assert cost(said(FIRST, embedding=embedding), said(FIRST)) == pytest.approx(3.5 + 5 + 3.5)


def test_one_layer_is_looked_at_alone() -> None:
    real, fake = said(FIRST, layer="down_1", embedding=SECOND), said(FIRST, layer="down_1", embedding=SECOND)
    assert cost(real, fake, layer="down_1") == pytest.approx(7)


def test_logits_cost_nothing_themselves() -> None:
    large = said(FIRST)._replace(logits=tf.fill([2], 1e6))
    assert cost(large, large) == pytest.approx(7)


def test_it_differentiates_no_example_and_is_a_penalty() -> None:
    assert isinstance(ActivationPenalty(), Penalty)
    assert not ActivationPenalty.uses_input_gradients  # batch normalisation does not spoil it


def test_it_needs_what_was_said_of_both_kinds() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        ActivationPenalty()(Batch(never, None, None, fake_output=said(FIRST)))


@pytest.mark.parametrize(
    ("pair", "names"),
    [
        (DCGAN(width=4), ["down_1_activation", "down_2_activation"]),
        (MLP(width=4, discriminator_dropout=0.1), ["activation_1", "activation_2", "activation_3"]),
    ],
    ids=["dcgan", "mlp"],
)
def test_all_are_the_layers_with_an_activation_function(pair: Any, names: list[str]) -> None:
    discriminator = build_discriminator(pair, IMAGES, NonSaturatingLoss())
    examples = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype(np.float32)
    found = with_features(discriminator, {ALL: "key", **dict.fromkeys(names, "key")})(examples)[1]
    assert len(found[ALL]) == len(names)
    for activations, name in zip(found[ALL], names, strict=True):
        np.testing.assert_array_equal(activations, found[name])


def test_layers_that_are_activated_as_they_are_made_are_found_and_linear_ones_are_not() -> None:
    dense = keras.layers.Dense
    layers = [dense(2, "relu"), dense(3), keras.layers.Activation("tanh"), keras.layers.Activation("linear"), dense(1)]
    model = network(*layers, inputs=4)
    assert [one.shape for one in with_features(model, {ALL: "key"}).output[1][ALL]] == [(None, 2), (None, 3)]


def test_without_any_the_last_layer_before_the_output_stands_for_all() -> None:
    model = network(keras.layers.Dense(3), keras.layers.Dense(1, name="output"), inputs=4)
    found = with_features(model, {ALL: "key", AUTO: "key"})(np.ones((2, 4), np.float32))[1]
    np.testing.assert_array_equal(found[ALL][0], found[AUTO])


def test_slopes_reach_the_weights_from_float32_where_layers_compute_in_bfloat16() -> None:
    """h = max(0, wx) of x = 1 for both kinds, and the embedding hv: 2w² + 2(wv)², whose slope in w is 4w + 4wv²."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        last = keras.layers.Dense(1, use_bias=False, dtype="float32")
        model = network(keras.layers.Dense(1, "relu", use_bias=False), last)
    finally:
        keras.config.set_dtype_policy("float32")
    model.set_weights([np.array([[3.0]]), np.array([[0.5]])])
    network_with_features = with_features(model, {ALL: "key"})
    augmented = AugmentedDiscriminator(network_with_features, MMDLoss("linear"), {}, pack=1, seed=0, state={})
    context, ones = augmented.context(tf.constant(0, tf.int64), tf.constant(0, tf.int64)), tf.ones([2, 1])
    with tf.GradientTape() as tape:
        outputs = context.forward_pair(Inputs(ones, ones), (Role.REAL, Role.FAKE))
        value = ActivationPenalty()(Batch(never, ones, ones, *outputs))
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(2 * 9 + 2 * 2.25)
    assert float(tape.gradient(value, model.trainable_variables[0])[0, 0]) == pytest.approx(4 * 3 + 4 * 3 * 0.25)


def test_a_layer_that_is_not_there_is_reported_with_those_that_are() -> None:
    words = ["penalty=activation", "penalty.activation.layer=activation_9", "hydra.run.dir=run"]
    with pytest.raises(ConfigError, match=r"^penalty.activation.layer=activation_9: .*auto, all or one of .*dense_1"):
        gan_train([*TINY, "model=mlp", *words])


@pytest.mark.parametrize(("settings", "key"), [({"weight": -1.0}, "weight=-1.0"), ({"every": 0}, "every=0")])
def test_a_number_outside_its_range_is_refused_by_its_key(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        ActivationPenalty(**settings)
