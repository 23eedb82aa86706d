"""Penalties on the generator with a phase of their own: updates by its optimizer with a batch that only they get.

Lazy regularisation of Karras et al. 2020, arXiv:1912.04958, section 3.2 and appendix B. At each step that `every`
divides, after the generator's update, new latents go through the generator, and its optimizer applies the gradient of
`weight * every * penalty` alone. `gan_cli.training.generator_phases` does that, and corrects the optimizer for
the further updates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from gan_cli.penalties import Regularizer

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class PhaseBatch:
    """The arguments of a penalty with a phase of its own.

    Attributes:
        generator: in its form for training.
        inputs: what it is called with: latents `[n, latent_size]`, and conditions and noise where it takes some.
        draw_normal: maps a shape to normal numbers, float32, new in each phase.
        step: int64 scalar, from 0.
        state: the penalty's float32 scalars, by name.
    """

    generator: keras.Model
    inputs: list[Any]
    draw_normal: Callable[[Any], Any]
    step: Any
    state: Mapping[str, Any]


class PhaseValue(NamedTuple):
    """The unweighted penalty, a float32 scalar, and the new scalars of its state."""

    penalty: Any
    state: Mapping[str, Any]


class PhasePenalty(Regularizer, ABC):
    """Base class of penalties on the generator with a phase of their own. A subclass defines `__call__`.

    Attributes:
        share: share of the batch size that the phase's batch has, rounded down, at least one example.
        needs_styles: whether the generator has to have the styles w of StyleGAN, see `gan_cli.models.ModelPair`.
    """

    every: int = 4
    share: float = 0.5
    needs_styles: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, batch: PhaseBatch) -> PhaseValue:
        """Returns the penalty of a batch, differentiable with respect to the generator's weights."""

    @property
    def on_generator(self) -> bool:
        return True

    def examples(self, batch_size: int) -> int:
        """Returns the number of examples in a batch of the phase."""
        return max(int(self.share * batch_size + 1e-6), 1)
