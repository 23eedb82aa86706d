"""The soft margin of Geometric GAN: which weights it is about, and that the hinge objective with it is an SVM's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.hinge import HingeLoss
from gan_cli.models.dcgan import DCGAN
from gan_cli.models.discriminator import build_discriminator
from gan_cli.models.mlp import MLP
from gan_cli.penalties import Batch
from gan_cli.penalties.soft_margin import SoftMargin, normal_of

REAL = np.zeros((4, 2), np.float32)


def variable(path: str, value: object) -> tf.Variable:
    found = tf.Variable(np.asarray(value, np.float32))
    found.path = path  # as Keras's variables have it
    return found


def value_of(penalty: SoftMargin, *variables: object) -> tf.Tensor:
    return penalty(Batch(lambda examples: None, REAL, REAL, variables=variables))


def test_it_is_half_the_squared_norm_of_the_last_kernel_over_the_batch():
    inner, normal = variable("dense_1/kernel", np.ones((2, 3))), variable("output/kernel", [[1.0], [-2.0], [2.0]])
    offset = variable("output/bias", [5.0])
    with tf.GradientTape() as tape:
        value = value_of(SoftMargin(weight=3.0), inner, normal, offset)  # the weight is applied by the step
    assert float(value) == pytest.approx(9.0 / (2 * 4))
    slopes = tape.gradient(value, [inner, normal, offset])
    np.testing.assert_allclose(slopes[1], normal.numpy() / 4)  # a weight decay of 1 / n, of w alone
    assert slopes[0] is None
    assert slopes[2] is None


@pytest.mark.parametrize("kind", ["none", "layer", "spectral"])
def test_it_finds_the_last_kernel_of_each_pair(kind):
    data = DataSpec((8, 8, 1), 100)
    for pair, features in [
        (MLP(width=8, discriminator_normalization=kind), 8),
        (DCGAN(width=4, discriminator_normalization=kind), 4 * 4 * 8),
    ]:
        model = build_discriminator(pair, data, HingeLoss())
        assert normal_of(model.trainable_variables) is model.get_layer("output").kernel
        assert normal_of(model.trainable_variables).shape == (features, 1)


@pytest.mark.parametrize(("path", "shape"), [("output/kernel", (4, 4, 3, 1)), ("critic/head/output/kernel", (3, 1))])
def test_the_last_kernel_may_be_of_a_convolution_or_of_a_nested_model(path, shape):
    normal, inner = variable(path, np.ones(shape)), variable("critic/output/dense/kernel", np.ones((2, 1)))
    assert normal_of([inner, normal]) is normal


def test_a_discriminator_without_a_hyperplane_is_refused():
    vectors = variable("output/kernel", np.ones((3, 16)))
    for variables in ([], [vectors], [variable("output/kernel", [[1.0]])] * 2):
        with pytest.raises(ConfigError, match="one logit"):
            value_of(SoftMargin(), *variables)


def test_with_the_hinge_objective_the_widest_margin_costs_least():
    """Between points 2 apart it has ||w|| = 1; the hinge objective alone is as content with any steeper w."""
    real, fake = tf.constant([[1.0, 0.5], [1.0, -0.5]]), tf.constant([[-1.0, 0.5], [-1.0, -0.5]])

    def cost(weight: float, first: float, second: float, offset: float) -> float:
        normal = variable("output/kernel", [[first], [second]])
        say = lambda examples: DiscriminatorOutput((examples @ normal)[:, 0] + offset)  # noqa: E731
        hinge = HingeLoss().discriminator(say(real), say(fake))
        return float(hinge + weight * SoftMargin()(Batch(say, real, fake, variables=[normal])))

    others = np.random.default_rng(0).normal([1.0, 0.0, 0.0], 0.5, (200, 3))
    best = cost(0.5, 1.0, 0.0, 0.0)
    assert best == pytest.approx(0.5 / 4)
    assert min(cost(0.5, *other) for other in others) > best
    assert cost(0.0, 1.0, 0.0, 0.0) == cost(0.0, 3.0, 1.0, 0.5) == 0.0
    assert cost(40.0, 0.1, 0.0, 0.0) < cost(40.0, 1.0, 0.0, 0.0)  # a soft margin: a small C pays with examples within


@pytest.mark.parametrize(("words", "key"), [({"weight": -1.0}, "weight=-1.0"), ({"every": 0}, "every=0")])
def test_a_number_outside_its_range_is_refused_by_its_key(words, key):
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        SoftMargin(**words)
