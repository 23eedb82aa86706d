"""The phases of penalties on the generator: updates of their own, at the steps that their intervals divide.

    after the generator's update, for each penalty with a phase, at the steps that `every` divides:
        inputs of `share` times the batch size, drawn anew
        G <- G - rate * gradient of [ weight * every * penalty(G, inputs) ]

They are steps of the generator's optimizer, with the moving means of its other steps. So that these forget as fast, and
weights move as far, as without them, the learning rate and the decays are corrected for the number of updates (Karras
et al. 2020, arXiv:1912.04958, appendix B; `gan_cli.optimizers.lazy_regularization`).

A lazy penalty on the discriminator is a term of its loss: the discriminator has no further updates to correct for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gan_cli.lazy import keras, tf
from gan_cli.optimizers.lazy_regularization import update_ratio
from gan_cli.penalties.phase_penalty import PhaseBatch, PhasePenalty
from gan_cli.random_seeds import Purpose, fold
from gan_cli.schedule import value_at
from gan_cli.training.augmented_discriminator import assign_scalars
from gan_cli.training.generator_inputs import GeneratorInputs
from gan_cli.training.gradients import dense


@dataclass(frozen=True, eq=False)
class GeneratorPhases:
    """The penalties on the generator that have a phase.

    Attributes:
        penalties: by name.
        indices: the position of each among all penalties of the run, which selects its random numbers.
        variables: those that the optimizer was built for.
        state: the float32 scalars of each penalty ("penalty/NAME"), by name.
    """

    penalties: Mapping[str, PhasePenalty]
    indices: Mapping[str, int]
    generator: keras.Model
    optimizer: keras.Optimizer
    variables: list[Any]
    inputs: GeneratorInputs
    seed: int
    state: Mapping[str, Mapping[str, Any]]

    def intervals(self) -> dict[str, int]:
        """Returns the name of each penalty's metric, with the interval in steps at which it is computed."""
        return {f"penalty_{name}": penalty.every for name, penalty in self.penalties.items()}

    def __call__(self, step: Any, labels: Any) -> dict[str, Any]:
        """Performs the phases that are due; returns each penalty unweighted, 0 where it is not due.

        Args:
            step: int64 scalar, from 0.
            labels: of real examples, int32 `[batch]`; None where the step gets none.
        """
        metrics = {}
        for name, penalty in self.penalties.items():
            update = self.update_of(name, step, labels)
            due = step % penalty.every == 0
            metrics[f"penalty_{name}"] = (
                update() if penalty.every == 1 else tf.cond(due, update, lambda: tf.constant(0.0))
            )
        return metrics

    def update_of(self, name: str, step: Any, labels: Any) -> Callable[[], Any]:
        """Returns the phase of the penalty `name`, which returns the penalty."""

        def update() -> Any:
            index = self.indices[name]
            seed = fold(self.seed, Purpose.PHASE_PENALTY, index, step)
            batch = PhaseBatch(
                generator=self.generator,
                inputs=self.inputs.for_phase(index, step, self.penalties[name].examples, labels),
                draw_normal=lambda shape: tf.random.stateless_normal(shape, seed),
                step=step,
                state=self.state.get(f"penalty/{name}", {}),
            )
            return self.apply(name, batch)

        return update

    def apply(self, name: str, batch: PhaseBatch) -> Any:
        """Updates the generator and the penalty's state; returns the penalty.

        Weights that it does not depend on have a zero gradient, so their moving means are updated too, as published.
        """
        penalty = self.penalties[name]
        factor = value_at(penalty.weight, batch.step) * penalty.every
        with tf.GradientTape() as tape:
            value = penalty(batch)
            scaled = self.optimizer.scale_loss(factor * value.penalty)
        gradients = dense(tape.gradient(scaled, self.variables), self.variables)
        self.optimizer.apply(gradients, self.variables)
        if batch.state:
            assign_scalars(batch.state, value.state)
        return value.penalty


def generator_update_ratio(penalties: Mapping[str, Any]) -> float:
    """Returns the updates of the generator without phases over those with them; 1 where no penalty has a phase."""
    return update_ratio(one.every for one in penalties.values() if isinstance(one, PhasePenalty))
