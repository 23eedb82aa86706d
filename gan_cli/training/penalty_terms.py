"""The penalties on one network, as terms of its loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gan_cli.lazy import keras, tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.random_seeds import Purpose, fold
from gan_cli.schedule import value_at
from gan_cli.training.augmented_discriminator import assign_scalars
from gan_cli.training.forward_pass import ForwardPass


@dataclass(frozen=True, eq=False)
class PenaltyTerms:
    """The penalties on one network.

    Attributes:
        penalties: by name.
        indices: the position of each among all penalties of the run, which selects its random numbers.
        network: the network whose loss they are terms of.
        seed: the run's seed.
        state: the float32 scalars of each penalty ("penalty/NAME"), by name.
    """

    penalties: Mapping[str, Penalty]
    indices: Mapping[str, int]
    network: keras.Model
    seed: int
    state: Mapping[str, Mapping[str, Any]]

    def intervals(self) -> dict[str, int]:
        """Returns the name of each penalty's metric, with the interval in steps at which it is computed."""
        return {f"penalty_{name}": penalty.every for name, penalty in self.penalties.items()}

    def add_to(self, loss: Any, forward: ForwardPass) -> tuple[Any, dict[str, Any]]:
        """Returns the loss plus its penalties, and each penalty unweighted; 0 at a step where it is not due."""
        metrics = {}
        for name, penalty in self.penalties.items():
            batch, weight = self.batch(name, forward), value_at(penalty.weight, forward.context.step)
            if penalty.every == 1:
                value = penalty(batch)
                loss = loss + weight * value
            else:
                due = forward.context.step % penalty.every == 0
                value = tf.cond(due, lambda p=penalty, b=batch: p(b), lambda: tf.constant(0.0))
                loss = loss + weight * penalty.every * value
            if batch.state:
                assign_scalars(batch.state, penalty.next_state(batch))
            metrics[f"penalty_{name}"] = value
        return loss, metrics

    def batch(self, name: str, forward: ForwardPass) -> Batch:
        """Returns the arguments of the penalty `name`."""
        index, context, perturbed = self.indices[name], forward.context, forward.generated.perturbed
        return Batch(
            discriminator=context.for_penalty(index, forward.outputs),
            real=forward.inputs.real,
            fake=forward.inputs.fake,
            real_output=forward.outputs.real,
            fake_output=forward.outputs.fake,
            seed=fold(self.seed, Purpose.PENALTY, index, context.step, context.update),
            step=context.step,
            variables=self.network.trainable_variables,
            augmented=bool(context.discriminator.augmentations),
            perturbed=None if perturbed is None else context.pack(perturbed),
            state=self.state.get(f"penalty/{name}", {}),
        )
