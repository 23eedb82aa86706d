"""Diagnoses the discriminator of a checkpoint on a fixed number of examples of each side.

`gan_cli.evaluation.periodic_evaluation` does the same while training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.config.config_trust import stored
from gan_cli.config.job_builder import build, stored_section
from gan_cli.data import Examples
from gan_cli.errors import ConfigError
from gan_cli.evaluation.discriminator_diagnostics import NONE, health
from gan_cli.evaluation.example_sets import ExampleSet, StoredExamples
from gan_cli.metrics import Result
from gan_cli.runs.checkpoint import DamagedCheckpointError, load_checkpoint_part
from gan_cli.trained_models.restore_model import DISCRIMINATOR, restore_discriminator

DIAGNOSTIC_EXAMPLES = 1000
"""Of each kind, for the discriminator's accuracies: a standard error of 1.6 points at most."""


@dataclass(frozen=True)
class FirstExamples:
    """The first `DIAGNOSTIC_EXAMPLES` of a set, which are a random part and always the same; read where needed."""

    examples: ExampleSet

    @property
    def shape(self) -> tuple[int, ...]:
        return (min(self.examples.count, DIAGNOSTIC_EXAMPLES), *self.examples.data.shape)

    @property
    def labels(self) -> np.ndarray | None:
        found = self.examples.labels
        return None if found is None else found[: self.shape[0]]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.shape[0])
        return self.examples.read(start, stop)


def diagnose_checkpoint(
    path: Path,
    config: dict[str, Any],
    reals: ExampleSet,
    held_out: Examples | None,
    fakes: ExampleSet,
    trust: bool,
) -> Result:
    """What the discriminator of a checkpoint says of examples; a note instead where it can't be had.

    Args:
        path: the checkpoint.
        config: of the run.
        reals: those that it was trained on.
    """
    try:
        loss = build("loss", stored_section(config, "loss"), stored(trust))
        if not loss.trains_discriminator:
            return Result({}, (NONE,))
        checkpoint = load_checkpoint_part(path, DISCRIMINATOR)
        discriminator = restore_discriminator(checkpoint, loss, trust)
    except (ConfigError, DamagedCheckpointError) as error:
        return Result({}, (f"The discriminator's health is left out: {error}",))
    unseen = None if held_out is None else FirstExamples(StoredExamples(held_out, {}))
    return health(discriminator, loss, FirstExamples(reals), unseen, FirstExamples(fakes))
