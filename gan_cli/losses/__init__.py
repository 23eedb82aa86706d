"""Objectives (`loss=...`), one a file: a frozen dataclass with the two equations of its paper.

The contract:

- `discriminator(real, fake) -> scalar` and `generator(fake, real) -> scalar`, both float32 and both minimised, are
  pure functions of what the discriminator says of a batch of real and a batch of generated examples.
- `generator_needs_real: ClassVar[bool]`: whether `generator` uses `real`. Where it does not, `real` is None there and
  the step saves one pass of the discriminator.
- `critic: ClassVar[bool]`: whether the paper speaks of a critic (Wasserstein losses) rather than a discriminator.

What may be left out:

- `decision_threshold: float | None`, a ClassVar or a property: the logit that the best discriminator gives to every
  example where generated and real examples are alike, and so its threshold between the two; None, the default, where
  any logit would do, since only differences of logits count.
- `is_per_sample: ClassVar[bool]`, False without it: whether the generator's loss is a mean over generated examples, of
  each one's own logit (and that of its real partner), so that it can be taken over the best of them alone
  (`train.top_k`).
- `output: ClassVar[str]`, LOGITS without it: what kind of discriminator is built; see `gan_cli.models.discriminator`.
    - EMBEDDING: it gives vectors, `embedding_size: int` numbers each; PIXELS: there is none, the examples themselves
      are the vectors, and the generator alone is trained. Both need
      `mmd_witness(embedding, real, fake) -> logits [n]`, the score of vectors `[n, size]` against those of a real and
      of a generated batch, high where it is more like the real one: penalties and logs take it for the logits. Given
      one of these batches itself, the same tensor, it compares no example with itself.
    - RECONSTRUCTION: it is an auto-encoder, whose logits are minus the mean absolute error of each example.
- `layer: str`: a layer of the discriminator by name, `auto` for the last one before its output, whose activations the
  loss finds in `features[layer]`; or `all`, which has a tuple there, one of each layer with an activation function.
- `initial_state: Mapping[str, float]`: float32 scalars that training carries on and a checkpoint keeps, by name. Both
  equations are then called with each as a keyword, and `next_state(real, fake, **state) -> dict` gives the new ones
  after each update of the discriminator.
- `measures: ClassVar[tuple[str, ...]]` and `measure(real, fake, **state) -> dict`: more scalars for the log, by name.

The usual penalty, optimizer and number of critic steps of a loss are not in its class but in its YAML, which selects
them in the other groups; whatever the user types wins over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol

LOGITS, EMBEDDING, RECONSTRUCTION, PIXELS = "logits", "embedding", "reconstruction", "pixels"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class DiscriminatorOutput(NamedTuple):
    """What the discriminator says of a batch.

    Attributes:
        logits: float32 `[batch]`, unbounded; never probabilities. High means real. Of a loss that compares vectors, the
            witness of these.
        features: activations `[batch, ...]` of the layers that a loss or a penalty names, by that name; see `layer`.
        embedding: float32 vectors `[batch, size]` where the loss compares vectors, else None.
    """

    logits: Any
    features: Mapping[str, Any] = NOTHING
    embedding: Any = None


class Loss(Protocol):
    """What `loss=...` builds."""

    generator_needs_real: ClassVar[bool]
    critic: ClassVar[bool]

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any: ...

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any: ...


def output_of(loss: Loss) -> str:
    """What kind of discriminator a loss wants."""
    return getattr(loss, "output", LOGITS)


def trains_discriminator(loss: Loss) -> bool:
    """Whether there is a discriminator to train."""
    return output_of(loss) != PIXELS


def decision_threshold_of(loss: Loss) -> float | None:
    """The logit that the best discriminator gives where generator and data are alike, None where any will do."""
    value = getattr(loss, "equilibrium", None)
    return None if value is None else float(value)
