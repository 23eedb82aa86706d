"""Packing: a discriminator that judges several examples at once, beside each other in the last axis."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow as tf
from by_hand import FAKE, LATENT, RATE, REAL, do, line, make_step, weights

from gan_cli.augmentations import Augmentation
from gan_cli.data import DataSpec
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.models.discriminator import pack_examples, packed_spec, unpack_examples
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.r1 import R1
from gan_cli.penalties.r2 import R2
from gan_cli.training.augmented_discriminator import Role

W, D = np.array([0.5, -1.0]), np.array([0.3, 0.2, -0.4, 0.1])


@pytest.mark.parametrize("pack", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2,), (3, 4, 1), (4, 3, 3)])
def test_packing_is_undone_by_unpacking_and_has_the_shape_that_a_discriminator_is_built_for(
    pack: int, shape: tuple[int, ...]
) -> None:
    examples = np.random.default_rng(0).normal(size=(6, *shape)).astype(np.float32)
    packed = pack_examples(tf.constant(examples), pack)
    assert packed.shape == (6 // pack, *packed_spec(DataSpec(shape, 100), pack).shape)
    np.testing.assert_array_equal(unpack_examples(packed, pack), examples)


def test_neighbours_in_the_batch_come_beside_each_other() -> None:
    points = tf.constant([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0], [30.0, 31.0]])
    np.testing.assert_array_equal(pack_examples(points, 2), [[0, 1, 10, 11], [20, 21, 30, 31]])
    images = np.arange(4 * 2 * 2 * 3, dtype=np.float32).reshape(4, 2, 2, 3)
    packed = pack_examples(tf.constant(images), 2).numpy()
    np.testing.assert_array_equal(packed[1, ..., :3], images[2])  # whole images, each with its channels in order
    np.testing.assert_array_equal(packed[1, ..., 3:], images[3])


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_packed_discriminator_scores_both_examples_and_both_teach_the_generator(simultaneous: bool) -> None:
    network = line(4, 1, D[:, None].tolist())
    step = make_step(
        WassersteinLoss(), {"r1": R1(weight=0.5)}, discriminator=network, pack=2, simultaneous=simultaneous
    )  # fmt: skip
    metrics = do(step)
    real, fake = REAL.ravel(), FAKE.ravel()  # one pack of two
    new = D + RATE * (real - fake - 0.5 * D)
    np.testing.assert_allclose(weights(step)[1], new, rtol=1e-5)
    assert metrics["real_logits"] == pytest.approx(real @ D, rel=1e-5)
    assert metrics["penalty_r1"] == pytest.approx(0.5 * D @ D, rel=1e-5)  # the slope for a pack
    seen = D if simultaneous else new
    slope = LATENT[0] * seen[:2] + LATENT[1] * seen[2:]  # the first and the second of the pack
    np.testing.assert_allclose(weights(step)[0], W + RATE * slope, rtol=1e-5)


class Marks(Augmentation):
    """Multiplies each example by another number: by its place in the batch, from 1."""

    def __call__(self, examples: tf.Tensor, strength: float, seed: tf.Tensor) -> tf.Tensor:
        assert examples.shape == (2, 2), "an augmentation sees single examples"
        return examples * tf.constant([[1.0], [2.0]])


def test_each_example_of_a_pack_is_augmented_by_itself() -> None:
    step = make_step(WassersteinLoss(), {}, {"marks": Marks()}, discriminator=line(4, 1, D[:, None].tolist()), pack=2)
    context = step.augmented_discriminator.context(tf.constant(0, tf.int64), 0)
    real, fake = context.prepare(tf.constant(REAL), tf.constant(FAKE))
    assert real.shape == fake.shape == (1, 4)
    np.testing.assert_allclose(
        context.forward(real, Role.REAL).logits, [REAL[0] @ D[:2] + 2.0 * REAL[1] @ D[2:]], rtol=1e-6
    )


def test_penalties_get_packs() -> None:
    metrics = do(make_step(WassersteinLoss(), {"r2": R2(weight=0.0)}, {"marks": Marks()},
                           discriminator=line(4, 1, D[:, None].tolist()), pack=2))  # fmt: skip
    assert metrics["penalty_r2"] == pytest.approx(0.5 * (D[:2] @ D[:2] + 4.0 * D[2:] @ D[2:]), rel=1e-5)


@dataclass(frozen=True)
class Near(Penalty):
    """How far neighbours lie from the examples, and that they come in packs as well."""

    weight: float = 1.0
    every: int = 1
    perturbation_std: float = 0.1

    def __call__(self, batch: Batch) -> Any:
        assert batch.perturbed.shape == batch.fake.shape == batch.real.shape == (1, 4)
        return tf.reduce_max(tf.abs(batch.perturbed - batch.fake))


class Seen(Augmentation):
    """Counts real examples."""

    learns: ClassVar[bool] = True
    initial_state: ClassVar[Any] = MappingProxyType({"images": 0.0})

    def next_state(self, margins: Any, images: int, state: Any, step: Any) -> dict[str, Any]:
        return {"images": state["images"] + tf.cast(images, tf.float32)}


@pytest.mark.parametrize("on_generator", [False, True])
def test_neighbours_come_in_packs_and_images_are_counted_one_by_one(on_generator: bool) -> None:
    near = type("NearOnOne", (Near,), {"on_generator": on_generator})()
    step = make_step(WassersteinLoss(), {"near": near}, {"seen": Seen()}, discriminator=line(4, 1, D[:, None].tolist()),
                     pack=2)  # fmt: skip
    assert 0.0 < do(step)["penalty_near"] < 0.5
    assert float(step.augmented_discriminator.state["seen"]["images"]) == 2.0
