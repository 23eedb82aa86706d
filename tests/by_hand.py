"""A step on networks so small that every number can be computed by hand."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan_cli.penalties import Regularizer
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator
from gan_cli.training.build_training import new_scalars

RATE = 0.1
REAL = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
LATENT = np.array([[2.0], [1.0]], np.float32)


class Counted(keras.Sequential):
    """A model that counts how often it is called while a step is traced."""

    calls = 0

    def call(self, *args: Any, **more: Any) -> Any:
        self.calls += 1
        return super().call(*args, **more)


def line(inputs: int, outputs: int, weights: list[list[float]]) -> Counted:
    """A linear map without bias; the output of a single unit is squeezed."""
    layers = [keras.Input((inputs,)), keras.layers.Dense(outputs, use_bias=False)]
    model = Counted([*layers, keras.layers.Reshape(())] if outputs == 1 else layers)
    model.set_weights([np.array(weights, np.float32)])
    model.calls = 0
    return model


def make_step(
    loss: Any,
    penalties: dict[str, Any] | None = None,
    augmentations: dict[str, Any] | None = None,
    *,
    discriminator: Any = None,
    latent: np.ndarray = LATENT,
    rates: tuple[float, float] = (RATE, RATE),
    pack: int = 1,
    **more: Any,
) -> AdversarialStep:
    """A step on G(z) = z (0.5, -1) and, unless another is given, D(x) = 0.3 x + 0.2 y, by plain gradient descent."""
    penalties, augmentations = penalties or {}, augmentations or {}
    generator = line(1, 2, [[0.5, -1.0]])
    discriminator = discriminator or line(2, 1, [[0.3], [0.2]])
    optimizers = [keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE)]
    optimizers[0].build(generator.trainable_variables)
    optimizers[1].build(discriminator.trainable_variables)
    settings = {"critic_steps": 1, "simultaneous": False, "seed": 0, **more}
    state = {"loss": new_scalars(loss)}
    state |= {f"penalty/{name}": new_scalars(one) for name, one in penalties.items() if isinstance(one, Regularizer)}
    of_augmentations = {name: new_scalars(one) for name, one in augmentations.items()}
    augmented = AugmentedDiscriminator(discriminator, loss, augmentations, pack=pack, seed=0, state=of_augmentations)
    return AdversarialStep(
        generator, discriminator, *optimizers, augmented, penalties,
        draw_latents=lambda seed: tf.constant(latent),
        learning_rates=lambda step: (tf.constant(rates[0]), tf.constant(rates[1])),
        state=state,
        **settings,
    )  # fmt: skip


def do(step: AdversarialStep, number: int = 0, real: np.ndarray = REAL) -> dict[str, float]:
    """Step `number`, compiled, with the same real examples in each update of the discriminator."""
    metrics = compiled(step)(tf.constant(np.stack([real] * step.critic_steps)), tf.constant(number, tf.int64))
    return {name: float(value) for name, value in metrics.items()}


@lru_cache(maxsize=4)
def compiled(step: AdversarialStep) -> Any:
    """Returns the step as training compiles it, traced once for all calls."""
    return tf.function(step, autograph=False)


def weights(step: AdversarialStep) -> tuple[np.ndarray, np.ndarray]:
    return step.generator.get_weights()[0][0], step.discriminator.get_weights()[0][:, 0]


FAKE = LATENT * np.array([[0.5, -1.0]], np.float32)
PULL = REAL.mean(0) - FAKE.mean(0)
"""By what a Wasserstein critic's gradient ascends: E[x real] - E[x fake]."""
