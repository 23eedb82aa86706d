"""Consistency: what the transformation does to images and points, and what the discriminator is asked."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from by_hand import do, make_step

from gan_cli.augmentations.instance_noise import InstanceNoise
from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties import Batch
from gan_cli.penalties.consistency import ConsistencyPenalty, move_images, places

SEED = tf.constant([3, 4], tf.int32)


def moves_of(image: np.ndarray, rows: int, columns: int) -> dict[tuple[int, int, bool], bytes]:
    """Every shifted and mirrored version of an image, reflected at its border, by NumPy's own padding."""
    height, width = image.shape[:2]
    padded = np.pad(image, ((rows, rows), (columns, columns), (0, 0)), mode="reflect")
    found = {}
    for down in range(2 * rows + 1):
        for across in range(2 * columns + 1):
            part = padded[down : down + height, across : across + width]
            found[down, across, False], found[down, across, True] = part.tobytes(), part[:, ::-1].tobytes()
    return found


@pytest.mark.parametrize("shape", [(8, 8, 1), (4, 10, 3), (7, 5, 2)])
def test_an_image_comes_out_shifted_and_mirrored_in_every_way_equally_often(shape):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    rows, columns = round(0.2 * shape[0]), round(0.2 * shape[1])
    known = {content: name for name, content in moves_of(image, rows, columns).items()}
    count = 200 * len(known)
    moved = move_images(tf.constant(np.tile(image, (count, 1, 1, 1))), True, 0.2, SEED).numpy()
    times = Counter(known[one.tobytes()] for one in moved)
    assert len(times) == len(known)
    assert max(abs(number - 200) for number in times.values()) < 5 * np.sqrt(200)


def test_a_line_is_reflected_at_both_ends():
    found = {tuple(line) for line in places(50, 4, 1, SEED).numpy().tolist()}
    assert found == {(1, 0, 1, 2), (0, 1, 2, 3), (1, 2, 3, 2)}
    assert places(2, 1, 0, SEED).numpy().tolist() == [[0], [0]]


def test_without_shift_and_mirror_an_image_stays_as_it_is():
    images = np.random.default_rng(0).normal(size=(5, 6, 6, 1)).astype(np.float32)
    np.testing.assert_array_equal(move_images(tf.constant(images), False, 0.05, SEED), images)


def test_gradients_flow_back_to_the_pixels_that_were_kept():
    image = np.random.default_rng(0).normal(size=(4, 4, 1)).astype(np.float32)
    images, weights = tf.constant(image[None]), tf.constant(np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1))
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(weights * move_images(images, True, 0.25, SEED))
    slopes = tape.gradient(total, images)  # the transformation is linear, so this is its transpose
    assert float(tf.reduce_sum(slopes * images)) == pytest.approx(float(total), rel=1e-5)
    assert float(tf.reduce_sum(slopes)) == pytest.approx(120.0)  # each weight lands on one pixel


def test_noise_on_points_is_a_share_of_the_deviation_of_real_ones():
    real = np.tile([[1.0, 5.0], [5.0, 1.0]], (2000, 1)).astype(np.float32)  # deviation 2
    asked = []

    def discriminator(points: tf.Tensor) -> DiscriminatorOutput:
        asked.append(np.asarray(points))
        return DiscriminatorOutput(tf.constant(asked[-1][:, 0]))

    batch = Batch(discriminator, real, 100 * real, discriminator(real), discriminator(100 * real), seed=SEED)
    ConsistencyPenalty(noise=0.05, fake=True)(batch)
    for moved, original in ((asked[2], real), (asked[3], 100 * real)):
        assert (moved - original).mean() == pytest.approx(0.0, abs=0.01)
        assert (moved - original).std() == pytest.approx(0.1, rel=0.03)
    assert abs(np.corrcoef((asked[2] - real).ravel(), (asked[3] - 100 * real).ravel())[0, 1]) < 0.1


def corner(images: tf.Tensor) -> DiscriminatorOutput:
    return DiscriminatorOutput(images[:, 0, 0, 0])


HALVES = np.zeros((64, 2, 2, 1), np.float32)
HALVES[:, :, 0] = 3.0  # left 3, right 0: mirrored, the corner changes by 3
FLAT = np.ones_like(HALVES)


@pytest.mark.parametrize(("fake", "expected"), [(False, 1), (True, 2)])
def test_the_penalty_is_the_mean_squared_change_of_what_is_said(fake, expected):
    penalty = ConsistencyPenalty(fake=fake, shift=0.0)
    values = []
    for real, generated in ((HALVES, HALVES), (HALVES, FLAT), (FLAT, FLAT)):
        values.append(float(penalty(Batch(corner, real, generated, corner(real), corner(generated), seed=SEED))))
    shares = [value / 9 for value in values]  # of mirrored images, half of them
    assert shares[0] == pytest.approx(0.5 * expected, abs=0.2)
    assert shares[1] == pytest.approx(0.5, abs=0.15)
    assert (shares[1] * 64).is_integer()
    assert values[2] == 0.0


def test_what_was_said_already_is_not_asked_again_unless_it_was_of_augmented_examples():
    for augmented, passes in ((False, 2), (True, 4)):
        asked = []

        def discriminator(images: tf.Tensor, asked: list = asked) -> DiscriminatorOutput:
            asked.append(images)
            return corner(images)

        judged = DiscriminatorOutput(tf.fill([64], 100.0))
        batch = Batch(discriminator, HALVES, FLAT, judged, judged, seed=SEED, augmented=augmented)
        value = float(ConsistencyPenalty(fake=True, shift=0.0)(batch))
        assert len(asked) == passes
        assert (value < 10) == augmented


@pytest.mark.parametrize(("augmentations", "passes"), [({}, 4), ({"noise": InstanceNoise(0.1, 0.1, 1)}, 5)])
def test_the_step_says_whether_examples_are_augmented(augmentations, passes):
    step = make_step(WassersteinLoss(), {"consistency": ConsistencyPenalty()}, augmentations)
    do(step)
    assert step.discriminator.calls == passes  # real, fake, fake again for the generator, and what the penalty asks


def test_the_transformation_is_drawn_from_the_seed_alone():
    images = np.random.default_rng(0).normal(size=(16, 8, 8, 1)).astype(np.float32)
    penalty = ConsistencyPenalty()
    first, again, other = (penalty.transform(images, 1.0, seed).numpy() for seed in (SEED, SEED, SEED + 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize("key", ["weight=-1.0", "shift=0.6", "shift=-0.1", "noise=-0.01", "every=0"])
def test_a_number_outside_its_range_is_refused_by_its_key(key):
    name, value = key.split("=")
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        ConsistencyPenalty(**{name: float(value) if "." in value else int(value)})
