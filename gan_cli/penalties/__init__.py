"""Regularisers (`penalty=[...]`, any number), one a file: frozen dataclasses of one of two kinds.

A `Penalty` is added to the loss of the discriminator, or of the generator where `on_generator` says so, as
`weight * every * penalty(batch)` on each step that `every` divides (lazy regularisation, StyleGAN2, arXiv:1912.04958,
section 2.2: seldom, and as much stronger).
A `Projection` puts the discriminator's weights back into their set after each update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from gan_cli.losses import NOTHING, DiscriminatorOutput


@dataclass(frozen=True, eq=False)
class Batch:
    """What a penalty may look at: one batch of one update.

    Attributes:
        discriminator: from examples to what the discriminator says of them, in training mode and as it sees them
            (augmented, all calls alike). Its logits have the meaning that the loss gives them.
        real, fake: float32 examples of one shape, `[batch, *shape]`. In the discriminator's update no gradient flows
            back into what made `fake`; in the generator's it does. With `train.pack` an example is what the
            discriminator judges at once: several beside each other in the last axis.
        real_output, fake_output: what the discriminator has said of them already, with gradients. In the generator's
            update `real_output` is None unless the loss or one of the penalties sees real examples there.
        seed: int32 `[2]` for stateless random numbers; a new one at each call.
        step: int64 scalar, from 0.
        variables: trainable variables of the network whose loss the penalty is added to.
        augmented: whether examples are changed before the discriminator sees them: alike in all calls for a penalty,
            otherwise than for `real_output` and `fake_output`; see `comparable`.
        neighbours: what the generator makes of latents near those of `fake`, the same way round; None unless a penalty
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
    neighbours: Any = None
    state: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@runtime_checkable
class Penalty(Protocol):
    """A term of the discriminator's or the generator's loss.

    Attributes:
        weight: its factor.
        every: in steps; 1 applies it at each step.
        uses_input_gradients: whether it differentiates the output for each example by that example, which batch
            normalisation spoils: there, one example's output depends on the others.

    What may be left out:

    - `on_generator: bool`, a ClassVar or a property: whether it is a term of the generator's loss. False without it.
    - `needs_real: ClassVar[bool]`: whether, on the generator, it uses `real_output`. False without it.
    - `perturbation_std: float`: standard deviation of the normal noise that is added to latents for `neighbours`.
    - `outputs: ClassVar[tuple[str, ...]]`: the kinds of discriminator that it can look at (LOGITS, ... of
      `gan_cli.losses`); any without it.
    - `layer: str`: a layer of the discriminator, as of losses; its activations are in `features[layer]`.
    - `initial_state: Mapping[str, float]` and `next_state(batch) -> dict`: float32 scalars that training carries on and
      a checkpoint keeps, and their values after each update, whether the penalty was due or not.
    """

    weight: float
    every: int
    uses_input_gradients: ClassVar[bool]

    def __call__(self, batch: Batch) -> Any:
        """The unweighted term, a float32 scalar."""
        ...


@runtime_checkable
class Projection(Protocol):
    """A constraint on the discriminator's weights."""

    def project(self, variables: Sequence[Any]) -> None:
        """Assigns to each of the discriminator's trainable variables its nearest allowed value."""
        ...


def is_on_generator(penalty: Penalty | Projection) -> bool:
    """Whether a penalty is a term of the generator's loss."""
    return isinstance(penalty, Penalty) and bool(getattr(penalty, "on_generator", False))


def comparable(batch: Batch, examples: Any, judged: DiscriminatorOutput | None) -> DiscriminatorOutput:
    """What the discriminator says of a batch's real or generated examples, to be compared with what it says of others.

    That is `judged`, which costs nothing, where nothing is augmented. Else the examples are judged again, so that both
    sides of the comparison are changed alike.
    """
    return batch.discriminator(examples) if batch.augmented or judged is None else judged
