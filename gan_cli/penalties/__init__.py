"""Penalties (`penalty=[...]`, any number), one per file: frozen dataclasses derived from one of three base classes.

`Penalty` is a term of a loss, `Projection` a constraint on weights, and
`gan_cli.penalties.phase_penalty.PhasePenalty` a loss of the generator with updates of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gan_cli.losses import NOTHING, DiscriminatorOutput
from gan_cli.schedule import Schedule


@dataclass(frozen=True, eq=False)
class Batch:
    """The arguments of a penalty: one batch of one update.

    Attributes:
        discriminator: maps examples to the discriminator's output, in training mode and after augmentation; all calls
            of one penalty use the same random augmentation. The logits have the meaning that the loss gives them.
        real, fake: float32 examples `[batch, *shape]` of one shape. In the discriminator's update no gradient flows
            from `fake` to the generator; in the generator's update it does. With `train.pack` an example is what the
            discriminator gets at once: several examples, concatenated on the last axis.
        real_output, fake_output: the discriminator's outputs of this update for them, with gradients. In the
            generator's update `real_output` is None unless the loss or a penalty needs real examples there.
        seed: int32 `[2]` for stateless random numbers, new in each update.
        step: int64 scalar, from 0.
        variables: trainable variables of the network whose loss the penalty is a term of.
        augmented: whether examples are augmented. All calls of `discriminator` for a penalty use the same augmentation,
            which is another one than that of `real_output` and `fake_output`; see `output_with_same_augmentation`.
        perturbed: examples generated from the latents of `fake` plus noise, in the same order; None unless a penalty
            has `perturbation_std`.
        state: the penalty's float32 scalars, by name.
    """

    discriminator: Callable[[Any], DiscriminatorOutput]
    real: Any
    fake: Any
    real_output: DiscriminatorOutput | None = None
    fake_output: DiscriminatorOutput | None = None
    seed: Any = None
    step: Any = 0
    variables: Sequence[Any] = ()
    augmented: bool = False
    perturbed: Any = None
    state: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


class Regularizer:
    """Base class of penalties that are losses: what training and configuration know of them all.

    Attributes:
        weight: factor of the penalty.
        every: interval in steps; 1 applies it at each step.
        initial_state: float32 scalars that training updates and a checkpoint stores, by name, with their first values.
    """

    weight: float | Schedule = 1.0
    every: int = 1
    initial_state: ClassVar[Mapping[str, float]] = NOTHING

    @property
    def on_generator(self) -> bool:
        """Whether it is a loss of the generator."""
        return False


class Penalty(Regularizer, ABC):
    """Base class of terms that are added to the loss of the discriminator or of the generator.

    The term is `weight * every * penalty(batch)` at each step that `every` divides, 0 at the others (lazy
    regularisation, StyleGAN2, arXiv:1912.04958, section 2.2). A subclass defines `__call__`; everything else has a
    default. Class attributes may also be properties.

    Attributes:
        uses_input_gradients: whether it differentiates the output for each example by that example. Batch
            normalisation invalidates this, since there the output for one example depends on the others.
        needs_real: whether, on the generator, it uses `real_output`.
        outputs: the kinds of discriminator that it supports (LOGITS, ... of `gan_cli.losses`); empty: all.
        uses_output_weights: whether it needs the weights of a last layer of the discriminator that gives one logit.
        perturbation_std: standard deviation of the normal noise that is added to latents for `perturbed`; None: no
            perturbed examples.
        layer: a layer of the discriminator, as of losses; its activations are in `features[layer]`. None: no features.
    """

    uses_input_gradients: ClassVar[bool] = False
    needs_real: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ()
    uses_output_weights: ClassVar[bool] = False
    perturbation_std: float | None = None
    layer: str | None = None

    @abstractmethod
    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar."""

    @property
    def is_mean(self) -> bool:
        """Whether its value for a batch is the mean of its values for equal parts, whose gradients can be added up."""
        return False

    @property
    def is_finite_difference(self) -> bool:
        """Whether it divides a difference of two outputs of the discriminator by a small step.

        Nothing but the examples may then differ between two calls: no dropout, and no statistics that a call updates.
        """
        return False

    def next_state(self, batch: Batch) -> Mapping[str, Any]:
        """Returns the scalars of `initial_state` after each update, whether the penalty is due or not."""
        return batch.state


class Projection(ABC):
    """Base class of constraints on the discriminator's weights, applied after each of its updates."""

    @abstractmethod
    def project(self, variables: Sequence[Any]) -> None:
        """Assigns the nearest allowed value to each of the discriminator's trainable variables."""


def is_on_generator(penalty: Regularizer | Projection) -> bool:
    """Returns whether a penalty is a loss of the generator."""
    return isinstance(penalty, Regularizer) and penalty.on_generator


def output_with_same_augmentation(
    batch: Batch, examples: Any, output: DiscriminatorOutput | None
) -> DiscriminatorOutput:
    """Returns the discriminator's output for real or generated examples, comparable with that for changed examples.

    Without augmentation that is `output`, which costs nothing. With augmentation the examples are passed through
    `batch.discriminator` again, so that both sides of the comparison have the same augmentation.
    """
    return batch.discriminator(examples) if batch.augmented or output is None else output
