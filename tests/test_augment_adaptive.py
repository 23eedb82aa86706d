"""The strength that follows how far the discriminator overfits, and examples that are passed off as real by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan_cli.augmentations.adaptive_strength import FIRST, next_strength
from gan_cli.augmentations.apa import AdaptivePseudoAugmentation
from gan_cli.errors import ConfigError

TARGET, RAMP, INTERVAL = 0.6, 500_000, 4
"""As published."""
RISE = 64 * 4 / 500_000
"""By how much the strength changes at once, with batches of 64."""
APA = AdaptivePseudoAugmentation(TARGET, RAMP, INTERVAL)
SEED = tf.constant([3, 4], tf.int32)


def with_mean_sign(mean: float, size: int = 64) -> np.ndarray:
    """Margins of which so many are above 0, by far or hardly, that their mean sign is `mean`."""
    positive = round(size * (1 + mean) / 2)
    return np.where(np.arange(size) < positive, 0.01, -50.0).astype(np.float32)


def follow(means: list[float], strength: float = 0.0, target: float = TARGET, interval: int = INTERVAL) -> list[float]:
    """The strength after each of these updates."""
    state: dict[str, Any] = {name: tf.constant(value) for name, value in FIRST.items()}
    state["strength"] = tf.constant(strength)
    strengths = []
    for mean in means:
        state = next_strength(with_mean_sign(mean), 64, state, target, RAMP, interval)
        strengths.append(float(state["strength"]))
    return strengths


def test_the_strength_moves_once_an_interval_and_by_as_much_as_published():
    found = follow([1.0] * 9)
    np.testing.assert_allclose(found, [0.0] * 3 + [RISE] * 4 + [2 * RISE] * 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("means", "change"),
    [
        ([1.0, 1.0, 0.0, 0.5], RISE),  # 0.625 on average; the last one alone would be below 0.6
        ([0.0, 0.5, 0.75, 1.0], -RISE),  # 0.5625 on average; the last one alone would be above
        ([-1.0] * 4, -RISE),
    ],
)
def test_it_goes_up_where_the_mean_sign_of_the_interval_is_above_the_target_and_down_below(means, change):
    assert follow(means, strength=0.5)[-1] == pytest.approx(0.5 + change, abs=1e-7)


def test_on_its_target_it_stands_still():
    assert follow([0.25, 0.75, 0.5, 0.5], strength=0.5, target=0.5)[-1] == 0.5


def test_what_was_said_in_one_interval_does_not_count_in_the_next():
    assert follow([1.0] * 4 + [0.25] * 4, strength=0.5)[-1] == pytest.approx(0.5, abs=1e-7)  # up, then down


def test_a_margin_of_0_is_neither_above_nor_below():
    margins = np.array([0.0, 0.0, 0.0, 1.0], np.float32)  # mean sign 0.25
    up = next_strength(margins, 4, dict(FIRST), 0.2, 40, 1)
    down = next_strength(margins, 4, {**FIRST, "strength": 0.5}, 0.3, 40, 1)
    assert (float(up["strength"]), float(down["strength"])) == pytest.approx((0.1, 0.4))


def test_it_stays_between_0_and_1():
    assert follow([-1.0] * 4, strength=0.0)[-1] == 0.0
    state = {**FIRST, "strength": 0.95}
    for expected in (1.0, 1.0):
        state = next_strength(np.ones(10, np.float32), 10, state, TARGET, 100, 1)
        assert float(state["strength"]) == pytest.approx(expected)


def test_from_0_to_1_takes_as_many_examples_as_it_was_given():
    state: Any = dict(FIRST)
    for _ in range(1000 // 20):
        assert float(state["strength"]) < 1.0
        state = next_strength(np.ones(20, np.float32), 20, state, TARGET, 1000, 5)
    assert float(state["strength"]) == pytest.approx(1.0)


def test_compiled_it_is_the_same():
    def three(margins: Any) -> Any:
        state: Any = {name: tf.constant(value) for name, value in FIRST.items()}
        for _ in range(3):
            state = next_strength(margins, tf.size(margins), state, TARGET, RAMP, 2)
        return state

    margins = tf.constant(with_mean_sign(0.75))
    compiled, eager = tf.function(three, jit_compile=True, autograph=False)(margins), three(margins)
    assert {name: float(value) for name, value in compiled.items()} == pytest.approx(
        {"strength": 64 * 2 / RAMP, "signs": 0.75, "count": 1.0}
    )
    assert {name: float(value) for name, value in eager.items()} == pytest.approx(
        {"strength": 64 * 2 / RAMP, "signs": 0.75, "count": 1.0}
    )


def test_a_strength_that_was_read_stands_still_while_the_state_changes():
    state = {name: tf.Variable(value) for name, value in FIRST.items()}

    @tf.function(autograph=False)
    def read_and_go_on() -> tuple[Any, Any]:
        before = APA.strength(0, state)
        state["strength"].assign(0.5)
        return before, APA.strength(0, state)

    assert [float(value) for value in read_and_go_on()] == [0.0, 0.5]


@pytest.mark.parametrize("shape", [(2,), (6, 4, 3)], ids=["points", "images"])
def test_so_many_generated_examples_stand_for_real_ones_as_the_probability_says(shape):
    real, fake = tf.zeros((4000, *shape)), tf.ones((4000, *shape))
    mixed = APA.replace_real(real, fake, tf.constant(0.3), SEED).numpy().reshape(4000, -1)
    assert np.ptp(mixed, axis=1).max() == 0.0  # whole examples
    assert mixed[:, 0].mean() == pytest.approx(0.3, abs=0.03)  # 4 standard deviations
    assert set(np.unique(mixed)) == {0.0, 1.0}


def test_where_nothing_is_passed_off_real_examples_stay_and_where_all_are_none_does():
    real, fake = tf.random.stateless_normal((8, 3), SEED), tf.random.stateless_normal((8, 3), SEED + 1)
    np.testing.assert_array_equal(APA.replace_real(real, fake, tf.constant(0.0), SEED), real)
    every = APA.replace_real(real, fake, tf.constant(1.0), SEED).numpy()
    np.testing.assert_array_equal(np.sort(every, axis=0), np.sort(fake.numpy(), axis=0))


def test_no_example_stands_opposite_itself():
    fake = tf.random.stateless_normal((8, 3), SEED)
    mixed = APA.replace_real(tf.zeros((8, 3)), fake, tf.constant(1.0), SEED)
    assert (np.abs(mixed - fake).max(axis=1) > 0).all()


def test_passing_off_leaves_what_the_discriminator_sees_otherwise_alone():
    examples = tf.random.stateless_normal((8, 3), SEED)
    np.testing.assert_array_equal(APA(examples, tf.constant(0.9), SEED), examples)


@pytest.mark.parametrize(
    ("build", "key"),
    [
        (lambda: AdaptivePseudoAugmentation(1.0, RAMP, INTERVAL), "target=1.0"),
        (lambda: AdaptivePseudoAugmentation(TARGET, 0, INTERVAL), "ramp_images=0"),
        (lambda: AdaptivePseudoAugmentation(TARGET, RAMP, 0), "interval=0"),
    ],
)
def test_a_number_outside_its_range_is_refused_by_its_key(build, key):
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        build()
