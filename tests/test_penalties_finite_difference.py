"""R1, R2 and 0-GP by finite differences: closed forms, variance, and what they can't be computed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from by_hand import do, line, make_step
from composition import job_of

from gan_cli.commands.train import gan_train
from gan_cli.config.compatibility import check_parts
from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.mmd import MMDLoss
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties import Batch
from gan_cli.penalties.r1 import R1
from gan_cli.penalties.r2 import R2
from gan_cli.penalties.zero_gp import ZeroCentredGradientPenalty
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator, Role
from gan_cli.training.forward_pass import Inputs

SEED = tf.constant([3, 4], tf.int32)
SLOPE = np.array([0.6, -0.8, 2.0], np.float32)
HESSIAN = np.array([[1.0, 0.5, 0.0], [0.5, -2.0, 0.3], [0.0, 0.3, 0.7]], np.float32)
MANY = 200_000
ESTIMATE = {"method": "finite_difference"}


def linear(examples: Any) -> DiscriminatorOutput:
    return DiscriminatorOutput(tf.linalg.matvec(tf.convert_to_tensor(examples), SLOPE))


def quadratic(examples: Any) -> DiscriminatorOutput:
    """D(x) = x·Hx / 2, whose gradient is Hx."""
    examples = tf.convert_to_tensor(examples)
    return DiscriminatorOutput(0.5 * tf.reduce_sum(examples * (examples @ HESSIAN), axis=1))


def copies(point: list[float]) -> np.ndarray:
    return np.tile(np.array([point], np.float32), (MANY, 1))


def batch_of(discriminator: Any, real: np.ndarray, fake: np.ndarray | None = None) -> Batch:
    fake = real if fake is None else fake
    return Batch(discriminator, real, fake, discriminator(real), discriminator(fake), seed=SEED)


def test_of_a_linear_discriminator_the_estimate_is_unbiased_with_a_variance_of_twice_the_square() -> None:
    real = copies([1.0, 2.0, 3.0])
    half = 0.5 * float(SLOPE @ SLOPE)
    assert float(R1()(batch_of(linear, real))) == pytest.approx(half, rel=1e-5)
    relative_error = np.sqrt(2 / MANY)
    assert float(R1(**ESTIMATE)(batch_of(linear, real))) == pytest.approx(half, rel=4 * relative_error)
    noise = np.random.default_rng(0).normal(size=(MANY, 3))
    assert np.var((noise @ SLOPE) ** 2) == pytest.approx(2 * float(SLOPE @ SLOPE) ** 2, rel=0.05)


@pytest.mark.parametrize("step", [0.01, 0.5])
def test_of_a_quadratic_discriminator_the_bias_is_the_term_in_the_squared_step(step: float) -> None:
    point = np.array([1.0, -1.0, 0.5])
    exact = float(np.sum((HESSIAN @ point) ** 2))
    trace, squares = np.trace(HESSIAN), np.trace(HESSIAN @ HESSIAN)
    expected = exact + step**2 / 4 * (2 * squares + trace**2)
    found = 2 * float(R1(**ESTIMATE, step=step)(batch_of(quadratic, copies(point.tolist()))))
    assert found == pytest.approx(expected, rel=0.02)
    assert 2 * float(R1()(batch_of(quadratic, copies(point.tolist())))) == pytest.approx(exact, rel=1e-4)


def test_r1_uses_real_examples_r2_generated_ones_and_0_gp_those_between() -> None:
    real, fake = copies([1.0, 0.0, 0.0]), copies([0.0, 3.0, 0.0])
    batch = batch_of(quadratic, real, fake)
    for penalty in (R1, R2, ZeroCentredGradientPenalty):
        assert float(penalty(**ESTIMATE)(batch)) == pytest.approx(float(penalty()(batch)), rel=0.03), penalty


def test_the_gradient_of_the_estimate_is_that_of_the_exact_penalty() -> None:
    weights = tf.Variable(SLOPE)

    def discriminator(examples: Any) -> DiscriminatorOutput:
        return DiscriminatorOutput(tf.tanh(tf.linalg.matvec(tf.convert_to_tensor(examples), weights)))

    found = []
    for penalty in (R1(), R1(**ESTIMATE)):
        with tf.GradientTape() as tape:
            value = penalty(batch_of(discriminator, copies([0.2, 0.1, -0.1])))
        found.append(tape.gradient(value, weights))
    np.testing.assert_allclose(found[1], found[0], rtol=0.03, atol=0.01)


def test_without_augmentation_the_unchanged_examples_are_not_passed_through_the_discriminator_again() -> None:
    calls: list[int] = []

    def counted(examples: Any) -> DiscriminatorOutput:
        calls.append(examples.shape[0])
        return linear(examples)

    batch = batch_of(counted, copies([1.0, 2.0, 3.0])[:8])
    calls.clear()
    R1(**ESTIMATE, share=0.3)(batch)
    assert calls == [3]  # a share is rounded up
    calls.clear()
    R1(share=0.25)(batch)
    assert calls == [2]


def test_with_augmentation_both_sides_have_the_same_one() -> None:
    """An output of this update under another augmentation would differ by far more than a step."""
    real = copies([1.0, 2.0, 3.0])[:2000]
    other = DiscriminatorOutput(linear(real).logits + 100.0)
    batch = Batch(linear, real, real, other, other, seed=SEED, augmented=True)
    assert float(R1(**ESTIMATE)(batch)) == pytest.approx(0.5 * float(SLOPE @ SLOPE), rel=0.15)


def test_the_logit_of_a_vector_is_compared_with_one_that_leaves_out_no_pair() -> None:
    network = line(2, 2, [[1.0, 0.2], [0.0, 1.0]])
    augmented = AugmentedDiscriminator(network, MMDLoss("gaussian", sigma=2.0), {}, pack=1, seed=0, state={})
    context = augmented.context(tf.constant(0, tf.int64), tf.constant(0, tf.int64))
    generator = np.random.default_rng(0)
    real, fake = (generator.normal(shift, 1.0, (4000, 2)).astype(np.float32) for shift in (0.0, 1.0))
    outputs = context.forward_pair(Inputs(real, fake), (Role.REAL, Role.FAKE))
    batch = Batch(context.for_penalty(0, outputs), real, fake, outputs.real, outputs.fake, seed=SEED)
    assert float(R1(**ESTIMATE)(batch)) == pytest.approx(float(R1()(batch)), rel=0.1)


def test_a_step_trains_by_the_estimate() -> None:
    metrics = do(make_step(WassersteinLoss(), {"r1": R1(**ESTIMATE)}))
    draw = np.square(np.random.default_rng(0).normal(size=(10_000, 2)) @ [0.3, 0.2])
    assert 0.0 < metrics["penalty_r1"] < 0.5 * draw.max()


@pytest.mark.parametrize("words", [["model.discriminator_normalization=spectral"], ["model.discriminator_dropout=0.2"]])
def test_a_discriminator_that_changes_from_call_to_call_is_refused(words: list[str]) -> None:
    chosen = ["model=mlp", "model.width=8", "penalty=[r1]", "penalty.r1.method=finite_difference", "train.steps=1"]
    with pytest.raises(ConfigError, match=r"^penalty.r1.method=finite_difference: compares two outputs"):
        gan_train([*chosen, *words, "logger=[]", "hydra.run.dir=run"])
    assert not Path("run").exists()


def test_half_precision_is_refused() -> None:
    job = job_of("penalty=[r2]", "penalty.r2.method=finite_difference", "train.precision=mixed_bfloat16")
    with pytest.raises(ConfigError, match=r"^penalty.r2.method=finite_difference: needs train.precision=float32"):
        check_parts(job)
