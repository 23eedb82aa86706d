"""What stands before the discriminator, and the discriminators that losses ask for."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import FAKE, LATENT, PULL, RATE, REAL, do, make_step, weights

from gan_cli.augmentations import Augmentation
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.losses import RECONSTRUCTION
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.losses.rpgan import RelativisticPairingLoss
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.models.discriminator import build_discriminator, with_features
from gan_cli.models.mlp import MLP
from gan_cli.penalties.r1 import R1
from gan_cli.training.adversarial_step import FOR_DISCRIMINATOR
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator, Role, UpdateContext
from gan_cli.training.forward_pass import Inputs

W, D = np.array([0.5, -1.0]), np.array([0.3, 0.2])
IMAGES = DataSpec((4, 6, 3), 100)


class Double(Augmentation):
    """Twice the examples."""

    def __call__(self, examples: Any, strength: Any, seed: Any) -> Any:
        return 2.0 * examples


class Shift(Augmentation):
    """The examples and 3."""

    def __call__(self, examples: Any, strength: Any, seed: Any) -> Any:
        return examples + 3.0


class Noise(Augmentation):
    """Normal noise, the stronger the later."""

    varies = True

    def strength(self, step: Any, state: Any) -> Any:
        return 0.5 * tf.cast(step, tf.float32)

    def __call__(self, examples: Any, strength: Any, seed: Any) -> Any:
        return examples + strength * tf.random.stateless_normal(examples.shape, seed)


class Swap(Augmentation):
    """Generated examples in the place of real ones."""

    def replace_real(self, real: Any, fake: Any, strength: Any, seed: Any) -> Any:
        return fake


def test_augmentations_are_applied_in_the_order_in_which_they_are_named() -> None:
    for parts, expected in [({"d": Double(), "s": Shift()}, 2.0 * REAL + 3.0), ({"s": Shift(), "d": Double()},
                                                                              2.0 * (REAL + 3.0))]:  # fmt: skip
        discriminator = make_step(WassersteinLoss(), {}, parts).augmented_discriminator
        output = discriminator.context(tf.constant(0, tf.int64), 0).forward(tf.constant(REAL), Role.REAL)
        np.testing.assert_allclose(output.logits, expected @ D, rtol=1e-5)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_gradients_flow_through_augmentations_to_both_networks_and_to_penalties(simultaneous: bool) -> None:
    step = make_step(WassersteinLoss(), {"r1": R1(weight=0.5)}, {"double": Double()}, simultaneous=simultaneous)
    metrics = do(step)
    new = D + RATE * (2.0 * PULL - 0.5 * 4.0 * D)  # the slope of D(2 x) is 2 d
    np.testing.assert_allclose(weights(step)[1], new, rtol=1e-5)
    seen = D if simultaneous else new
    np.testing.assert_allclose(weights(step)[0], W + RATE * LATENT.mean() * 2.0 * seen, rtol=1e-5)
    assert metrics["penalty_r1"] == pytest.approx(0.5 * 4.0 * D @ D, rel=1e-5)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_generated_example_that_stands_for_a_real_one_does_not_teach_the_generator(simultaneous: bool) -> None:
    step = make_step(RelativisticPairingLoss(), {}, {"swap": Swap()}, simultaneous=simultaneous)
    metrics = do(step)
    assert metrics["real_logits"] == metrics["fake_logits"]
    # Both kinds are the same, so the discriminator learns nothing. The generator's slope is that at a difference of 0;
    # were real examples its own too, that would cancel.
    np.testing.assert_allclose(weights(step)[1], D, rtol=1e-6)
    np.testing.assert_allclose(weights(step)[0], W + RATE * 0.5 * LATENT.mean() * D, rtol=1e-5)


def noise_at(step: int, update: int, role: int, seed: int = 0, times: int = 1) -> np.ndarray:
    """The noise that an example sees, per unit of strength."""
    discriminator = make_step(WassersteinLoss(), {}, {"noise": Noise()}, discriminator=keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"), keras.layers.Reshape(())]
    )).augmented_discriminator  # fmt: skip
    context = UpdateContext(
        discriminator, discriminator.strengths(tf.constant(4, tf.int64)), tf.constant(step, tf.int64), update
    )
    output = [context.forward(tf.zeros((50, 2)), role).logits.numpy() for _ in range(times)]
    assert all(np.array_equal(output[0], again) for again in output)
    return output[0]


def test_each_kind_of_example_each_update_and_each_step_draws_numbers_of_its_own_and_a_second_look_the_same() -> None:
    looks = [(3, 0, Role.REAL), (3, 0, Role.FAKE), (3, 1, Role.REAL), (4, 0, Role.REAL)]
    looks += [(3, 0, Role.REAL_FOR_GENERATOR), (3, 0, Role.FAKE_FOR_GENERATOR), (3, 0, Role.FIRST_PENALTY)]
    looks += [(3, 0, Role.FIRST_PENALTY + 1)]
    drawn = np.stack([noise_at(*look, times=2) for look in looks])
    same_protocol = np.corrcoef(drawn) - np.eye(len(looks))
    assert np.abs(same_protocol).max() < 0.5


def test_two_augmentations_of_a_kind_draw_other_numbers() -> None:
    discriminator = make_step(WassersteinLoss(), {}, {"one": Noise(), "two": Noise()}).augmented_discriminator
    context = discriminator.context(tf.constant(2, tf.int64), 0)
    output = context.forward(tf.zeros((2000, 2)), Role.REAL).logits.numpy()
    assert output.std() == pytest.approx(
        np.sqrt(2.0) * np.linalg.norm(D), rel=0.05
    )  # twice as strong if they were alike


def test_a_penalty_sees_the_same_augmentation_at_each_of_its_looks_and_another_than_other_penalties() -> None:
    discriminator = make_step(WassersteinLoss(), {}, {"noise": Noise()}).augmented_discriminator
    context = discriminator.context(tf.constant(3, tf.int64), 0)
    outputs = context.forward_pair(Inputs(tf.constant(REAL), tf.constant(FAKE)), FOR_DISCRIMINATOR)
    first, second = context.for_penalty(0, outputs), context.for_penalty(1, outputs)
    looks = [look(tf.constant(REAL)).logits.numpy() for look in (first, first, second)]
    np.testing.assert_array_equal(looks[0], looks[1])
    assert not np.isclose(looks[0], looks[2]).any()
    assert not np.isclose(looks[0], outputs.real.logits).any()


def test_a_strength_that_varies_is_logged() -> None:
    metrics = do(make_step(WassersteinLoss(), {}, {"noise": Noise(), "double": Double()}), 6)
    assert metrics["augment_noise"] == 3.0
    assert "augment_double" not in metrics


class Rebuilt(NonSaturatingLoss):
    """A loss that asks for an auto-encoder."""

    output = RECONSTRUCTION


@pytest.mark.parametrize("pack", [1, 2])
def test_an_auto_encoder_says_minus_the_mean_absolute_error_of_each_example(pack: int) -> None:
    model = build_discriminator(MLP(latent_size=5, width=8, depth=1), IMAGES, Rebuilt(), pack)
    examples = np.random.default_rng(0).uniform(-1, 1, (3, 4, 6, 3 * pack)).astype(np.float32)
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    assert encoder(examples).shape == (3, 5)
    expected = -np.abs(examples - decoder(encoder(examples))).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(model(examples), expected, rtol=1e-5)
    assert len(model.trainable_variables) == len(encoder.trainable_variables) + len(decoder.trainable_variables)


def test_features_are_the_activations_of_the_layers_that_are_named() -> None:
    network = build_discriminator(MLP(width=8, depth=2), IMAGES, NonSaturatingLoss())
    examples = tf.constant(np.random.default_rng(0).uniform(-1, 1, (3, 4, 6, 3)), tf.float32)
    logits, features = with_features(network, {"auto": "penalty.a.layer", "dense_1": "penalty.b.layer"})(examples)
    np.testing.assert_array_equal(logits, network(examples))
    first = keras.Model(network.input, network.get_layer("dense_1").output)(examples)
    np.testing.assert_array_equal(features["dense_1"], first)
    weights, bias = network.get_layer("output").get_weights()
    np.testing.assert_allclose(np.ravel(features["auto"] @ weights + bias), logits, rtol=1e-5, atol=1e-6)
    assert with_features(network, {}) is network


def test_a_layer_that_is_not_there_is_reported_with_those_that_are() -> None:
    network = build_discriminator(MLP(width=8, depth=1), IMAGES, NonSaturatingLoss())
    with pytest.raises(
        ConfigError, match=r"^penalty.a.layer=dense1: .*auto.* or one of .*dense_1.*Did you mean dense_1"
    ):
        with_features(network, {"dense1": "penalty.a.layer"})


def test_features_are_those_of_augmented_examples_in_float32() -> None:
    network = with_features(
        build_discriminator(MLP(width=8, depth=1), IMAGES, NonSaturatingLoss()), {"dense_1": "loss.layer"}
    )  # fmt: skip
    discriminator = AugmentedDiscriminator(
        network, NonSaturatingLoss(), {"double": Double()}, pack=1, seed=0, state={"double": {}}
    )
    examples = tf.constant(np.random.default_rng(0).uniform(-1, 1, (3, 4, 6, 3)), tf.float32)
    output = discriminator.context(tf.constant(0, tf.int64), 0).forward(examples, Role.REAL)
    assert output.features["dense_1"].dtype == tf.float32
    np.testing.assert_allclose(output.features["dense_1"], network(2.0 * examples)[1]["dense_1"], rtol=1e-6)
