"""All that training changes: what a checkpoint holds and an exact resume needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_cli.lazy import keras
from gan_cli.models.condition import Condition

SUMS = "sums/"
SCALARS = "scalars/"


class StateMismatch(ValueError):
    """Arrays that were saved do not fit the models and optimizers that were built."""


@dataclass
class TrainingState:
    """Models, optimizers and running sums; every variable of theirs has a name that does not change.

    Attributes:
        averaged: a generator that holds the averaged weights.
        metrics: names of the metrics.
        sums: float32 `[2, metrics]`, the sum and the count of each metric since the last line of the log, so that a
            run that is stopped between two lines writes the same ones after resume.
        scalars: float32 scalars that losses, penalties, augmentations and optimizers carry on, by the part's name
            ("loss", "penalty/NAME", "augment/NAME", "generator_optimizer", "discriminator_optimizer") and theirs.
        condition: what the generator gets besides latents; None for nothing.
        noise_size: how many normal numbers it gets for an example besides.
    """

    generator: keras.Model
    discriminator: keras.Model
    averaged: keras.Model
    generator_optimizer: keras.Optimizer
    discriminator_optimizer: keras.Optimizer
    metrics: list[str] = field(default_factory=list)
    sums: Any = None
    scalars: dict[str, dict[str, Any]] = field(default_factory=dict)
    condition: Condition | None = None
    noise_size: int = 0

    def variables(self) -> Iterator[tuple[str, Any]]:
        """Each variable with its name. The state of dropout's seeds is among a model's variables."""
        parts = {
            "generator": self.generator.variables,
            "discriminator": self.discriminator.variables,
            "averaged": self.averaged.variables,
            "generator_optimizer": self.generator_optimizer.variables,
            "discriminator_optimizer": self.discriminator_optimizer.variables,
        }
        for part, variables in parts.items():
            for index, variable in enumerate(variables):
                yield f"{part}/{index:04d}", variable

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of every variable, by name."""
        sums = dict(zip(self.metrics, self.sums.numpy().T.copy(), strict=True))
        named = {f"{SUMS}{name}": column for name, column in sums.items()}
        named |= {f"{SCALARS}{name}": variable.numpy() for name, variable in self.named_scalars()}
        return {name: keras.ops.convert_to_numpy(variable).copy() for name, variable in self.variables()} | named

    def named_scalars(self) -> Iterator[tuple[str, Any]]:
        """Each scalar with its name, the part's and its own."""
        for part, scalars in self.scalars.items():
            for name, variable in scalars.items():
                yield f"{part}/{name}", variable

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Assigns saved arrays to the variables.

        Metrics that were not there when they were saved begin at zero, and scalars of parts that were not there at
        their first value.

        Raises:
            StateMismatch: where names or shapes differ; nothing has been assigned then.
        """
        variables = dict(self.variables())
        saved = {name: array for name, array in arrays.items() if not name.startswith((SUMS, SCALARS))}
        check_fit({name: tuple(v.shape) for name, v in variables.items()}, saved)
        for name, variable in variables.items():
            variable.assign(saved[name])
        for name, variable in self.named_scalars():
            if f"{SCALARS}{name}" in arrays:
                variable.assign(arrays[f"{SCALARS}{name}"])
        self.sums.assign(np.stack([arrays.get(f"{SUMS}{name}", np.zeros(2, np.float32)) for name in self.metrics], 1))


def check_fit(expected: Mapping[str, tuple[int, ...]], arrays: Mapping[str, np.ndarray]) -> None:
    """Raises StateMismatch with the first difference between expected shapes and saved arrays."""
    for name, shape in expected.items():
        if name not in arrays:
            raise StateMismatch(f"the checkpoint has no {name}, which the configuration asks for")
        if tuple(arrays[name].shape) != shape:
            raise StateMismatch(f"{name} has shape {tuple(arrays[name].shape)} in the checkpoint, {shape} here")
    extra = sorted(set(arrays) - set(expected))
    if extra:
        raise StateMismatch(f"the checkpoint has {extra[0]}, which the configuration does not ask for")
