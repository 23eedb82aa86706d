"""What is said before training: the start block, and the estimate of memory of a dry run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from gan_cli.config.automatic_values import ChosenConfig, describe_pending
from gan_cli.config.budget import UNPLANNED
from gan_cli.config.job_builder import TrainJob
from gan_cli.data import Examples
from gan_cli.data.class_names import describe_classes
from gan_cli.devices import device_name
from gan_cli.errors import show
from gan_cli.lazy import keras
from gan_cli.metrics.modes import SAMPLES, count_modes
from gan_cli.models.network_blocks import blocks
from gan_cli.penalties import Penalty
from gan_cli.sampling.class_rows import FIRST_ROWS, MOST_ROWS
from gan_cli.sampling.generate import generate
from gan_cli.sampling.latents import cycled, latents, seeded_noise
from gan_cli.schedule import Schedule
from gan_cli.training.training_state import TrainingState

GIBIBYTE = 2**30
ACTIVATION_COPIES = 3
"""How often an activation counts: forward, its gradient, and what operations keep beside it."""


def describe_job(job: TrainJob, examples: Examples, state: TrainingState) -> list[str]:
    """The start block: what trains on what, with what."""
    train, place = job.train, "in memory" if examples.is_in_memory else "streamed"
    skipped = f", {len(examples.skipped)} files skipped" if examples.skipped else ""
    averaging = f"averaged with a half-life of {describe_number(train.ema_half_life)} images"
    steps = "as many" if train.steps == UNPLANNED else f"{train.steps:,}"
    rates = [job.optimizer.generator_learning_rate, job.optimizer.discriminator_learning_rate]
    rows = {
        "device": f"{device_name()}, {train.precision}{', XLA' if train.xla else ''}"
        f"{', deterministic' if train.deterministic else ''}",
        "data": f"{settings(job.config['dataset'], DATA_KEYS_SHOWN)}: {examples.spec} ({place}{skipped})",
        "generator": f"{describe_model(state.generator)}{frozen(state.generator, train.freeze_generator)}, {averaging}",
        "critic" if job.loss.critic else "discriminator": describe_discriminator(job, state),
        **({"conditioning": describe_conditioning(job, examples)} if state.condition else {}),
        "loss": settings(job.config["loss"]),
        "penalties": ", ".join(settings(job.config["penalty"][name]) for name in job.penalties) or "none",
        "augmentation": ", ".join(settings(job.config["augment"][name]) for name in job.augmentations) or "none",
        "optimizers": f"{type(job.optimizer).__name__}, {job.optimizer.schedule} learning rates "
        f"{rates[0]:g} (generator) and {rates[1]:g} (discriminator)"
        f"{f', beta_2 {job.optimizer.beta_2_schedule}' if job.optimizer.beta_2_schedule else ''}",
        "training": f"{steps} steps of {train.batch_size} {'images' if examples.spec.is_image else 'points'}, "
        f"{train.critic_steps} discriminator update{'s' if train.critic_steps > 1 else ''} each, {train.update}"
        f"{f', {job.loss.real_examples:,} real examples each' if job.loss.real_examples else ''}"
        f"{f', in {train.accumulate} parts' if train.accumulate > 1 else ''}"
        f"{f', {train.pack} packed' if train.pack > 1 else ''}"
        f"{f', generator learns from the best {train.top_k:.0%}' if train.top_k < 1 else ''}",
        "seed": str(job.seed),
    }
    return [f"  {name:<14} {text}" for name, text in rows.items()]


def describe_conditioning(job: TrainJob, examples: Examples) -> str:
    """The conditioning with its classes, and what the sample grids show of them."""
    text = settings(job.config["conditioning"])
    if not job.conditioning.needs_labels:
        return text
    spec = examples.spec
    drawn = ", drawn evenly" if job.dataset.balance else ""
    shown = "" if spec.classes <= MOST_ROWS else f"; sample grids show the first {FIRST_ROWS}"
    return f"{text}: {describe_classes(spec)}{drawn}{shown}"


def describe_budget(job: TrainJob, details: str) -> list[str]:
    """The line of the start block about `train.budget`; none without one."""
    if job.train.budget is None:
        return []
    return [f"  {'budget':<14} {job.train.budget}: {details or f'{job.train.steps:,} steps'}"]


def describe_choices(choices: ChosenConfig) -> list[str]:
    """A line for each value that a rule chose for this run, with the reason, and what is not chosen yet."""
    lines = ["  chosen for this data:", *(f"    {one}" for one in choices.chosen)] if choices.chosen else []
    lines += [f"  {line}" for line in describe_pending(choices)]
    return [*lines, "  The values above are those of a long run."] if choices.pending else lines


DATA_KEYS_SHOWN = ("name", "path", "split", "image_size", "channels", "flip")


def settings(node: dict[str, Any], keys: Iterable[str] = ()) -> str:
    """A configured object as its class and its settings; only `keys` where some are given."""
    name = node["_target_"].rpartition(".")[2]
    chosen = {key: value for key, value in node.items() if key != "_target_" and (not keys or key in keys)}
    unset = ("null", "false", "auto")
    shown = [f"{key}={show(value)}" for key, value in chosen.items() if show(value) not in unset]
    return f"{name}({', '.join(shown)})" if shown else name


def describe_number(number: float | Schedule) -> str:
    return str(number) if isinstance(number, Schedule) else f"{number:,.0f}"


def describe_model(model: keras.Model) -> str:
    return f"{model.count_params():,} parameters"


def frozen(network: keras.Model, count: int) -> str:
    """Which blocks of a network are frozen; nothing where none is."""
    return f", frozen: {', '.join(block.name for block in blocks(network)[:count])}" if count else ""


def describe_discriminator(job: TrainJob, state: TrainingState) -> str:
    if job.loss.trains_discriminator:
        return describe_model(state.discriminator) + frozen(state.discriminator, job.train.freeze_discriminator)
    fixed = state.discriminator.count_params()
    return f"none, a fixed network of {fixed:,} parameters" if fixed else "none"


def describe_modes(job: TrainJob, state: TrainingState) -> list[str]:
    """How many modes the averaged generator has found, where the data is a mixture whose centres are known."""
    mixture = job.dataset.mixture()
    if mixture is None:
        return []
    z = latents(range(SAMPLES), job.model.latent_size, job.model.latent_distribution)
    made = generate(state.averaged, cycled(z, state.condition, seeded_noise(range(SAMPLES), state.noise_size)))
    found = count_modes(made, *mixture)
    return [
        f"Modes found: {found.modes} of {len(mixture.centres)}; {found.good_share:.1%} of {SAMPLES:,} samples are good"
    ]


def estimate_memory(job: TrainJob, examples: Examples, state: TrainingState) -> list[str]:
    """About how much memory training takes, part by part.

    Weights, optimizer slots and averages are counted exactly. Activations are the sizes of all layers' outputs, once
    for the generator and twice for the discriminator (real and fake), times ACTIVATION_COPIES.
    """
    weights = sum(math.prod(variable.shape) * 4 for _, variable in state.variables())
    bytes_each = 4 if job.train.precision == "float32" else 2
    one_example = activations(state.generator) + 2 * activations(state.discriminator)
    batch_size = job.train.batch_size / job.train.accumulate
    activation_bytes = one_example * batch_size * bytes_each * ACTIVATION_COPIES
    gradient_penalty = any(
        isinstance(penalty, Penalty) and penalty.uses_input_gradients for penalty in job.penalties.values()
    )
    if gradient_penalty:
        activation_bytes *= 2
    data = examples.memory_bytes
    total = weights + activation_bytes + data
    return [
        f"  {'memory':<14} about {total / GIBIBYTE:.2f} GiB, besides TensorFlow's own: weights and optimizers "
        f"{weights / GIBIBYTE:.2f}, activations {activation_bytes / GIBIBYTE:.2f}, data {data / GIBIBYTE:.2f}"
    ]


def activations(model: keras.Model) -> int:
    """How many numbers the layers of a model, nested models included, give for one example."""
    outputs = [tensor for layer in model.layers for node in layer._inbound_nodes for tensor in node.output_tensors]
    inner = sum(activations(layer) for layer in model.layers if isinstance(layer, keras.Model))
    return inner + sum(math.prod(side or 1 for side in tensor.shape[1:]) for tensor in outputs)
