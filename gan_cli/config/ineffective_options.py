"""Options that have no effect with the others: each is a line for the user before training begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from gan_cli.augmentations.instance_noise import InstanceNoise
from gan_cli.config.job_builder import TrainJob
from gan_cli.config.run_length import schedules_of
from gan_cli.config.schema import EvaluationSection
from gan_cli.errors import show
from gan_cli.features.automatic import Automatic
from gan_cli.losses import FEATURES
from gan_cli.penalties import Regularizer
from gan_cli.penalties.lecam import LeCam
from gan_cli.schedule import Schedule

ADAPTATION_SHARE = 0.01
"""An adaptive probability that can't come to this by the end of the run has no effect worth its price."""


def ineffective_options(job: TrainJob) -> list[str]:
    """A warning for each option that does nothing in this run, with its key and what would give it an effect."""
    found = (
        *of_learning_rates(job),
        *of_schedules(job),
        *of_penalties(job),
        *of_augmentations(job),
        *of_evaluation(job),
    )
    return [f"Warning: {text}" for text in found]


def of_schedules(job: TrainJob) -> Iterator[str]:
    steps = job.train.steps
    parts: dict[str, Any] = {"train": job.train, "optimizer": job.optimizer}
    parts |= {f"penalty.{name}": one for name, one in job.penalties.items()}
    parts |= {f"augment.{name}": one for name, one in job.augmentations.items()}
    for key, part in parts.items():
        for name, schedule in schedules_of(part):
            if schedule.shape == "constant" and schedule.end not in (None, schedule.start):
                yield f"{key}.{name}.end={schedule.end:g} has no effect with {key}.{name}.shape=constant."
            elif schedule.steps is not None and schedule.steps > steps:
                yield (
                    f"{key}.{name}.steps={schedule.steps} is above train.steps={steps}: the run ends before the "
                    "schedule does."
                )


def of_learning_rates(job: TrainJob) -> Iterator[str]:
    steps, train, optimizer = job.train.steps, job.train, job.optimizer
    if optimizer.warmup_steps > steps:
        yield (
            f"optimizer.warmup_steps={optimizer.warmup_steps} is above train.steps={steps}: the learning rates "
            "never reach their full size."
        )
    if optimizer.schedule == "constant":
        if optimizer.final_fraction != 0:
            fraction = f"optimizer.final_fraction={optimizer.final_fraction:g}"
            yield f"{fraction} has no effect with optimizer.schedule=constant."
        if optimizer.decay_steps != steps:
            yield f"optimizer.decay_steps={optimizer.decay_steps} has no effect with optimizer.schedule=constant."
    elif optimizer.decay_steps > steps:
        yield (
            f"optimizer.decay_steps={optimizer.decay_steps} is above train.steps={steps}: the run ends before the "
            "learning rates have decayed."
        )
    if train.top_k_steps not in (None, steps) and train.top_k == 1:
        yield f"train.top_k_steps={train.top_k_steps} has no effect with train.top_k=1."
    elif train.top_k < 1 and train.top_k_steps is not None and train.top_k_steps > steps:
        yield f"train.top_k_steps={train.top_k_steps} is above train.steps={steps}: the share stays above train.top_k."


def of_penalties(job: TrainJob) -> Iterator[str]:
    steps = job.train.steps
    for name, penalty in job.penalties.items():
        if not isinstance(penalty, Regularizer):
            continue
        every = penalty.every
        if every > 1 and every >= steps:
            yield f"penalty.{name}.every={every} with train.steps={steps}: it is applied at the first step alone."
        if penalty.weight == 0 or (isinstance(penalty.weight, Schedule) and not any(penalty.weight.numbers().values())):
            yield f"penalty.{name}.weight=0: the penalty is computed and has no effect. Leave it out."
        if isinstance(penalty, LeCam) and penalty.start >= steps - 1:  # it begins after step `start`, from 0
            yield f"penalty.{name}.start={penalty.start} with train.steps={steps}: the penalty never begins."


def of_augmentations(job: TrainJob) -> Iterator[str]:
    steps = job.train.steps
    images = steps * job.train.batch_size * job.train.critic_steps
    for name, augmentation in job.augmentations.items():
        ramp = augmentation.ramp
        if ramp is not None and images < ADAPTATION_SHARE * ramp:
            yield (
                f"augment.{name}.ramp_images={ramp} lets the probability come to {images / ramp:.2g} at most in the "
                f"{images:,} images of this run: it has hardly any effect. Set a smaller number."
            )
        if isinstance(augmentation, InstanceNoise) and isinstance(augmentation.sigma, Schedule):
            if augmentation.final_sigma != 0:
                final = f"augment.{name}.final_sigma={augmentation.final_sigma:g}"
                yield f"{final} has no effect where augment.{name}.sigma is a schedule."
        elif isinstance(augmentation, InstanceNoise) and augmentation.steps > steps:
            yield (
                f"augment.{name}.steps={augmentation.steps} is above train.steps={steps}: the noise does not come to "
                "final_sigma."
            )


def of_evaluation(job: TrainJob) -> Iterator[str]:
    if job.metrics:
        return
    for one in fields(EvaluationSection):
        value = getattr(job.evaluation, one.name)
        if value != one.default and one.name != "held_out":
            yield f"eval.{one.name}={show(value)} has no effect where nothing is measured. Add metric=[fid], say."
    if not isinstance(job.features, Automatic) and job.loss.output != FEATURES:
        name = type(job.features).__name__
        yield f"features={name} has no effect where nothing is measured. Add metric=[fid], say."
