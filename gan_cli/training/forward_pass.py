"""The tensors that one update computes before any gradient: generated examples, the discriminator's inputs and outputs.

Each is a class of its own, so that what belongs to an example or to a latent has a place beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput

if TYPE_CHECKING:
    from gan_cli.training.augmented_discriminator import UpdateContext


@dataclass(frozen=True, eq=False)
class Generated:
    """One batch from the generator.

    Attributes:
        latents: float32 `[batch, latent_size]`, without labels.
        examples: float32 `[batch, *shape]`, generated from `latents`.
        perturbed: float32 `[batch, *shape]`, generated from `latents` plus noise; None unless a penalty asks for them.
    """

    latents: Any
    examples: Any
    perturbed: Any = None

    def outputs(self) -> list[Any]:
        """Returns the tensors that the generator computed, through which its gradient flows."""
        return [self.examples] if self.perturbed is None else [self.examples, self.perturbed]

    def without_gradient(self) -> Generated:
        """Returns the same batch as constants for the gradient."""
        perturbed = None if self.perturbed is None else tf.stop_gradient(self.perturbed)
        return replace(self, examples=tf.stop_gradient(self.examples), perturbed=perturbed)


class Inputs(NamedTuple):
    """The discriminator's inputs in one update, real and generated: float32 `[batch / pack, *packed shape]`."""

    real: Any
    fake: Any


class Outputs(NamedTuple):
    """The discriminator's outputs for `Inputs`; in the generator's update `real` may be None."""

    real: Any
    fake: DiscriminatorOutput


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """One forward pass of both networks: what a loss and its penalties are computed from."""

    inputs: Inputs
    outputs: Outputs
    generated: Generated
    context: UpdateContext
