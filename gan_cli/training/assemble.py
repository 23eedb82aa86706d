"""From a checked job to models, optimizers and the compiled step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gan_cli.config.build import TrainJob
from gan_cli.data import DataSpec
from gan_cli.data.pipeline import Batches
from gan_cli.devices import dtype_policy
from gan_cli.lazy import keras, tf
from gan_cli.training.calls import GraphCalls
from gan_cli.training.state import TrainingState
from gan_cli.training.step import AdversarialStep


def build_state(job: TrainJob, data: DataSpec) -> TrainingState:
    """Models with fresh weights, optimizers with empty slots, and sums at zero."""
    from gan_cli.training.fused import fuse  # here, since it loads TensorFlow

    with dtype_policy(job.train.precision):
        generator = fuse(job.model.generator(data))
        discriminator = fuse(job.model.discriminator(data))
        averaged = job.model.generator(data)
    averaged.set_weights(generator.get_weights())
    state = TrainingState(
        generator=generator,
        discriminator=discriminator,
        averaged=averaged,
        generator_optimizer=with_loss_scale(job.optimizer.for_generator(), job.train.precision),
        discriminator_optimizer=with_loss_scale(job.optimizer.for_discriminator(), job.train.precision),
    )
    state.generator_optimizer.build(generator.trainable_variables)
    state.discriminator_optimizer.build(discriminator.trainable_variables)
    return state


def build_calls(job: TrainJob, data: DataSpec, batches: Batches, state: TrainingState) -> GraphCalls:
    """The step and its compiled function; gives `state` the running sums that it fills."""
    step = AdversarialStep(
        generator=state.generator,
        discriminator=state.discriminator,
        generator_optimizer=state.generator_optimizer,
        discriminator_optimizer=state.discriminator_optimizer,
        loss=job.loss,
        penalties=job.penalties,
        draw_latents=latent_sampler(job.train.batch_size, job.model.latent_size, job.model.latent_distribution),
        learning_rates=lambda step: (job.optimizer.generator_rate(step), job.optimizer.discriminator_rate(step)),
        critic_steps=job.train.critic_steps,
        simultaneous=job.train.update == "simultaneous",
        seed=job.seed,
    )
    state.metrics = list(step.intervals)
    state.sums = tf.Variable(np.zeros((2, len(state.metrics)), np.float32))
    train = job.train
    half_life, ramp = train.averaging_half_life, train.averaging_ramp
    return GraphCalls(step, batches, state, half_life, ramp, train.batch_size, train.xla)


def latent_sampler(batch_size: int, latent_size: int, distribution: str) -> Callable[[Any], Any]:
    """A function from a stateless seed to float32 latents `[batch_size, latent_size]`."""
    shape = [batch_size, latent_size]
    if distribution == "uniform":
        return lambda seed: tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
    return lambda seed: tf.random.stateless_normal(shape, seed)


def with_loss_scale(optimizer: keras.Optimizer, precision: str) -> keras.Optimizer:
    """float16 has no room for small gradients, so the loss is scaled up, and the gradients down again."""
    return keras.optimizers.LossScaleOptimizer(optimizer) if precision == "mixed_float16" else optimizer
