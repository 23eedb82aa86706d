"""The keys of configs/train.yaml and configs/sample.yaml that belong to no group, typed and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gan_cli.errors import ConfigError, check_choice, check_number

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
MOST_SAMPLES = 1_000_000
"""Of one call, which holds them all in memory for some formats."""
UPDATES = ("alternating", "simultaneous")
LARGEST = 2**31 - 1
"""Of seeds, steps and the like: random numbers are keyed by 32-bit words."""


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
    ema_half_life: float
    ema_ramp: float
    # Runs that were begun before these were there have none of them.
    pack: int = 1
    top_k: float = 1.0
    top_k_steps: int | None = None

    def __post_init__(self) -> None:
        for key in ("steps", "batch_size", "critic_steps"):
            check_number(key, getattr(self, key), at_least=1, at_most=LARGEST)
        whole = isinstance(self.steps_per_call, int) and not isinstance(self.steps_per_call, bool)
        if self.steps_per_call != "auto" and not (whole and self.steps_per_call >= 1):
            raise ConfigError("steps_per_call", "expected `auto` or a whole number at least 1", self.steps_per_call)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("update", self.update, UPDATES)
        check_number("pack", self.pack, at_least=1, at_most=LARGEST)
        check_number("top_k", self.top_k, above=0, at_most=1)
        if self.top_k_steps is not None:
            check_number("top_k_steps", self.top_k_steps, at_least=1, at_most=LARGEST)
        check_number("ema_half_life", self.ema_half_life, at_least=0)
        check_number("ema_ramp", self.ema_ramp, at_least=0, at_most=1)


@dataclass(frozen=True)
class RunSection:
    """`run.*`: what is written how often, in steps."""

    log_every: int
    sample_every: int
    checkpoint_every: int
    keep_checkpoints: int

    def __post_init__(self) -> None:
        for key in ("log_every", "sample_every", "checkpoint_every", "keep_checkpoints"):
            check_number(key, getattr(self, key), at_least=1, at_most=LARGEST)


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
        check_number("every", self.every, at_least=1, at_most=LARGEST)
        check_number("samples", self.samples, at_least=2, at_most=MOST_SAMPLES)
        if self.real_samples is not None:
            check_number("real_samples", self.real_samples, at_least=2, at_most=LARGEST)
        check_number("held_out", self.held_out, at_least=0, below=1)
        if self.patience is not None:
            check_number("patience", self.patience, at_least=1, at_most=LARGEST)
        check_number("collapse_ratio", self.collapse_ratio, above=1)


@dataclass(frozen=True)
class SampleJob:
    """The keys of configs/sample.yaml, which explains each."""

    run: str | None
    checkpoint: str | None
    step: Any
    n: int | None
    seed: int
    seeds: Any
    grid: str | None
    format: str
    interpolate: str | None
    frames: int
    truncation: float
    weights: str
    output: str | None
    trust: bool

    def __post_init__(self) -> None:
        if (self.run is None) == (self.checkpoint is None):
            raise ConfigError(
                "run",
                "expected one of run=RUN_DIRECTORY and checkpoint=FILE",
                self.run,
                "For example: gan-sample run=outputs/20261120-101502_dcgan_wgan_mnist_seed0",
            )
        if self.checkpoint is not None and self.step is not None:
            raise ConfigError("step", "goes with run=, not with checkpoint=, which is one step already", self.step)
        check_step("step", self.step)
        if self.n is not None:
            check_number("n", self.n, at_least=1, at_most=MOST_SAMPLES)
        check_number("seed", self.seed, at_least=0, at_most=LARGEST)
        if self.grid is not None:
            parse_grid("grid", self.grid)
        check_choice("format", self.format, ("png", "gif", "npz", "files"))
        if self.interpolate is not None:
            check_choice("interpolate", self.interpolate, ("linear", "slerp"))
        check_number("frames", self.frames, at_least=1, at_most=10_000)
        check_number("truncation", self.truncation, above=0, at_most=1)
        check_choice("weights", self.weights, ("averaged", "raw"))


def parse_grid(key: str, text: str) -> tuple[int, int]:
    """Rows and columns of a text such as 4x6. Raises ConfigError for any other text."""
    match = re.fullmatch(r"([1-9]\d{0,2})x([1-9]\d{0,2})", str(text))
    if not match:
        raise ConfigError(key, "expected ROWSxCOLUMNS, each from 1 to 999, such as 4x6", text)
    return int(match[1]), int(match[2])


def check_step(key: str, value: Any) -> None:
    """Raises ConfigError unless `value` is the step of a checkpoint, `best`, or None for the newest."""
    if value in (None, "best"):
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise ConfigError(key, "expected the step of a checkpoint, or `best`", value)


def check_seed(seed: Any) -> None:
    """Raises ConfigError unless `seed` is a whole number that every random generator here takes."""
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigError("seed", f"expected a whole number from 0 to {LARGEST}", seed)
    check_number("seed", seed, at_least=0, at_most=LARGEST)
