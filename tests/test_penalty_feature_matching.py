"""Feature matching as a term of the generator's loss, beside any adversarial one."""

from __future__ import annotations

import by_hand
import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import do, make_step, weights

from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.models.discriminator import with_features
from gan_cli.penalties import Batch, Penalty, is_on_generator
from gan_cli.penalties.feature_matching import FeatureMatching

REAL = np.array([[1.0, 1.0, 1.0], [3.0, -1.0, 1.0]], np.float32)  # mean (2, 0, 1)
FAKE = np.array([[0.0, -2.0, 2.0], [0.0, 2.0, 2.0]], np.float32)  # mean (0, 0, 2)


def batch(**judged: object) -> Batch:
    said = {name: DiscriminatorOutput(tf.zeros(2), {"dense_2": one}) for name, one in judged.items()}
    return Batch(lambda examples: None, REAL, FAKE, **said)


def test_it_is_the_distance_of_the_means_of_what_was_said_already():
    penalty = FeatureMatching(weight=7.0, layer="dense_2")  # the weight is applied by the step
    assert float(penalty(batch(real_output=REAL, fake_output=FAKE))) == 5.0
    assert float(penalty(batch(real_output=REAL, fake_output=REAL))) == 0.0
    assert float(penalty(batch(real_output=(REAL, REAL[:, :1]), fake_output=(FAKE, FAKE[:, :1])))) == 9.0


def test_it_is_on_the_generator_and_asks_for_real_examples():
    penalty = FeatureMatching()
    assert isinstance(penalty, Penalty)
    assert is_on_generator(penalty)
    assert penalty.needs_real
    assert not penalty.uses_input_gradients
    with pytest.raises(ValueError, match="both batches"):
        penalty(batch(fake_output=FAKE))


@pytest.mark.parametrize(
    ("words", "key"),
    [({"weight": -1.0}, "weight=-1.0"), ({"every": 0}, "every=0"), ({"layer": ""}, "layer=")],
)
def test_a_value_outside_its_range_is_refused_by_its_key(words, key):
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        FeatureMatching(**words)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_the_generator_follows_it_beside_its_adversarial_loss(simultaneous):
    """On G(z) = z g and the critic D(x) = x W v, with the features x W, by plain gradient descent."""
    inner, outer = np.array([[0.3, 0.1], [0.2, -0.5]], np.float32), np.array([[1.0], [2.0]], np.float32)
    points = keras.Input((2,))
    hidden = keras.layers.Dense(2, use_bias=False, name="hidden")(points)
    logits = keras.layers.Reshape(())(keras.layers.Dense(1, use_bias=False, name="output")(hidden))
    network = with_features(keras.Model(points, logits), {"auto": "layer"})
    network.set_weights([inner, outer])
    penalties = {"matching": FeatureMatching(weight=3.0)}
    step = make_step(WassersteinLoss(), penalties, discriminator=network, rates=(0.1, 0.0), simultaneous=simultaneous)
    old, mean_latent = weights(step)[0], by_hand.LATENT.mean()
    metrics = do(step)

    apart = mean_latent * old - by_hand.REAL.mean(0)
    assert metrics["penalty_matching"] == pytest.approx(np.square(apart @ inner).sum(), rel=1e-5)
    slope = mean_latent * (3.0 * 2.0 * inner @ inner.T @ apart - (inner @ outer)[:, 0])
    np.testing.assert_allclose(weights(step)[0], old - 0.1 * slope, rtol=1e-5)
