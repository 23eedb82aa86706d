"""Top-k training: only the best of a batch teach the generator. The numbers are by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from by_hand import FAKE, RATE, do, make_step, weights

from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.losses.rpgan import RelativisticPairingLoss
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.training.top_k import top_k_logits, top_k_share

W, D = np.array([0.5, -1.0]), np.array([0.3, 0.2])


def slopes(logits: list[float], share: float, function: Any = tf.square) -> np.ndarray:
    """The gradient of a mean over what `top_k_logits` gives."""
    values = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(values)
        mean = tf.reduce_mean(function(top_k_logits(values, tf.constant(share))))
    assert float(mean) == pytest.approx(np.mean(function(tf.constant(logits)).numpy()), rel=1e-6)
    return tape.gradient(mean, values).numpy()


@pytest.mark.parametrize(
    ("share", "best"),
    [(1.0, [0, 1, 2, 3]), (0.76, [0, 1, 2, 3]), (0.75, [0, 2, 3]), (0.5, [0, 3]), (0.26, [0, 3]), (0.25, [3]),
     (0.01, [3])],
)  # fmt: skip
def test_a_mean_has_the_gradient_of_the_mean_over_the_best(share: float, best: list[int]) -> None:
    logits = [2.0, -1.5, 0.5, 3.0]
    expected = np.zeros(4)
    expected[best] = 2.0 * np.array(logits)[best] / len(best)  # of the mean of squares over these alone
    np.testing.assert_allclose(slopes(logits, share), expected, rtol=1e-6)


def test_equal_logits_count_in_their_order() -> None:
    np.testing.assert_allclose(slopes([1.0, 1.0, 1.0, 1.0], 0.5, tf.identity), [0.5, 0.5, 0.0, 0.0])
    np.testing.assert_allclose(slopes([0.0, 1.0, 0.0, 1.0], 0.75, tf.identity), [1 / 3, 1 / 3, 0.0, 1 / 3])


@pytest.mark.parametrize("size", [8, 12, 20, 64, 100])
def test_a_share_that_is_a_whole_number_of_examples_is_not_rounded_up(size: int) -> None:
    for kept in range(1, size + 1):
        found = slopes(np.arange(size, dtype=np.float32).tolist(), kept / size, tf.identity)
        assert np.count_nonzero(found) == kept


def test_the_share_shrinks_by_a_constant_factor_to_its_last_value_and_stays() -> None:
    shares = [float(top_k_share(tf.constant(step, tf.int64), 0.25, 10)) for step in (0, 1, 5, 9, 10, 1000)]
    np.testing.assert_allclose(shares, [1.0, 0.25**0.1, 0.5, 0.25**0.9, 0.25, 0.25], rtol=1e-6)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_the_generator_learns_from_the_best_and_the_discriminator_from_all(simultaneous: bool) -> None:
    half = make_step(WassersteinLoss(), top_share=lambda step: tf.constant(0.5), rates=(RATE, 0.0),
                     simultaneous=simultaneous)  # fmt: skip
    metrics = do(half)
    assert FAKE[1] @ D > FAKE[0] @ D  # of latents 2 and 1, the second makes the better example
    np.testing.assert_allclose(weights(half)[0], W + RATE * 1.0 * D, rtol=1e-5)
    assert metrics["generator_loss"] == pytest.approx(-(FAKE.mean(0) @ D), rel=1e-5)  # what is logged is the mean
    assert metrics["generator_gradient_norm"] == pytest.approx(np.linalg.norm(D), rel=1e-5)
    every, some = (
        make_step(NonSaturatingLoss(), top_share=share, rates=(0.0, RATE), simultaneous=simultaneous)
        for share in (None, lambda step: tf.constant(0.5))
    )
    do(every), do(some)
    np.testing.assert_array_equal(weights(every)[1], weights(some)[1])


def test_a_relativistic_loss_keeps_the_pairs_of_the_best() -> None:
    step = make_step(RelativisticPairingLoss(), top_share=lambda step: tf.constant(0.5), rates=(RATE, 0.0))
    do(step)
    (real, fake), latent = np.array([[3.0, -1.0], FAKE[1]]) @ D, 1.0  # the second pair
    slope = 1.0 / (1.0 + np.exp(fake - real))
    np.testing.assert_allclose(weights(step)[0], W + RATE * slope * latent * D, rtol=1e-5)


@pytest.mark.parametrize(("number", "latent"), [(0, 1.5), (3, 1.5), (4, 1.0), (90, 1.0)])
def test_the_share_follows_the_steps(number: int, latent: float) -> None:
    step = make_step(WassersteinLoss(), top_share=lambda at: top_k_share(at, 0.5, 4), rates=(RATE, 0.0))
    do(step, number)  # at step 3 the share is 0.59, of two examples still both
    np.testing.assert_allclose(weights(step)[0], W + RATE * latent * D, rtol=1e-5)
