"""Every loss against numbers worked out by hand, and its slopes against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.config.job_builder import build
from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.dual_contrastive import DualContrastiveLoss
from gan_cli.losses.feature_matching import FeatureMatchingLoss
from gan_cli.losses.hinge import HingeLoss
from gan_cli.losses.lsgan import LeastSquaresLoss
from gan_cli.losses.minimax import MinimaxLoss
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.losses.rgan_average import RelativisticAverageLoss
from gan_cli.losses.rpgan import RelativisticPairingLoss
from gan_cli.losses.wgan import WassersteinLoss

SMOOTHED = [NonSaturatingLoss(real_target=0.9), MinimaxLoss(real_target=0.9), FeatureMatchingLoss(real_target=0.9)]
LOSSES = [
    NonSaturatingLoss(),
    MinimaxLoss(),
    LeastSquaresLoss(),
    HingeLoss(),
    WassersteinLoss(),
    RelativisticPairingLoss(),
    *(RelativisticAverageLoss(form) for form in ("sigmoid", "least_squares", "hinge")),
    DualContrastiveLoss(),
    *SMOOTHED,
]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)

REAL = np.array([2.0, -1.0], np.float32)
FAKE = np.array([0.5, -3.0], np.float32)


def output(logits: object) -> DiscriminatorOutput:
    """What a discriminator says whose last layer before the output has one unit, the logit itself."""
    values = tf.convert_to_tensor(logits, tf.float32)
    return DiscriminatorOutput(values, {"auto": values[:, tf.newaxis]})


# softplus(-2) = 0.1269280, softplus(1) = 1.3132617, softplus(.5) = 0.9740770, softplus(-3) = 0.0485874,
# softplus(-.5) = 0.4740770, softplus(3) = 3.0485874, softplus(-1.5) = 0.2014133, softplus(1.5) = 1.7014133,
# softplus(-3.25) = 0.0380415, softplus(-.25) = 0.5759394, softplus(0) = 0.6931472, softplus(-3.5) = 0.0297505.
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
        # means 0.5 and -1.25: real ones lie 3.25 and .25 above generated ones, these 0 and 3.5 below real ones; the
        # generator wants minus these, and softplus(t) = softplus(-t) + t
        (
            RelativisticAverageLoss("sigmoid"),
            (0.0380415 + 0.5759394 + 0.6931472 + 0.0297505) / 2,
            (3.2880415 + 0.8259394 + 0.6931472 + 3.5297505) / 2,
        ),
        # (2.25² + .75²)/2 + (1² + 2.5²)/2; (4.25² + 1.25²)/2 + (1² + 4.5²)/2
        (RelativisticAverageLoss("least_squares"), 6.4375, 20.4375),
        # (0 + .75)/2 + (1 + 0)/2; (4.25 + 1.25)/2 + (1 + 4.5)/2
        (RelativisticAverageLoss("hinge"), 0.875, 5.5),
        # generated minus real, from real 2: -1.5, -5; from real -1: 1.5, -2. e^ these: .2231302, .0067379, 4.4816891,
        # .1353353. So log(1.2298681), log(5.6170244) for the real ones, log(5.7048193), log(1.1420732) for the others
        (
            DualContrastiveLoss(),
            (0.2069069 + 1.7258021 + 1.7413113 + 0.1328452) / 2,
            -(0.2069069 + 1.7258021 + 1.7413113 + 0.1328452) / 2,
        ),
        # the mean real logit, 0.5, costs 1 - t as well; the generator's side is as without smoothing
        (NonSaturatingLoss(real_target=0.9), 0.7200948 + 0.5113322 + 0.05, 1.7613322),
        (MinimaxLoss(real_target=0.9), 0.7200948 + 0.5113322 + 0.05, -0.5113322),
        (FeatureMatchingLoss(), 0.7200948 + 0.5113322, 1.75**2),
        (FeatureMatchingLoss(real_target=0.9), 0.7200948 + 0.5113322 + 0.05, 1.75**2),
    ],
)
def test_a_loss_is_what_its_paper_says(loss, discriminator, generator):
    assert float(loss.discriminator(output(REAL), output(FAKE))) == pytest.approx(discriminator, abs=1e-6)
    real = output(REAL) if loss.generator_needs_real else None
    assert float(loss.generator(output(FAKE), real)) == pytest.approx(generator, abs=1e-6)


@every_loss
def test_a_loss_is_a_finite_float32_scalar_even_for_huge_logits(loss):
    huge = output([1e4, -1e4])
    for value in (loss.discriminator(huge, huge), loss.generator(huge, huge)):
        assert value.dtype == tf.float32
        assert value.shape == ()
        assert np.isfinite(float(value))


@every_loss
def test_a_compiled_loss_agrees_with_an_eager_one(loss):
    real, fake = tf.constant(REAL), tf.constant(FAKE)

    def both(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        said = output(real), output(fake)
        return tf.stack([loss.discriminator(*said), loss.generator(said[1], said[0])])

    np.testing.assert_allclose(
        tf.function(both, jit_compile=True, autograph=False)(real, fake), both(real, fake), rtol=1e-5
    )


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
def test_a_better_scored_fake_is_better_for_the_generator_and_worse_for_the_discriminator(loss):
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


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss.generator_needs_real], ids=repr)
def test_a_generator_loss_that_compares_asks_for_real_examples(loss):
    with pytest.raises(ValueError, match="real"):
        loss.generator(output(FAKE), None)


@every_loss
def test_the_best_alone_can_be_taken_where_each_generated_example_counts_for_itself(loss):
    def slope(fake: tf.Tensor) -> float:
        with tf.GradientTape() as tape:
            tape.watch(fake)
            value = loss.generator(output(fake), output(REAL))
        return float(tape.gradient(value, fake)[0])

    same_protocol = slope(tf.constant([0.5, 9.0])) == pytest.approx(slope(tf.constant([0.5, -7.0])), abs=1e-6)
    assert same_protocol == loss.is_per_sample


def test_only_the_wasserstein_loss_speaks_of_a_critic():
    assert [type(loss) for loss in LOSSES if loss.critic] == [WassersteinLoss]


@every_loss
def test_at_its_equilibrium_a_discriminator_that_cannot_tell_the_two_apart_pays_least(loss):
    def cost(logit: float) -> float:
        return float(loss.discriminator(output([logit]), output([logit])))

    if loss.decision_threshold is None:
        assert cost(-3.0) == cost(0.0) == cost(5.0)  # only differences count
        return
    for far in (0.6, 1.5, 4.0):
        below, above = cost(loss.decision_threshold - far), cost(loss.decision_threshold + far)
        assert cost(loss.decision_threshold) <= min(below, above)
        if loss not in SMOOTHED:
            assert below == pytest.approx(above)
    assert cost(loss.decision_threshold) < min(below, above)


def test_the_equilibrium_of_least_squares_lies_between_its_targets():
    assert LeastSquaresLoss().decision_threshold == 0.5
    assert LeastSquaresLoss(real_target=1.0, fake_target=-1.0, generator_target=0.0).decision_threshold == 0.0


@pytest.mark.parametrize("kind", [NonSaturatingLoss, MinimaxLoss, FeatureMatchingLoss])
def test_one_sided_smoothing_moves_the_equilibrium_to_half_its_target(kind):
    assert kind().decision_threshold == 0.0
    assert kind(real_target=0.9).decision_threshold == pytest.approx(np.log(0.45 / 0.55))

    def slope(logit: float) -> float:
        logits = tf.constant([logit], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = kind(real_target=0.9).discriminator(output(logits), output(tf.constant([0.0])))
        return float(tape.gradient(value, logits)[0])

    assert slope(np.log(0.9 / 0.1)) == pytest.approx(0.0, abs=1e-6)  # of real examples it wants to say 0.9 and no more
    assert slope(4.0) > 0.05 > -0.05 > slope(0.0)


@pytest.mark.parametrize("kind", [NonSaturatingLoss, MinimaxLoss])
def test_a_configuration_from_before_there_was_smoothing_still_builds(kind):
    assert build("loss", {"_target_": f"{kind.__module__}.{kind.__name__}"}) == kind(real_target=1.0)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: LeastSquaresLoss(real_target=float("nan")), "real_target=nan: expected a number"),
        (lambda: NonSaturatingLoss(real_target=0.5), "real_target=0.5: expected a number above 0.5 and at most 1"),
        (lambda: MinimaxLoss(real_target=1.1), "real_target=1.1: expected a number above 0.5 and at most 1"),
        (lambda: FeatureMatchingLoss(real_target=0.0), "real_target=0.0: expected"),
        (lambda: FeatureMatchingLoss(layer=""), "layer=: expected the name of a layer"),
        (lambda: RelativisticAverageLoss(form="least_square"), r"form=least_square: .* Did you mean least_squares\?"),
    ],
)
def test_a_value_outside_its_range_is_refused_by_its_key(make, key):
    with pytest.raises(ConfigError, match=f"^{key}"):
        make()
