"""Optimizers: the schedule by hand, one step of each by hand, and nothing shared between the two networks."""

from __future__ import annotations

import math
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.errors import ConfigError
from gan_cli.optimizers.adam import Adam
from gan_cli.optimizers.adamw import AdamW
from gan_cli.optimizers.learning_rate_schedule import rate_at
from gan_cli.optimizers.rmsprop import RMSprop
from gan_cli.optimizers.sgd import SGD

EVERY = [Adam, AdamW, RMSprop, SGD]


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ("constant", 0, 0.25),  # warming up: (0 + 1) / 4
        ("constant", 2, 0.75),
        ("constant", 4, 1.0),
        ("constant", 1000, 1.0),
        ("linear", 0, 0.25),
        ("linear", 4, 1.0),
        ("linear", 9, 0.55),  # halfway from 1 to .1
        ("linear", 14, 0.1),
        ("linear", 1000, 0.1),
        ("cosine", 4, 1.0),
        ("cosine", 9, 0.55),
        ("cosine", 6, 0.1 + 0.9 * 0.5 * (1 + math.cos(0.2 * math.pi))),
        ("cosine", 14, 0.1),
        ("cosine", 1000, 0.1),
    ],
)
def test_the_schedule_by_hand(schedule, step, expected):
    rate = rate_at(step, schedule, warmup_steps=4, decay_steps=14, final_fraction=0.1)
    assert rate.dtype == tf.float32
    assert float(rate) == pytest.approx(expected, abs=1e-6)


def test_without_a_warm_up_the_first_step_has_the_full_rate_and_the_last_of_the_run_nearly_none():
    assert float(rate_at(0, "linear", 0, 100, 0.0)) == 1.0
    assert float(rate_at(99, "linear", 0, 100, 0.0)) == pytest.approx(0.01)


def test_the_schedule_compiles_with_a_step_that_is_a_tensor():
    compiled = tf.function(lambda step: rate_at(step, "cosine", 4, 14, 0.1), jit_compile=True)
    assert float(compiled(tf.constant(9, tf.int64))) == pytest.approx(0.55, abs=1e-6)


def test_each_network_has_its_own_rate_and_both_follow_the_schedule():
    optimizer = SGD(
        generator_learning_rate=0.1, discriminator_learning_rate=0.4, schedule="linear", decay_steps=10
    )  # fmt: skip
    assert float(optimizer.generator_rate(5)) == pytest.approx(0.05)
    assert float(optimizer.discriminator_rate(5)) == pytest.approx(0.2)
    assert float(optimizer.for_generator().learning_rate) == pytest.approx(0.1)
    assert float(optimizer.for_discriminator().learning_rate) == pytest.approx(0.4)


# One update of a weight of 1 by a gradient of 2, at a learning rate of .1.
@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (SGD(generator_learning_rate=0.1), 1 - 0.1 * 2),
        # the corrected means are 2 and 4: 2 / (√4 + 1)
        (Adam(generator_learning_rate=0.1, epsilon=1.0, beta_1=0.0, beta_2=0.0), 1 - 0.1 * 2 / (2 + 1)),
        (Adam(generator_learning_rate=0.1), 1 - 0.1),
        # decays by .1 * .5 of itself, then .1 as Adam
        (AdamW(generator_learning_rate=0.1, weight_decay=0.5), 1 - 0.05 - 0.1),
        # the mean square is .01 * 4
        (RMSprop(generator_learning_rate=0.1, rho=0.99), 1 - 0.1 * 2 / 0.2),
        # a norm of 2 is cut to .5
        (SGD(generator_learning_rate=0.1, clip_norm=0.5), 1 - 0.1 * 0.5),
    ],
    ids=["sgd", "adam-epsilon", "adam", "adamw", "rmsprop", "clipped"],
)
def test_one_update_by_hand(optimizer, expected):
    weight = keras.Variable(1.0)
    optimizer.for_generator().apply([tf.constant(2.0)], [weight])
    assert float(weight.value) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("optimizer", "create"),
    [
        (Adam(beta_1=0.9), keras.optimizers.Adam),
        (AdamW(beta_1=0.9), partial(keras.optimizers.AdamW, weight_decay=0.01)),
    ],
)
def test_adam_makes_the_updates_of_keras(optimizer, create, dtype):
    first = np.linspace(-1, 1, 12).reshape(3, 4)
    ours, theirs = keras.Variable(first, dtype=dtype), keras.Variable(first, dtype=dtype)
    created, reference = optimizer.for_generator(), create(2e-4, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    created.build([ours])
    reference.build([theirs])

    @tf.function(autograph=False)
    def update(gradient):
        created.apply([gradient], [ours])
        reference.apply([gradient], [theirs])

    for gradient in np.random.default_rng(0).normal(size=(20, *first.shape)):
        update(tf.constant(gradient, dtype))
    assert np.abs(ours.numpy() - first).max() > 1e-3
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)
    assert created.iterations.numpy() == 20


def test_the_second_update_shows_the_momentum():
    weight, optimizer = keras.Variable(0.0), SGD(generator_learning_rate=1.0, momentum=0.5).for_generator()
    for _ in range(2):
        optimizer.apply([tf.constant(1.0)], [weight])
    assert float(weight.value) == pytest.approx(-1.0 - 1.5)
    weight, optimizer = keras.Variable(0.0), Adam(generator_learning_rate=1.0, beta_1=0.5, beta_2=0.0).for_generator()
    for gradient in (1.0, 2.0):
        optimizer.apply([tf.constant(gradient)], [weight])
    # the mean is .5 * .5 + .5 * 2 = 1.25, corrected by .75; the root of the mean square is 2
    assert float(weight.value) == pytest.approx(-1.0 - 1.25 / 0.75 / 2.0, abs=1e-5)


@pytest.mark.parametrize("kind", EVERY)
def test_the_two_networks_share_no_variable(kind):
    generator, discriminator = kind().for_generator(), kind().for_discriminator()
    weight = keras.Variable(np.ones(2, np.float32))
    generator.build([weight])
    discriminator.build([weight])
    assert not {id(item) for item in generator.variables} & {id(item) for item in discriminator.variables}
    assert {generator.name, discriminator.name} == {"generator_optimizer", "discriminator_optimizer"}


@pytest.mark.parametrize("kind", EVERY)
def test_every_optimizer_can_limit_the_norm_of_all_gradients_together(kind):
    for optimizer in (kind(clip_norm=0.5).for_generator(), kind(clip_norm=0.5).for_discriminator()):
        assert optimizer.global_clipnorm == 0.5
    assert kind().for_generator().global_clipnorm is None


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"learning_rate": -1.0}, "learning_rate=-1.0"),
        ({"generator_learning_rate": -1.0}, "generator_learning_rate"),
        ({"discriminator_learning_rate": -1.0}, "discriminator_learning_rate"),
        ({"schedule": "cosin"}, "Did you mean cosine"),
        ({"final_fraction": 1.5}, "final_fraction=1.5"),
        ({"warmup_steps": -1}, "warmup_steps=-1"),
        ({"clip_norm": 0.0}, "clip_norm=0.0"),
        ({"schedule": "linear", "warmup_steps": 10, "decay_steps": 10}, "decay_steps=10"),
    ],
)
def test_a_number_outside_its_range_is_refused_by_its_key(kind, fields, message):
    with pytest.raises(ConfigError, match=message):
        kind(**fields)
