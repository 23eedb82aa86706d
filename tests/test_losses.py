"""Every loss against numbers worked out by hand, and its slopes against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.checks import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.hinge import HingeLoss
from gan_cli.losses.lsgan import LeastSquaresLoss
from gan_cli.losses.minimax import MinimaxLoss
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.losses.rpgan import RelativisticPairingLoss
from gan_cli.losses.wgan import WassersteinLoss

LOSSES = [
    NonSaturatingLoss(),
    MinimaxLoss(),
    LeastSquaresLoss(),
    HingeLoss(),
    WassersteinLoss(),
    RelativisticPairingLoss(),
]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)

REAL = np.array([2.0, -1.0], np.float32)
FAKE = np.array([0.5, -3.0], np.float32)


def output(logits: object) -> DiscriminatorOutput:
    return DiscriminatorOutput(tf.convert_to_tensor(logits, tf.float32))


# softplus(-2) = 0.1269280, softplus(1) = 1.3132617, softplus(.5) = 0.9740770, softplus(-3) = 0.0485874,
# softplus(-.5) = 0.4740770, softplus(3) = 3.0485874, softplus(-1.5) = 0.2014133, softplus(1.5) = 1.7014133.
@pytest.mark.parametrize(
    ("loss", "discriminator", "generator"),
    [
        (NonSaturatingLoss(), 0.7200948 + 0.5113322, 1.7613322),
        (MinimaxLoss(), 0.7200948 + 0.5113322, -0.5113322),
        # ((2-1)² + (-1-1)²)/4 + (.5² + 3²)/4 = 1.25 + 2.3125; ((.5-1)² + (-3-1)²)/4 = 4.0625
        (LeastSquaresLoss(), 3.5625, 4.0625),
        # a=-1, b=1, c=0: 1.25 + ((1.5)² + 2²)/4 = 1.25 + 1.5625; (.5² + 3²)/4
        (LeastSquaresLoss(real_target=1.0, fake_target=-1.0, generator_target=0.0), 2.8125, 2.3125),
        # (0 + 2)/2 + (1.5 + 0)/2; -(-2.5/2)
        (HingeLoss(), 1.75, 1.25),
        (WassersteinLoss(), -1.25 - 0.5, 1.25),
        # pairs (2, .5) and (-1, -3): real - fake = 1.5 and 2, softplus(-2) = 0.1269280, softplus(2) = 2.1269280
        (RelativisticPairingLoss(), (0.2014133 + 0.1269280) / 2, (1.7014133 + 2.1269280) / 2),
    ],
)
def test_a_loss_is_what_its_paper_says(loss, discriminator, generator):
    assert float(loss.discriminator(output(REAL), output(FAKE))) == pytest.approx(discriminator, abs=1e-6)
    real = output(REAL) if loss.generator_sees_real else None
    assert float(loss.generator(output(FAKE), real)) == pytest.approx(generator, abs=1e-6)


@every_loss
def test_a_loss_is_a_finite_float32_scalar_even_for_huge_logits(loss):
    huge = output([1e4, -1e4])
    for value in (loss.discriminator(huge, huge), loss.generator(huge, huge)):
        assert value.dtype == tf.float32
        assert value.shape == ()
        assert np.isfinite(float(value))


@every_loss
def test_slopes_agree_with_finite_differences(loss):
    def total(logits: tf.Tensor) -> tf.Tensor:
        real, fake = output(logits[:2]), output(logits[2:])
        return loss.discriminator(real, fake) + 3.0 * loss.generator(fake, real)

    logits, step = np.concatenate([REAL, FAKE]) + 0.03, 1e-2
    with tf.GradientTape() as tape:
        variable = tf.constant(logits)
        tape.watch(variable)
        value = total(variable)
    slopes = tape.gradient(value, variable).numpy()
    for index, slope in enumerate(slopes):
        shift = np.eye(4, dtype=np.float32)[index] * step
        difference = float(total(tf.constant(logits + shift)) - total(tf.constant(logits - shift))) / (2 * step)
        assert slope == pytest.approx(difference, abs=2e-3)


@every_loss
def test_a_better_judged_fake_is_better_for_the_generator_and_worse_for_the_discriminator(loss):
    worse, better = output(FAKE), output(FAKE + 0.25)
    assert loss.generator(better, output(REAL)) < loss.generator(worse, output(REAL))
    one_fake = output([0.2]), output([0.6])  # inside the hinge, and above the least squares target
    assert loss.discriminator(output([0.9]), one_fake[1]) > loss.discriminator(output([0.9]), one_fake[0])


def test_a_sure_discriminator_leaves_a_gradient_only_to_the_non_saturating_generator():
    def slope(loss: object) -> float:
        logits = tf.constant([-20.0])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss.generator(output(logits), None)
        return float(tape.gradient(value, logits)[0])

    assert slope(NonSaturatingLoss()) == pytest.approx(-1.0)
    assert slope(MinimaxLoss()) == pytest.approx(0.0, abs=1e-8)


def test_the_relativistic_generator_loss_asks_for_real_examples():
    with pytest.raises(ValueError, match="real"):
        RelativisticPairingLoss().generator(output(FAKE), None)


def test_only_the_wasserstein_loss_speaks_of_a_critic():
    assert [type(loss) for loss in LOSSES if loss.critic] == [WassersteinLoss]


@every_loss
def test_at_its_equilibrium_a_discriminator_that_cannot_tell_the_two_apart_pays_least(loss):
    def cost(logit: float) -> float:
        return float(loss.discriminator(output([logit]), output([logit])))

    if loss.equilibrium is None:
        assert cost(-3.0) == cost(0.0) == cost(5.0)  # only differences count
        return
    for far in (0.6, 1.5, 4.0):
        below, above = cost(loss.equilibrium - far), cost(loss.equilibrium + far)
        assert below == pytest.approx(above)
        assert cost(loss.equilibrium) <= below
    assert cost(loss.equilibrium) < below


def test_the_equilibrium_of_least_squares_lies_between_its_targets():
    assert LeastSquaresLoss().equilibrium == 0.5
    assert LeastSquaresLoss(real_target=1.0, fake_target=-1.0, generator_target=0.0).equilibrium == 0.0


def test_a_target_that_is_no_number_is_refused_by_its_key():
    with pytest.raises(ConfigError, match=r"^real_target=nan"):
        LeastSquaresLoss(real_target=float("nan"))
