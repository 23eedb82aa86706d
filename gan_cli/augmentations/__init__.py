"""Augmentations of the discriminator's inputs (`augment=[...]`, any number), one a file: frozen dataclasses.

Real and generated examples are augmented in the same way, inside the graph. Gradients flow through the augmentation to
the generator and to penalties (Zhao et al. 2020, arXiv:2006.10738, section 3.2; Karras et al. 2020, arXiv:2006.06676,
section 2.2). Several are applied in the order in which they are named. All random numbers are
functions of the given seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.losses import NOTHING


class Augmentation:
    """Base class of augmentations; every method and attribute has a default.

    Class attributes may also be properties.

    Attributes:
        varies: whether its strength changes during training, so that it is logged.
        learns: whether it uses the discriminator's outputs, so that there has to be a discriminator.
        initial_state: float32 scalars that training updates and a checkpoint stores, by name, with their first values.
    """

    varies: ClassVar[bool] = False
    learns: ClassVar[bool] = False
    initial_state: ClassVar[Mapping[str, float]] = NOTHING

    @property
    def ramp(self) -> int | None:
        """Real examples in which a strength that adapts goes from 0 to 1 if it goes up all the time. Default: none."""
        return None

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError if examples of that shape can't be augmented. Does not load TensorFlow."""

    def strength(self, step: Any, state: Mapping[str, Any]) -> Any:
        """Returns the strength at `step` (int64 scalar): a number or a float32 scalar, in its own units."""
        return 1.0

    def replace_real(self, real: Any, fake: Any, strength: Any, seed: Any, labels: Any = None) -> Any:
        """Returns what replaces the real examples before packing, `[batch, *shape]`; by default `real` itself.

        With labels, int32 `[batch]`, which real and generated examples share, each keeps its class; they are given in
        conditional runs alone.
        """
        return real

    def __call__(self, examples: Any, strength: Any, seed: Any) -> Any:
        """Returns augmented examples.

        Args:
            examples: float32 `[batch, *shape]`: images in [-1, 1] of any size and number of channels, or points.
            strength: what `strength` gave.
            seed: int32 `[2]` for stateless random numbers.

        Returns:
            float32 of the same shape; no gradient but through the examples.
        """
        return examples

    def next_state(self, margins: Any, images: int, state: Mapping[str, Any], step: Any) -> Mapping[str, Any]:
        """Returns the state after an update of the discriminator.

        Args:
            margins: float32 `[batch / pack]`, logits of real examples minus the threshold between real and generated:
                the equilibrium of the loss, or where it has none the middle between the means of both kinds.
            images: real examples that the update has seen.
            state: before.
            step: int64 scalar, from 0.
        """
        return state
