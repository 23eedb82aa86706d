"""The keys of configs/tournament.yaml, typed and checked, with no TensorFlow loaded yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.data.input_paths import expand_home
from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.number_limits import MAX_INTEGER, MAX_SAMPLES
from gan_cli.sampling.generator_weights import parse_weights

EXAMPLE = "For example: gan-eval tournament runs=[outputs/A,outputs/B]"
MOST_RUNS = 26
"""Runs are called A to Z in tables and pictures."""


@dataclass(frozen=True)
class TournamentJob:
    """configs/tournament.yaml explains each key."""

    runs: Any = None
    steps: Any = None
    max_checkpoints: int = 10
    samples: int = 1000
    split: str | None = None
    seed: int = 0
    weights: str = "ema"
    json: bool = False
    output: str | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        for key in ("runs", "output"):
            object.__setattr__(self, key, expand_home(key, getattr(self, key)))
        if not self.paths:
            raise ConfigError("runs", "expected the run directories that play", self.runs, EXAMPLE)
        if len(self.paths) > MOST_RUNS:
            raise ConfigError("runs", f"names {len(self.paths)} runs; expected at most {MOST_RUNS}")
        if len({path.resolve() for path in self.paths}) < len(self.paths):
            raise ConfigError("runs", "names a run twice", self.runs)
        steps = self.steps if isinstance(self.steps, list) else [0 if self.steps is None else self.steps]
        if not steps or not all(type(step) is int and 0 <= step <= MAX_INTEGER for step in steps):
            raise ConfigError("steps", "expected steps of checkpoints, such as [500,1000]", self.steps)
        check_number("max_checkpoints", self.max_checkpoints, at_least=1)
        check_number("samples", self.samples, at_least=2, at_most=MAX_SAMPLES)
        if self.split is not None:
            check_choice("split", self.split, ("train", "held_out"))
        check_number("seed", self.seed, at_least=0, at_most=MAX_INTEGER - MAX_SAMPLES)
        object.__setattr__(self, "weights", parse_weights(self.weights))
        if self.output is not None and Path(self.output).suffix != ".png":
            raise ConfigError("output", "expected a name that ends in .png", self.output)

    @property
    def paths(self) -> list[Path]:
        """The run directories, of `A` as of `[A,B]`."""
        runs = self.runs if isinstance(self.runs, list) else [self.runs]
        return [Path(str(run)) for run in runs if run is not None]

    @property
    def wanted_steps(self) -> list[int] | None:
        """The steps that play, ascending; None for all that there are."""
        if self.steps is None:
            return None
        return sorted(set(self.steps if isinstance(self.steps, list) else [self.steps]))
