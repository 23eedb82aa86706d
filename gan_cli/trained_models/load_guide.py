"""Loads the two networks of a checkpoint for sampling methods that a discriminator guides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_cli.conditioning.heads import OUTPUT
from gan_cli.config.config_trust import stored
from gan_cli.config.job_builder import build, stored_section
from gan_cli.errors import ConfigError
from gan_cli.lazy import tf
from gan_cli.losses import LOGITS, Loss
from gan_cli.models import TRUNCATE_W
from gan_cli.sampling.generate import samples_of
from gan_cli.sampling.guided_latents import GuidedLatents, Score
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.sampling.sample_job import SampleJob
from gan_cli.sampling.sampling_methods import LANGEVIN, OF_DENSITY_RATIOS, PLAIN, STEPS
from gan_cli.trained_models.load_generator import read_source
from gan_cli.trained_models.restore_model import restore_discriminator, restore_generator
from gan_cli.trained_models.score_examples import pack_of

if TYPE_CHECKING:
    import keras

ADVICE = "Use method=plain."


def check_guide_source(source: Path, job: SampleJob) -> None:
    """Raises ConfigError where a method needs a discriminator, and the source is a .keras file, which has none."""
    if job.method != PLAIN and source.suffix == ".keras":
        problem = "needs the discriminator, and a .keras file has the generator alone"
        raise ConfigError("method", problem, job.method, f"Name a checkpoint: run=RUN. Or: {ADVICE}")


def load_guide(source: Path, job: SampleJob) -> GuidedLatents:
    """The generator and the discriminator of a checkpoint, ready for `job.method`.

    Raises:
        ConfigError: where they can't be loaded, or the method does not support them.
    """
    checkpoint = read_source(source)
    loss: Loss = build("loss", stored_section(checkpoint.config, "loss"), stored(job.trust))
    check_loss(loss, job.method)
    generator = restore_generator(checkpoint, job.weights, job.trust)
    if job.method == LANGEVIN and generator.metadata.latent_distribution != "normal":
        problem = f"needs normal latents, and this generator has {generator.metadata.latent_distribution} ones"
        raise ConfigError("method", problem, job.method, ADVICE)
    if generator.metadata.truncation == TRUNCATE_W and job.truncation != 1:
        raise ConfigError("method", "does not go with truncation= of styles", job.method, ADVICE)
    discriminator = restore_discriminator(checkpoint, loss, job.trust)
    if pack_of(discriminator, generator.metadata.data.shape) != 1:
        problem = "needs a discriminator of single examples, and that of this run takes packs"
        raise ConfigError("method", problem, job.method, ADVICE)
    steps = STEPS if job.method_steps is None else job.method_steps
    return GuidedLatents(
        generator,
        score_of(generator, discriminator),
        lambda labels: label_arrays(generator, discriminator, labels),
        job.method,
        steps,
        job.truncation,
        generator.metadata.method_of(job.truncation, job.truncation_method),
    )


def check_loss(loss: Loss, method: str) -> None:
    """Raises ConfigError for a loss whose discriminator does not give what the method needs."""
    name = type(loss).__name__
    if not loss.trains_discriminator or loss.output != LOGITS:
        raise ConfigError("method", f"needs a discriminator with a logit, and the loss {name} has none", method, ADVICE)
    if method in OF_DENSITY_RATIOS and not loss.estimates_density_ratio:
        problem = f"needs logits that are log density ratios, and those of the loss {name} are none"
        raise ConfigError("method", problem, method, "Losses with some: non_saturating and minimax without smoothing.")


def score_of(generator: LoadedGenerator, discriminator: keras.Model) -> Score:
    """The discriminator's logits of generated examples, from latents, the arrays of `label_arrays`, and noise."""
    is_conditional, takes_labels = generator.metadata.condition is not None, len(discriminator.inputs) > 1
    takes_noise = generator.metadata.noise_size > 0

    def score(z: Any, *given: Any) -> Any:
        noise = given[-1:] if takes_noise else ()
        given = given[: len(given) - len(noise)]
        inputs = [z, *(given[:1] if is_conditional else ()), *noise]
        examples = samples_of(generator.model(inputs if len(inputs) > 1 else z, training=False))
        output = discriminator([examples, given[-1]] if takes_labels else examples, training=False)
        logits = output[OUTPUT] if isinstance(output, Mapping) else output
        return tf.reshape(tf.cast(logits, tf.float32), [-1])

    return score


def label_arrays(generator: LoadedGenerator, discriminator: keras.Model, labels: np.ndarray | None) -> list[np.ndarray]:
    """The condition for a conditional generator, and the labels for a discriminator that takes them."""
    condition = generator.metadata.condition
    if condition is None or labels is None:
        return []
    found = [condition.array(labels) if labels.ndim == 1 else labels.astype(np.float32)]
    return [*found, labels.astype(np.int32)] if len(discriminator.inputs) > 1 else found
