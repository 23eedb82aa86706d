"""From a checked job to models, optimizers and the compiled step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gan_cli.augmentations import Augmentation
from gan_cli.config.job_builder import TrainJob
from gan_cli.data import DataSpec
from gan_cli.data.pipeline import Batches
from gan_cli.devices import dtype_policy
from gan_cli.lazy import keras, tf
from gan_cli.losses import Loss
from gan_cli.models.discriminator import build_discriminator, with_features
from gan_cli.penalties import Penalty
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator
from gan_cli.training.compiled_loop import CompiledLoop
from gan_cli.training.ema import AverageDecay
from gan_cli.training.top_k import top_k_share
from gan_cli.training.training_state import TrainingState


def build_state(job: TrainJob, data: DataSpec) -> TrainingState:
    """Models with fresh weights, optimizers with empty slots, and scalars at their first value."""
    from gan_cli.training.training_layers import use_training_layers  # here, since it loads TensorFlow

    with dtype_policy(job.train.precision):
        generator = use_training_layers(job.model.generator(data))
        discriminator = use_training_layers(build_discriminator(job.model, data, job.loss, job.train.pack))
        averaged = job.model.generator(data)
    averaged.set_weights(generator.get_weights())
    state = TrainingState(
        generator=generator,
        discriminator=discriminator,
        averaged=averaged,
        generator_optimizer=with_loss_scale(job.optimizer.for_generator(), job.train.precision),
        discriminator_optimizer=with_loss_scale(job.optimizer.for_discriminator(), job.train.precision),
        scalars={part: scalars for part, one in stateful_parts(job).items() if (scalars := new_scalars(one))},
    )
    state.generator_optimizer.build(generator.trainable_variables)
    state.discriminator_optimizer.build(discriminator.trainable_variables)
    return state


def build_step(job: TrainJob, state: TrainingState) -> AdversarialStep:
    """The step over what `state` holds; gives `state` the running sums of what it measures.

    Raises:
        ConfigError: where a loss or a penalty names a layer that the discriminator does not have.
    """
    train, scalars = job.train, state.scalars
    augmented_discriminator = AugmentedDiscriminator(
        network=with_features(state.discriminator, feature_layers(job)),
        loss=job.loss,
        augmentations=job.augmentations,
        pack=train.pack,
        seed=job.seed,
        state={name: scalars.get(f"augment/{name}", {}) for name in job.augmentations},
    )
    top_k_steps = train.top_k_steps or train.steps
    step = AdversarialStep(
        generator=state.generator,
        discriminator=state.discriminator,
        generator_optimizer=state.generator_optimizer,
        discriminator_optimizer=state.discriminator_optimizer,
        augmented_discriminator=augmented_discriminator,
        penalties=job.penalties,
        draw_latents=latent_sampler(train.batch_size, job.model.latent_size, job.model.latent_distribution),
        learning_rates=lambda step: (job.optimizer.generator_rate(step), job.optimizer.discriminator_rate(step)),
        critic_steps=train.critic_steps,
        simultaneous=train.update == "simultaneous",
        seed=job.seed,
        state=scalars,
        top_share=(lambda step: top_k_share(step, train.top_k, top_k_steps)) if train.top_k < 1 else None,
    )
    state.metrics = list(step.intervals)
    state.sums = tf.Variable(np.zeros((2, len(state.metrics)), np.float32))
    return step


def build_compiled_loop(job: TrainJob, step: AdversarialStep, batches: Batches, state: TrainingState) -> CompiledLoop:
    """The compiled function that does any number of steps."""
    train = job.train
    decay = AverageDecay(train.batch_size, train.ema_half_life, train.ema_ramp)
    return CompiledLoop(step, batches, state, decay, train.xla)


def stateful_parts(job: TrainJob) -> dict[str, Loss | Penalty | Augmentation]:
    """Returns the loss, the penalties and the augmentations, by the name of their scalars in a checkpoint."""
    terms = {name: penalty for name, penalty in job.penalties.items() if isinstance(penalty, Penalty)}
    penalties = {f"penalty/{name}": penalty for name, penalty in terms.items()}
    augmentations = {f"augment/{name}": augmentation for name, augmentation in job.augmentations.items()}
    return {"loss": job.loss, **penalties, **augmentations}


def new_scalars(part: Loss | Penalty | Augmentation) -> dict[str, Any]:
    """Returns a part's scalars as float32 variables with their first values; most parts have none."""
    first = part.initial_state.items()
    return {name: tf.Variable(value, dtype=tf.float32, name=name, trainable=False) for name, value in first}


def feature_layers(job: TrainJob) -> dict[str, str]:
    """Returns each layer whose activations a loss or a penalty uses, with the configuration key that names it."""
    terms = {f"penalty.{name}": one for name, one in job.penalties.items() if isinstance(one, Penalty)}
    named = {"loss": job.loss.layer, **{key: one.layer for key, one in terms.items()}}
    return {layer: f"{key}.layer" for key, layer in named.items() if layer}


def latent_sampler(batch_size: int, latent_size: int, distribution: str) -> Callable[[Any], Any]:
    """A function from a stateless seed to float32 latents `[batch_size, latent_size]`."""
    shape = [batch_size, latent_size]
    if distribution == "uniform":
        return lambda seed: tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
    return lambda seed: tf.random.stateless_normal(shape, seed)


def with_loss_scale(optimizer: keras.Optimizer, precision: str) -> keras.Optimizer:
    """float16 has no room for small gradients, so the loss is scaled up, and the gradients down again."""
    return keras.optimizers.LossScaleOptimizer(optimizer) if precision == "mixed_float16" else optimizer
