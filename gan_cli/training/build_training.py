"""From a checked job to models, optimizers and the compiled step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gan_cli.augmentations import Augmentation
from gan_cli.config.job_builder import TrainJob
from gan_cli.config.run_length import schedules_of
from gan_cli.data import DataSpec, Examples, Progress
from gan_cli.data.example_vectors import ExampleVectors
from gan_cli.data.pipeline import Batches, open_batches
from gan_cli.devices import dtype_policy
from gan_cli.errors import ConfigError
from gan_cli.features import FeatureExtractor
from gan_cli.lazy import keras, tf
from gan_cli.losses import EMBEDDING, LOGITS, Loss
from gan_cli.models import build_generator
from gan_cli.models.condition import Targets
from gan_cli.models.discriminator import build_discriminator, with_features
from gan_cli.models.generator_parts import has_styles
from gan_cli.models.network_blocks import freeze_blocks
from gan_cli.penalties import Penalty, Regularizer
from gan_cli.penalties.auxiliary_loss import AuxiliaryLoss
from gan_cli.penalties.phase_penalty import PhasePenalty
from gan_cli.schedule import Schedule
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator
from gan_cli.training.call_state import layers_across_batch, layers_with_call_state
from gan_cli.training.compiled_loop import CompiledLoop
from gan_cli.training.ema import AverageDecay
from gan_cli.training.generator_phases import generator_update_ratio
from gan_cli.training.gradient_accumulation import AccumulatingStep
from gan_cli.training.gradients import without_loss_scale
from gan_cli.training.top_k import top_k_share
from gan_cli.training.trained_variables import split_variables
from gan_cli.training.training_state import TrainingState

OPTIMIZERS = ("generator_optimizer", "discriminator_optimizer")
"""Names of the optimizers in a training state."""


def build_state(job: TrainJob, data: DataSpec, extractor: FeatureExtractor | None = None) -> TrainingState:
    """Models with fresh weights, optimizers with empty slots, and scalars at their first value.

    `extractor` is needed for a loss of features (`FEATURES`).

    Raises:
        ConfigError: where more blocks are to be frozen than a network has.
    """
    from gan_cli.training.training_layers import use_training_layers  # here, since it loads TensorFlow

    condition = job.conditioning.condition(data)
    optimizer_of_generator = job.optimizer.with_update_ratio(generator_update_ratio(job.penalties))
    with dtype_policy(job.train.precision):
        generator = use_training_layers(build_generator(job.model, data, condition))
        discriminator = use_training_layers(
            build_discriminator(job.model, data, job.loss, job.train.pack, extractor, job.conditioning)
        )
        averaged = build_generator(job.model, data, condition)
    freeze_blocks("train.freeze_generator", generator, job.train.freeze_generator)
    freeze_blocks("train.freeze_discriminator", discriminator, job.train.freeze_discriminator)
    averaged.set_weights(generator.get_weights())
    state = TrainingState(
        generator=generator,
        discriminator=discriminator,
        averaged=averaged,
        condition=condition,
        noise_size=job.model.noise_size(data),
        generator_optimizer=with_loss_scale(optimizer_of_generator.for_generator(), job.train.precision),
        discriminator_optimizer=with_loss_scale(job.optimizer.for_discriminator(), job.train.precision),
        scalars={part: scalars for part, one in stateful_parts(job).items() if (scalars := new_scalars(one))},
    )
    for name in OPTIMIZERS:
        if scalars := optimizer_scalars(getattr(state, name)):
            state.scalars[name] = scalars
    variables = split_variables(generator, discriminator, job.conditioning)
    state.generator_optimizer.build(variables.generator)
    state.discriminator_optimizer.build(variables.discriminator)
    return state


def build_step(
    job: TrainJob, state: TrainingState, examples: Examples | None = None, progress: Progress | None = None
) -> AdversarialStep:
    """The step over what `state` holds; gives `state` the running sums of what it measures.

    `examples` are needed for a loss that uses all training examples; `progress` is called while it reads them.

    Raises:
        ConfigError: where a loss or a penalty names a layer that the discriminator does not have, or can't be computed
            with such networks or examples.
    """
    train, scalars = job.train, state.scalars
    check_finite_differences(job, state.discriminator)
    check_styles(job, state.generator)
    augmented_discriminator = AugmentedDiscriminator(
        network=with_features(state.discriminator, feature_layers(job)),
        loss=job.loss,
        augmentations=job.augmentations,
        pack=train.pack,
        seed=job.seed,
        state={name: scalars.get(f"augment/{name}", {}) for name in job.augmentations},
        conditioning=job.conditioning,
    )
    top_k_steps = train.top_k_steps or train.steps
    kind: Callable[..., AdversarialStep] = AdversarialStep
    if train.accumulate > 1:
        check_chunks(job, state)
        kind = partial(AccumulatingStep, chunks=train.accumulate)
    step = kind(
        generator=state.generator,
        discriminator=state.discriminator,
        generator_optimizer=state.generator_optimizer,
        discriminator_optimizer=state.discriminator_optimizer,
        augmented_discriminator=augmented_discriminator,
        penalties=all_penalties(job),
        draw_latents=latent_sampler(train.batch_size, job.model.latent_size, job.model.latent_distribution),
        learning_rates=lambda step: (job.optimizer.generator_rate(step), job.optimizer.discriminator_rate(step)),
        critic_steps=train.critic_steps,
        simultaneous=train.update == "simultaneous",
        seed=job.seed,
        state=scalars,
        top_share=(lambda step: top_k_share(step, train.top_k, top_k_steps)) if train.top_k < 1 else None,
        beta_2=job.optimizer.beta_2_schedule,
        schedules=named_schedules(job),
        constants=loss_constants(job, examples, progress),
        condition=state.condition,
        draw_targets=target_sampler(job),
        noise_size=state.noise_size,
    )
    state.metrics = list(step.intervals)
    state.sums = tf.Variable(np.zeros((2, len(state.metrics)), np.float32))
    return step


def loss_constants(job: TrainJob, examples: Examples | None, progress: Progress | None) -> dict[str, Any]:
    """Returns the arrays that the loss computes from all training examples, as tensors by name."""
    if not job.loss.uses_all_data:
        return {}
    if examples is None:
        raise ValueError("the loss compares with all training examples, which are not given")
    arrays = job.loss.constants(ExampleVectors(examples, job.dataset.flip, progress))
    return {name: tf.constant(array) for name, array in arrays.items()}


def check_chunks(job: TrainJob, state: TrainingState) -> None:
    """Raises ConfigError where a network does not compute each chunk of a batch by the same function."""
    networks = [("generator", state.generator)]
    networks += [("discriminator", state.discriminator)] if job.loss.trains_discriminator else []
    for name, network in networks:
        layers = layers_with_call_state(network)
        if layers:
            problem = f"the {name}'s layer {layers[0]} changes from call to call, so parts of a batch do not add up"
            advice = f"Use model.{name}_normalization=none or layer, no dropout, or train.accumulate=1."
            raise ConfigError("train.accumulate", problem, job.train.accumulate, advice)
        layers = layers_across_batch(network)
        if layers:
            problem = f"the {name}'s layer {layers[0]} compares the examples of a batch, so parts of it do not add up"
            advice = "Use model.minibatch_std_group=0 or train.accumulate=1."
            raise ConfigError("train.accumulate", problem, job.train.accumulate, advice)


def check_finite_differences(job: TrainJob, discriminator: keras.Model) -> None:
    """Raises ConfigError where a penalty compares two calls of a discriminator that changes from call to call."""
    names = [name for name, one in job.penalties.items() if isinstance(one, Penalty) and one.is_finite_difference]
    layers = layers_with_call_state(discriminator)
    if names and layers:
        problem = f"compares two outputs of the discriminator, whose layer {layers[0]} changes from call to call"
        advice = "Use method=exact, or a discriminator without dropout, batch and spectral normalization."
        raise ConfigError(f"penalty.{names[0]}.method", problem, "finite_difference", advice)


def check_styles(job: TrainJob, generator: keras.Model) -> None:
    """Raises ConfigError where a penalty needs the styles of a generator that has no layers of these names."""
    names = [name for name, one in job.penalties.items() if isinstance(one, PhasePenalty) and one.needs_styles]
    if names and not has_styles(generator):
        problem = "needs a generator with the layers mapping and synthesis, which this one does not have"
        raise ConfigError("penalty", problem, names[0], "Name them so (gan_cli.models.ModelPair), or leave it out.")


def open_training_batches(job: TrainJob, examples: Examples) -> Batches:
    """The batches of real examples that the step gets: as many examples as the loss asks for."""
    train = job.train
    count = job.loss.real_examples or train.batch_size
    dataset = job.dataset
    return open_batches(examples, count, train.critic_steps, job.seed, dataset.flip, dataset.balance)


def build_compiled_loop(job: TrainJob, step: AdversarialStep, batches: Batches, state: TrainingState) -> CompiledLoop:
    """The compiled function that does any number of steps."""
    train = job.train
    decay = AverageDecay(train.batch_size, train.ema_half_life, train.warm_up_share)
    return CompiledLoop(step, batches, state, decay, train.xla)


def named_schedules(job: TrainJob) -> dict[str, Schedule]:
    """Returns the schedules by the name of a metric, but for strengths of augmentations, which are metrics anyway."""
    named: dict[str, Any] = {"beta_2": job.optimizer.beta_2_schedule, "ema_half_life": job.train.ema_half_life}
    named |= {f"weight_{name}": one.weight for name, one in job.penalties.items() if isinstance(one, Regularizer)}
    for name, augmentation in job.augmentations.items():
        named |= {f"{key}_{name}": one for key, one in schedules_of(augmentation) if key == "target"}
    return {name: number for name, number in named.items() if isinstance(number, Schedule)}


def optimizer_scalars(optimizer: keras.Optimizer) -> dict[str, Any]:
    """Returns the variables of an optimizer's state that are not among those of Keras, by name."""
    from gan_cli.optimizers.fused_adam import FusedAdam  # here, since it loads TensorFlow

    inner = without_loss_scale(optimizer)
    has_schedule = isinstance(inner, FusedAdam) and inner.beta_2_product is not None
    return {"beta_2_product": inner.beta_2_product} if has_schedule else {}


def stateful_parts(job: TrainJob) -> dict[str, Loss | Regularizer | Augmentation]:
    """Returns the loss, the penalties and the augmentations, by the name of their scalars in a checkpoint."""
    terms = {name: penalty for name, penalty in job.penalties.items() if isinstance(penalty, Regularizer)}
    penalties = {f"penalty/{name}": penalty for name, penalty in terms.items()}
    augmentations = {f"augment/{name}": augmentation for name, augmentation in job.augmentations.items()}
    return {"loss": job.loss, **penalties, **augmentations}


def new_scalars(part: Loss | Regularizer | Augmentation) -> dict[str, Any]:
    """Returns a part's scalars as float32 variables with their first values; most parts have none."""
    first = part.initial_state.items()
    return {name: tf.Variable(value, dtype=tf.float32, name=name, trainable=False) for name, value in first}


def all_penalties(job: TrainJob) -> dict[str, Any]:
    """Returns the penalties of the configuration, and the model's own terms where its discriminator discriminates."""
    own = job.model.auxiliary_losses() if job.loss.output in (LOGITS, EMBEDDING) else {}
    return {**job.penalties, **{layer: AuxiliaryLoss(layer, weight) for layer, weight in own.items()}}


def feature_layers(job: TrainJob) -> dict[str, str]:
    """Returns each layer whose activations a loss or a penalty uses, with the configuration key that names it."""
    terms = {f"penalty.{name}": one for name, one in all_penalties(job).items() if isinstance(one, Penalty)}
    of_loss = job.loss.layer if job.loss.trains_discriminator else None
    named = {"loss": of_loss, **{key: one.layer for key, one in terms.items()}}
    return {layer: f"{key}.layer" for key, layer in named.items() if layer}


def latent_sampler(batch_size: int, latent_size: int, distribution: str) -> Callable[[Any], Any]:
    """A function from a stateless seed to float32 latents `[batch_size, latent_size]`."""
    shape = [batch_size, latent_size]
    if distribution == "uniform":
        return lambda seed: tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
    return lambda seed: tf.random.stateless_normal(shape, seed)


def target_sampler(job: TrainJob) -> Callable[[Any], Targets] | None:
    """A function from a stateless seed to the codes of a batch; None where generated examples get the data's labels."""
    conditioning, count = job.conditioning, job.train.batch_size
    return (lambda seed: conditioning.draw_targets(seed, count)) if conditioning.draws_targets else None


def with_loss_scale(optimizer: keras.Optimizer, precision: str) -> keras.Optimizer:
    """float16 has no room for small gradients, so the loss is scaled up, and the gradients down again."""
    return keras.optimizers.LossScaleOptimizer(optimizer) if precision == "mixed_float16" else optimizer
