"""Numbers that change during training: their values, and what they act on."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import do, make_step, weights

from gan_cli.augmentations.ada import AdaptiveAugmentation
from gan_cli.augmentations.apa import AdaptivePseudoAugmentation
from gan_cli.augmentations.instance_noise import InstanceNoise
from gan_cli.errors import ConfigError
from gan_cli.losses.hinge import HingeLoss
from gan_cli.optimizers.adam import Adam
from gan_cli.optimizers.adamw import AdamW
from gan_cli.penalties.r1 import R1
from gan_cli.schedule import Schedule, value_at
from gan_cli.training.build_training import optimizer_scalars, with_loss_scale
from gan_cli.training.ema import AverageDecay
from gan_cli.training.gradients import set_beta_2


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        (Schedule(1.0, 0.2, "linear", steps=10), 0, 1.0),
        (Schedule(1.0, 0.2, "linear", steps=10), 5, 0.6),
        (Schedule(1.0, 0.2, "linear", steps=10), 10, 0.2),
        (Schedule(1.0, 0.2, "linear", steps=10), 1000, 0.2),
        (Schedule(0.0, 8.0, "linear", steps=12, delay=4), 4, 0.0),
        (Schedule(0.0, 8.0, "linear", steps=12, delay=4), 6, 2.0),
        (Schedule(0.0, 8.0, "linear", steps=12, delay=4), 12, 8.0),
        (Schedule(0.05, 0.005, "cosine", steps=8), 2, 0.005 + 0.045 * 0.5 * (1 + math.cos(math.pi / 4))),
        (Schedule(0.05, 0.005, "cosine", steps=8), 4, 0.0275),
        (Schedule(0.05, 0.005, "cosine", steps=9, delay=1), 5, 0.0275),
        (Schedule(3.0, shape="constant"), 7, 3.0),
        (Schedule(3.0, 5.0, shape="constant", steps=4), 7, 3.0),
    ],
)
def test_a_value_by_hand(schedule: Schedule, step: int, expected: float) -> None:
    for one in (step, tf.constant(step, tf.int64)):
        value = value_at(schedule, one)
        assert (value.dtype, value.shape) == (tf.float32, ())
        assert float(value) == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_a_number_is_its_own_value() -> None:
    assert value_at(0.3, 5) == 0.3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start": math.nan, "end": 1.0}, "start=nan: expected a number"),
        ({"start": 0.0, "end": math.inf}, "end=inf: expected a number"),
        ({"start": 0.0}, "end: is needed for shape=linear"),
        ({"start": 0.0, "end": 1.0, "shape": "cosin"}, "shape=cosin: .*Did you mean cosine?"),
        ({"start": 0.0, "end": 1.0, "steps": 0}, "steps=0: expected a whole number at least 1"),
        ({"start": 0.0, "end": 1.0, "delay": -1}, "delay=-1: expected a whole number at least 0"),
        ({"start": 0.0, "end": 1.0, "steps": 5, "delay": 5}, "delay=5: the schedule ends at step 5"),
    ],
)
def test_a_wrong_schedule_is_refused_by_its_key(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Schedule(**fields)


def test_a_penalty_has_the_weight_of_the_step() -> None:
    schedule = Schedule(0.2, 1.0, steps=4)
    changing = {"r1": R1(weight=schedule), "lazy": R1(weight=schedule, every=2)}
    fixed = {"r1": R1(weight=0.6), "lazy": R1(weight=0.6, every=2)}
    steps = [make_step(HingeLoss(), penalties) for penalties in (changing, fixed, {})]
    for step in steps:
        do(step, 2)
    found, expected, without = (weights(step)[1] for step in steps)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert not np.allclose(found, without, rtol=1e-3)


def test_the_averages_half_life_is_that_of_the_step() -> None:
    changing = AverageDecay(64, Schedule(0.0, 1000.0, steps=10), ramp=0.0)
    for step, half_life in ((0, 0.0), (5, 500.0), (20, 1000.0)):
        expected = AverageDecay(64, half_life, ramp=0.0)(tf.constant(step, tf.int64))
        assert float(changing(tf.constant(step, tf.int64))) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam_corrects_by_the_product_of_all_beta_2(kind: type) -> None:
    decay = {"weight_decay": 0.0} if kind is AdamW else {}
    optimizer = kind(
        generator_learning_rate=0.1, beta_1=0.5, beta_2=Schedule(0.5, 0.9, steps=4), epsilon=1e-3, **decay
    ).for_generator()
    weight = keras.Variable(1.0)
    optimizer.build([weight])
    apply = tf.function(lambda gradient: optimizer.apply([gradient], [weight]), autograph=False)
    value, momentum, velocity, power = 1.0, 0.0, 0.0, 1.0
    for update, (gradient, beta_2) in enumerate([(2.0, 0.5), (-1.0, 0.6), (3.0, 0.7), (0.5, 0.8)], start=1):
        set_beta_2(optimizer, beta_2)
        apply(tf.constant(gradient))
        momentum = 0.5 * momentum + 0.5 * gradient
        velocity = beta_2 * velocity + (1.0 - beta_2) * gradient**2
        power *= beta_2
        rate = 0.1 * math.sqrt(1.0 - power) / (1.0 - 0.5**update)
        value -= rate * momentum / (math.sqrt(velocity) + 1e-3)
        assert float(weight.value) == pytest.approx(value, rel=1e-5)
        assert float(optimizer.beta_2_product) == pytest.approx(power, rel=1e-6)


def test_adam_with_a_constant_schedule_is_adam_with_a_number() -> None:
    values = []
    for beta_2 in (0.9, Schedule(0.9, shape="constant")):
        optimizer, weight = Adam(generator_learning_rate=0.1, beta_2=beta_2).for_generator(), keras.Variable(1.0)
        for gradient in (1.0, -3.0, 0.2):
            optimizer.apply([tf.constant(gradient)], [weight])
        values.append(float(weight.value))
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_a_product_that_begins_later_begins_as_if_beta_2_had_not_changed() -> None:
    optimizer, weight = Adam(beta_2=Schedule(0.9, 0.99, steps=9)).for_generator(), keras.Variable(1.0)
    optimizer.build([weight])
    optimizer.iterations.assign(7)  # of a run that had a number so far
    optimizer.apply([tf.constant(1.0)], [weight])
    assert float(optimizer.beta_2_product) == pytest.approx(0.9**8, rel=1e-5)


def test_beta_2_reaches_adam_through_a_loss_scale_and_a_skipped_update_does_not_count() -> None:
    inner = Adam(beta_2=Schedule(0.5, 0.9, steps=4)).for_generator()
    optimizer, weight = with_loss_scale(inner, "mixed_float16"), keras.Variable(1.0)
    optimizer.build([weight])
    apply = tf.function(lambda gradient: optimizer.apply([gradient], [weight]), autograph=False)
    for beta_2, gradient in ((0.5, 1.0), (0.7, math.inf), (0.8, 1.0)):
        set_beta_2(optimizer, beta_2)
        apply(tf.constant(gradient))
    assert float(inner.beta_2_product) == pytest.approx(0.5 * 0.8)
    assert optimizer_scalars(optimizer)["beta_2_product"] is inner.beta_2_product


def ada(**more: Any) -> AdaptiveAugmentation:
    switches = dict.fromkeys(("geometry", "color", "filter", "noise", "cutout"), False)
    return AdaptiveAugmentation(blit=True, **switches, **{"target": 0.6, "ramp_images": 10, "interval": 1, **more})


@pytest.mark.parametrize("build", [ada, lambda **more: AdaptivePseudoAugmentation(0.6, 10, 1, **more)])
def test_a_probability_that_is_given_does_not_adapt(build: Any) -> None:
    changing, fixed, adaptive = build(probability=Schedule(0.0, 0.5, steps=10)), build(probability=0.3), build()
    assert float(changing.strength(tf.constant(4, tf.int64), {})) == pytest.approx(0.2)
    assert fixed.strength(tf.constant(4, tf.int64), {}) == 0.3
    assert [one.learns for one in (changing, fixed, adaptive)] == [False, False, True]
    assert [one.varies for one in (changing, fixed, adaptive)] == [True, False, True]
    assert [bool(one.initial_state) for one in (changing, fixed, adaptive)] == [False, False, True]
    assert [one.ramp for one in (changing, fixed, adaptive)] == [None, None, 10]
    with pytest.raises(ConfigError, match=r"probability.end=1.5: expected a number at least 0 and at most 1"):
        build(probability=Schedule(0.0, 1.5, steps=10))


def test_the_target_of_an_adaptive_probability_is_that_of_the_step() -> None:
    augmentation = ada(target=Schedule(0.2, 0.8, steps=10))
    margins = tf.constant([1.0, 1.0, 1.0, -1.0])  # mean sign 0.5
    for step, expected in ((0, 0.4), (10, 0.0)):  # above the target of 0.2, below that of 0.8
        state = augmentation.next_state(margins, 4, dict(augmentation.initial_state), tf.constant(step, tf.int64))
        assert float(state["strength"]) == pytest.approx(expected)


def test_instance_noise_may_follow_a_schedule() -> None:
    noise = InstanceNoise(sigma=Schedule(0.4, 0.0, "cosine", steps=10), final_sigma=0.3, steps=3)
    assert float(noise.strength(tf.constant(5, tf.int64), {})) == pytest.approx(0.2)
    with pytest.raises(ConfigError, match=r"sigma.start=-0.1"):
        InstanceNoise(sigma=Schedule(-0.1, 0.0), final_sigma=0.0, steps=3)
