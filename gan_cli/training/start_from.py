"""`train.start_from`: a new run begins with the weights of another one.

A layer is taken where the other network has one of the same name, with weights of the same names and shapes; all others
keep their initial weights. Optimizers, averages of losses and penalties, and the step begin anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_cli.config.job_builder import TrainJob
from gan_cli.config.start_source import KEY, errors_of_start, find_start, read_start
from gan_cli.errors import ConfigError
from gan_cli.lazy import keras
from gan_cli.models.network_blocks import weighted_layers
from gan_cli.runs.checkpoint import load_networks
from gan_cli.trained_models.stored_networks import StoredLayer, networks_of_checkpoint, networks_of_generator_file
from gan_cli.training.training_state import TrainingState

PARTS = {"generator": "generator", "averaged": "averaged generator", "discriminator": "discriminator"}
"""The networks of a training state, in words."""
SHOWN = 4
"""So many layers that do not fit are named for each network."""


@dataclass(frozen=True)
class LayerFit:
    """How the layers of a network fit those of another one.

    Attributes:
        taken: names of the layers that got the other network's weights.
        missing: those that the other network does not have.
        different: those whose weights have other shapes there, with both shapes as text.
    """

    taken: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    different: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many layers with weights the network has."""
        return len(self.taken) + len(self.missing) + len(self.different)


@dataclass(frozen=True)
class StartReport:
    """Where the weights of a run came from, and which layers took them.

    Attributes:
        path: of the other run or file, as it was typed.
        step: at which its weights were saved.
        fits: by the name of the network, `generator`, `averaged` or `discriminator`.
    """

    path: str
    step: int
    fits: dict[str, LayerFit]

    def lines(self) -> list[str]:
        """The lines of the start block."""
        parts = ", ".join(f"{PARTS[part]} {len(fit.taken)} of {fit.count}" for part, fit in self.fits.items())
        lines = [f"  {'start from':<14} {self.path}, step {self.step:,}; layers taken: {parts}"]
        for part, fit in self.fits.items():
            if part == "averaged":  # has the layers of the generator
                continue
            if fit.different:
                lines.append(f"  {'':<14} other shapes, {PARTS[part]}: {shortened(list(fit.different.values()))}")
            if fit.missing:
                lines.append(f"  {'':<14} not there, {PARTS[part]}: {shortened(fit.missing)}")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON for environment.json."""
        layers = {part: {"taken": len(fit.taken), "of": fit.count} for part, fit in self.fits.items()}
        return {"path": self.path, "step": self.step, "layers": layers}


def shortened(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def assign_start(state: TrainingState, job: TrainJob, trust: bool, warn: Callable[[str], None]) -> StartReport:
    """Assigns the weights of `train.start_from` to the layers of a new state that they fit.

    Raises:
        ConfigError: where it can't be read, no layer fits, or weights are not finite; nothing has been assigned then.
    """
    path = str(job.train.start_from)
    networks, step = read_networks(path, trust, warn)
    own = {"generator": state.generator, "averaged": state.averaged}
    if job.loss.trains_discriminator:
        own["discriminator"] = state.discriminator
    fits = {part: compare(network, networks.get(part, {})) for part, network in own.items()}
    if not any(fit.taken for fit in fits.values()):
        raise ConfigError(KEY, "no layer fits: none has a name and shapes of this run's", path, advice_on_fit(fits))
    for part, fit in fits.items():
        check_finite(path, part, {name: networks[part][name] for name in fit.taken})
    for part, network in own.items():
        layers = weighted_layers(network)
        for name in fits[part].taken:
            for variable, (_, array) in zip(layers[name].weights, networks[part][name], strict=True):
                variable.assign(array)
    return StartReport(path, step, fits)


def read_networks(path: str, trust: bool, warn: Callable[[str], None]) -> tuple[dict[str, dict[str, StoredLayer]], int]:
    """The stored weights by network and layer, and their step. Raises ConfigError."""
    with errors_of_start(path):
        checkpoint = read_start(path, load_networks, warn)
        if checkpoint is None:
            return networks_of_generator_file(find_start(path), trust)
        return networks_of_checkpoint(checkpoint, trust), checkpoint.step


def compare(network: keras.Model, other: Mapping[str, StoredLayer]) -> LayerFit:
    """How the layers of a network fit the stored ones."""
    fit = LayerFit()
    for name, layer in weighted_layers(network).items():
        here = [(variable.name, tuple(variable.shape)) for variable in layer.weights]
        if name not in other:
            fit.missing.append(name)
            continue
        there = [(weight, tuple(array.shape)) for weight, array in other[name]]
        if here == there:
            fit.taken.append(name)
        else:
            fit.different[name] = describe_difference(name, here, there)
    return fit


def describe_difference(name: str, here: list[tuple[str, tuple[int, ...]]], there: list[Any]) -> str:
    """A layer with its first weight that differs: `output (kernel 512x10 here, 512x1 there)`."""
    for one, other in zip(here, there, strict=False):
        if one[0] == other[0] and one != other:
            return f"{name} ({one[0]} {as_text(one[1])} here, {as_text(other[1])} there)"
    return f"{name} (weights {', '.join(n for n, _ in here)} here, {', '.join(n for n, _ in there)} there)"


def as_text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def advice_on_fit(fits: Mapping[str, LayerFit]) -> str:
    """The first layer of each network that does not fit, and what would."""
    examples = [text for fit in fits.values() for text in (*fit.different.values(), *fit.missing)]
    shown = f"The first one: {examples[0]}. " if examples else ""
    return f"{shown}Choose the model of that run, with its sizes: they are in its config.yaml."


def check_finite(path: str, part: str, layers: Mapping[str, StoredLayer]) -> None:
    """Raises ConfigError where a weight that is taken is not finite."""
    for name, weights in layers.items():
        if not all(np.isfinite(array).all() for _, array in weights):
            raise ConfigError(KEY, f"the weights of the {PARTS[part]}'s layer {name} are not all finite", path)
