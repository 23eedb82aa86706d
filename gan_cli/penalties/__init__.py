"""Regularisers of the discriminator (`penalty=[...]`, any number), one a file: frozen dataclasses of one of two kinds.

A `Penalty` is added to the discriminator's loss, as `weight * every * penalty(...)` on each step that `every` divides
(lazy regularisation, StyleGAN2, arXiv:1912.04958, section 2.2: seldom, and as much stronger).
A `Projection` puts the discriminator's weights back into their set after each update.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from gan_cli.losses import DiscriminatorOutput


@runtime_checkable
class Penalty(Protocol):
    """A term of the discriminator's loss.

    Attributes:
        weight: its factor.
        every: in steps; 1 applies it at each step.
        takes_gradients: whether it differentiates the output for each example by that example, which batch
            normalisation spoils: there, one example's output depends on the others.
    """

    weight: float
    every: int
    takes_gradients: ClassVar[bool]

    def __call__(self, discriminator: Callable[[Any], DiscriminatorOutput], real: Any, fake: Any, seed: Any) -> Any:
        """The unweighted term, a float32 scalar.

        Args:
            discriminator: maps a batch to what it says of it, in training mode.
            real, fake: float32 batches of one shape; no gradient flows back into what made `fake`.
            seed: int32 `[2]` for stateless random numbers; a new one at each call.
        """
        ...


@runtime_checkable
class Projection(Protocol):
    """A constraint on the discriminator's weights."""

    def project(self, variables: Sequence[Any]) -> None:
        """Assigns to each of the discriminator's trainable variables its nearest allowed value."""
        ...
