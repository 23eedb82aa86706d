"""Objectives (`loss=...`), one a file: a frozen dataclass with the two equations of its paper.

The contract:

- `discriminator(real, fake) -> scalar` and `generator(fake, real) -> scalar`, both float32 and both minimised, are
  pure functions of what the discriminator says of a batch of real and a batch of generated examples.
- `generator_sees_real: ClassVar[bool]`: whether `generator` uses `real`. Where it does not, `real` is None there and
  the step saves one pass of the discriminator.
- `critic: ClassVar[bool]`: whether the paper speaks of a critic (Wasserstein losses) rather than a discriminator.
- `equilibrium: float | None`, a ClassVar or a property, which may be left out: the logit that the best discriminator
  gives to everything where generated and real examples are alike, and so its threshold between the two; None, as
  without it, where any logit would do, since only differences of logits count.

The usual penalty, optimizer and number of critic steps of a loss are not in its class but in its YAML, which selects
them in the other groups; whatever the user types wins over it.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Protocol


class DiscriminatorOutput(NamedTuple):
    """What the discriminator says of a batch.

    Attributes:
        logits: float32 `[batch]`, unbounded; never probabilities. High means real.
        features: float32 tensors `[batch, ...]` of its inner layers, empty where the model does not give any.
    """

    logits: Any
    features: tuple[Any, ...] = ()


class Loss(Protocol):
    """What `loss=...` builds."""

    generator_sees_real: ClassVar[bool]
    critic: ClassVar[bool]

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any: ...

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any: ...
