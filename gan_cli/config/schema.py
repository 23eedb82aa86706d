"""The keys of configs/train.yaml that belong to no group, typed and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.config.budget import parse_budget
from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.number_limits import MAX_INTEGER, MAX_SAMPLES
from gan_cli.plotting.grid_size import parse_grid
from gan_cli.schedule import Schedule

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
UPDATES = ("alternating", "simultaneous")


@dataclass(frozen=True)
class TrainSection:
    """`train.*`: how long, how much at once, and in which manner. configs/train.yaml explains each key."""

    steps: int
    batch_size: int
    critic_steps: int
    steps_per_call: Any
    precision: str
    xla: bool
    update: str
    deterministic: bool
    ema_half_life: float | Schedule
    ema_ramp: float
    # Runs that were begun before these were there have none of them.
    pack: int = 1
    top_k: float = 1.0
    top_k_steps: int | None = None
    budget: str | None = None
    accumulate: int = 1
    start_from: str | None = None
    freeze_discriminator: int = 0
    freeze_generator: int = 0

    def __post_init__(self) -> None:
        for key in ("steps", "batch_size", "critic_steps"):
            check_number(key, getattr(self, key), at_least=1, at_most=MAX_INTEGER)
        whole = isinstance(self.steps_per_call, int) and not isinstance(self.steps_per_call, bool)
        if self.steps_per_call != "auto" and not (whole and 1 <= self.steps_per_call <= MAX_INTEGER):
            raise ConfigError("steps_per_call", "expected `auto` or a whole number at least 1", self.steps_per_call)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("update", self.update, UPDATES)
        check_number("pack", self.pack, at_least=1, at_most=MAX_INTEGER)
        check_number("accumulate", self.accumulate, at_least=1, at_most=MAX_INTEGER)
        check_number("top_k", self.top_k, above=0, at_most=1)
        if self.top_k_steps is not None:
            check_number("top_k_steps", self.top_k_steps, at_least=1, at_most=MAX_INTEGER)
        for key in ("freeze_discriminator", "freeze_generator"):
            check_number(key, getattr(self, key), at_least=0, at_most=MAX_INTEGER)
        parse_budget(self.budget)
        check_number("ema_half_life", self.ema_half_life, at_least=0)
        check_number("ema_ramp", self.ema_ramp, at_least=0, at_most=1)

    @property
    def warm_up_share(self) -> float:
        """The share of the images seen that the half-life of the average may be; 0 for no limit.

        Weights that come from another run are worth averaging from the first step on, so they have no warm-up
        (NVlabs/stylegan2-ada-pytorch, train.py: `ema_rampup` is None with `resume`).
        """
        return self.ema_ramp if self.start_from is None else 0.0


@dataclass(frozen=True)
class RunSection:
    """`run.*`: what is written how often, in steps."""

    log_every: int
    sample_every: int
    checkpoint_every: int
    keep_checkpoints: int

    def __post_init__(self) -> None:
        for key in ("log_every", "sample_every", "checkpoint_every", "keep_checkpoints"):
            check_number(key, getattr(self, key), at_least=1, at_most=MAX_INTEGER)


@dataclass(frozen=True)
class SampleSection:
    """`sample.*`: the pictures written during training."""

    grid: str
    points: int

    def __post_init__(self) -> None:
        parse_grid("grid", self.grid)
        check_number("points", self.points, at_least=1, at_most=100_000)


@dataclass(frozen=True)
class EvaluationSection:
    """`eval.*`: when and how the averaged generator is measured during training."""

    every: int = 500
    samples: int = 2000
    real_samples: int | None = None
    held_out: float = 0.0
    best_by: str | None = None
    patience: int | None = None
    collapse_ratio: float = 1.5
    stop_on_collapse: bool = False

    def __post_init__(self) -> None:
        check_number("every", self.every, at_least=1, at_most=MAX_INTEGER)
        check_number("samples", self.samples, at_least=2, at_most=MAX_SAMPLES)
        if self.real_samples is not None:
            check_number("real_samples", self.real_samples, at_least=2, at_most=MAX_INTEGER)
        check_number("held_out", self.held_out, at_least=0, below=1)
        if self.patience is not None:
            check_number("patience", self.patience, at_least=1, at_most=MAX_INTEGER)
        check_number("collapse_ratio", self.collapse_ratio, above=1)
