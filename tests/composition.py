"""Training jobs so small that hundreds of them can take a step each, and what was found to go together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import yaml

from gan_cli.config.compatibility import check_data, check_parts
from gan_cli.config.compose import compose, config_directory
from gan_cli.config.job_builder import TrainJob, build_job
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models import ModelPair
from gan_cli.training.adversarial_step import AdversarialStep
from gan_cli.training.build_training import build_state, build_step, new_scalars, stateful_parts
from gan_cli.training.trained_variables import split_variables
from gan_cli.training.training_state import TrainingState

NEED_STYLES = ("path_length",)
"""Penalties that generators without styles are refused with; `test_penalty_path_length` has a generator with styles."""
BATCH = 8
CLASSES = 3
LABELS = np.arange(BATCH, dtype=np.int32) % CLASSES
"""The class of each real example."""
NUMBER = 4800
"""The step that is taken: one at which penalties that begin late have begun and lazy ones are due."""


def choices_of(group: str) -> list[str]:
    """The choices that are parts by themselves."""
    names = {path.stem for path in (config_directory() / group).glob("[!_]*.yaml")}
    return sorted(names - {"none", "auto"})


@cache
def job_of(*words: str) -> TrainJob:
    """The job that these words describe; composing takes longer than a step."""
    composition = compose("train", [f"train.batch_size={BATCH}", "train.steps=100000", "logger=[]", *words])
    return build_job(composition.config)


@cache
def model_for(shape: tuple[int, ...]) -> ModelPair:
    """Small networks: perceptrons for points and for the smallest images, convolutions for others."""
    if len(shape) == 1 or max(shape) == 8:
        return job_of("model=mlp", "model.width=8", f"model.depth={2 if len(shape) == 1 else 1}").model
    return job_of("model=dcgan", "model.width=4").model


FEWER_KERNELS = {loss: ["loss.alphas=[0.5,2]"] for loss in ("mmd", "mmd_pixels")}
"""For losses that are a sum of kernels, where nothing is asked about these: each takes as long as another loss."""


def job_with_loss(loss: str, shape: tuple[int, ...], *words: str) -> TrainJob:
    """A loss without the penalties that it brings, with small networks and one critic step."""
    job = job_of(f"loss={loss}", *words)
    return replace(job, model=model_for(shape), penalties={}, train=replace(job.train, critic_steps=1))


def job_with_conditioning(conditioning: str, loss: str, shape: tuple[int, ...]) -> TrainJob:
    """A conditioning with a loss, as `job_with_loss`."""
    return replace(job_with_loss(loss, shape), conditioning=job_of(f"conditioning={conditioning}").conditioning)


def parts_named(group: str, choice: str) -> dict[str, Any]:
    """What a choice of `penalty` or `augment` adds to a job, by name; all choices are composed at once."""
    job = job_of("loss=non_saturating", f"{group}=[{','.join(choices_of(group))}]")
    parts = job.penalties if group == "penalty" else job.augmentations
    return {name: parts[name] for name in names_in_file(group, choice)}


def names_in_file(group: str, choice: str) -> list[str]:
    """The names of the parts that the file of a choice of `penalty` or `augment` has."""
    content = yaml.safe_load((config_directory() / group / f"{choice}.yaml").read_text(encoding="utf-8"))
    return [name for name in (*content, *content.get("defaults", [])) if name not in ("defaults", "_self_")]


def with_part(job: TrainJob, group: str, choice: str) -> TrainJob:
    """A job with a choice of `penalty` or `augment` besides what it has."""
    if group == "penalty":
        return replace(job, penalties=job.penalties | parts_named(group, choice))
    return replace(job, augmentations=job.augmentations | parts_named(group, choice))


def data_of(shape: tuple[int, ...]) -> DataSpec:
    return DataSpec(shape, examples=100, classes=CLASSES)


def refusal_of(job: TrainJob, data: DataSpec) -> ConfigError | None:
    """What is said against a job before anything is built."""
    try:
        check_parts(job)
        check_data(job, data)
    except ConfigError as error:
        return error
    return None


@cache
def real_examples(shape: tuple[int, ...], updates: int) -> tf.Tensor:
    """float32 `[updates, BATCH, *shape]` in [-1, 1], smooth in space as pictures are, each unlike the others."""
    generator = np.random.default_rng(7)
    amounts = generator.normal(0.0, 1.0, (4, updates, BATCH, *[1] * (len(shape) - 1), shape[-1]))
    places = np.linspace(-1.0, 1.0, int(np.prod(shape[:-1], dtype=int))).reshape(*shape[:-1], 1)
    values = sum(amount * np.cos((1 + number) * places) for number, amount in enumerate(amounts))
    return tf.constant(np.tanh(values), tf.float32)


class Remembering(keras.optimizers.SGD):
    """Plain gradient descent that remembers the gradients it was given, where it is not compiled."""

    def __init__(self) -> None:
        super().__init__(learning_rate=0.01)
        self.given: list[list[np.ndarray | None]] = []

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        if tf.executing_eagerly():
            self.given.append([None if gradient is None else np.array(gradient) for gradient in grads])
        super().apply(grads, trainable_variables)


@dataclass
class Networks:
    """Networks for one loss, which one job after another begins with as they were at first.

    `learned` is for what they learn without some part, to compare with.
    """

    state: TrainingState
    learned: np.ndarray | None = None
    first: list[list[np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first = self.first or [self.state.generator.get_weights(), self.state.discriminator.get_weights()]

    def step_of(self, job: TrainJob) -> tuple[TrainingState, AdversarialStep]:
        """A job's state, anew, and its step."""
        for model, weights in zip((self.state.generator, self.state.discriminator), self.first, strict=True):
            model.set_weights(weights)
        optimizers = Remembering(), Remembering()
        variables = split_variables(self.state.generator, self.state.discriminator, job.conditioning)
        optimizers[0].build(variables.generator)
        optimizers[1].build(variables.discriminator)
        state = replace(
            self.state,
            generator_optimizer=optimizers[0],
            discriminator_optimizer=optimizers[1],
            scalars={part: scalars for part, one in stateful_parts(job).items() if (scalars := new_scalars(one))},
        )
        for scalars in state.scalars.values():
            if "strength" in scalars:  # of augmentations that would do nothing before they have learned to
                scalars["strength"].assign(0.5)
        return state, build_step(job, state)


BUILT: dict[str, Networks] = {}
"""Networks by what they are built from; to build them takes longer than a step."""


def networks_of(job: TrainJob, shape: tuple[int, ...]) -> Networks:
    """Networks for a job, with the same first weights each time; jobs that are built alike share the layers."""
    of_loss = (job.loss.output, job.loss.embedding_size)
    key = repr((shape, job.model, job.conditioning, of_loss, job.train.pack, job.train.precision))
    if key not in BUILT:
        keras.utils.set_random_seed(3)
        BUILT[key] = Networks(build_state(job, data_of(shape)))
    return replace(BUILT[key], first=[list(weights) for weights in BUILT[key].first], learned=None)


def do(step: AdversarialStep, shape: tuple[int, ...], number: int = NUMBER) -> dict[str, float]:
    """Step `number`, without compiling anything."""
    labels = tf.constant(np.stack([LABELS] * step.critic_steps)) if step.uses_labels else None
    metrics = step(real_examples(shape, step.critic_steps), tf.constant(number, tf.int64), labels)
    for name, value in metrics.items():
        assert value.dtype == tf.float32, name
        assert value.shape == (), name
    return {name: float(value) for name, value in metrics.items()}


def weights_of(state: TrainingState) -> np.ndarray:
    """All weights of both networks behind one another."""
    return flat([*state.generator.get_weights(), *state.discriminator.get_weights()])


def flat(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays])
