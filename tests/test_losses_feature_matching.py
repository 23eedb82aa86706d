"""Feature matching as an objective, on activations made by hand; as a penalty it has a file of its own."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.feature_matching import FeatureMatchingLoss, distance_of_means

# Two examples of three activations each: means (2, 0, 1) and (0, 0, 2).
REAL = np.array([[1.0, 1.0, 1.0], [3.0, -1.0, 1.0]], np.float32)
FAKE = np.array([[0.0, -2.0, 2.0], [0.0, 2.0, 2.0]], np.float32)


def said(logit: float, **features: object) -> DiscriminatorOutput:
    return DiscriminatorOutput(tf.constant([logit, logit]), features)


def test_the_distance_is_that_of_the_means_alone_and_squared():
    assert float(distance_of_means(REAL, FAKE)) == 4.0 + 0.0 + 1.0
    assert float(distance_of_means(REAL, REAL[::-1])) == 0.0
    assert float(distance_of_means(REAL, np.repeat(FAKE, 3, axis=0))) == 5.0  # batches of any size


def test_activations_of_any_shape_count_place_by_place():
    as_images = [np.reshape(one, (2, 1, 3, 1)) for one in (REAL, FAKE)]
    assert float(distance_of_means(*as_images)) == 5.0


def test_the_distances_of_several_layers_are_added():
    assert float(distance_of_means((REAL, REAL[:, :1]), (FAKE, FAKE[:, :1]))) == 5.0 + 4.0


def test_the_generator_looks_at_the_named_layer_and_not_at_logits():
    loss = FeatureMatchingLoss(layer="dense_2")
    real, fake = said(3.0, dense_2=REAL, other=REAL), said(-3.0, dense_2=FAKE, other=REAL)
    assert float(loss.generator(fake, real)) == 5.0
    assert float(loss.generator(fake._replace(logits=real.logits), real)) == 5.0
    assert float(FeatureMatchingLoss(layer="other").generator(fake, real)) == 0.0


def test_slopes_are_those_of_the_closed_form():
    fake = tf.constant(FAKE)
    with tf.GradientTape() as tape:
        tape.watch(fake)
        value = distance_of_means(REAL, fake)
    # 2 (mean fake - mean real) / n for each example of n
    np.testing.assert_allclose(tape.gradient(value, fake), np.tile([-2.0, 0.0, 1.0], (2, 1)))


def test_a_generator_that_learns_from_it_reaches_the_mean():
    fake = tf.Variable(FAKE)
    for _ in range(40):
        with tf.GradientTape() as tape:
            value = distance_of_means(REAL, fake)
        fake.assign_sub(0.3 * tape.gradient(value, fake))
    np.testing.assert_allclose(fake.numpy().mean(0), REAL.mean(0), atol=1e-4)
    np.testing.assert_allclose(np.ptp(fake.numpy(), axis=0), np.ptp(FAKE, axis=0), atol=1e-4)  # no more than the mean


def test_real_examples_are_needed():
    with pytest.raises(ValueError, match="real"):
        FeatureMatchingLoss().generator(said(0.0, auto=FAKE), None)
