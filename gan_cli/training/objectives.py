"""The losses of both networks with the terms of the conditioning, from the discriminator's outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gan_cli.conditioning import Conditioning
from gan_cli.lazy import tf
from gan_cli.losses import Loss
from gan_cli.training.augmented_discriminator import UpdateContext, assign_scalars
from gan_cli.training.forward_pass import Outputs
from gan_cli.training.top_k import top_k_logits

Metrics = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Objectives:
    """The losses of both networks, without penalties.

    Attributes:
        state: the float32 scalars of the loss, as variables by name.
        constants: arrays that the loss has computed from all training examples, as tensors by name.
        top_share: maps the step to the share of generated examples that train the generator; None for all.
    """

    loss: Loss
    conditioning: Conditioning
    state: Mapping[str, Any]
    constants: Mapping[str, Any]
    top_share: Callable[[Any], Any] | None = None

    def discriminator(self, outputs: Outputs, context: UpdateContext) -> tuple[Any, Metrics]:
        """Returns the discriminator's loss with the terms of the conditioning, and both as metrics."""
        terms = {} if context.targets is None else self.conditioning.discriminator(*outputs)
        if self.conditioning.replaces_loss:
            loss = tf.add_n(list(terms.values()))
            return loss, {"discriminator_loss": loss, **terms}
        loss = self.loss.discriminator(*outputs, **self.arguments(context.step))
        return sum(terms.values(), loss), {"discriminator_loss": loss, **terms}

    def generator(self, outputs: Outputs, context: UpdateContext) -> tuple[Any, Metrics]:
        """Returns the generator's loss with the terms of the conditioning, and both as metrics."""
        real, fake = outputs
        terms = {} if context.targets is None else self.conditioning.generator(fake, real)
        if self.conditioning.replaces_loss:
            loss = tf.add_n(list(terms.values()))
            return loss, {"generator_loss": loss, **terms}
        loss = self.adversarial_generator_loss(outputs, context.step)
        return sum(terms.values(), loss), {"generator_loss": loss, **terms}

    def adversarial_generator_loss(self, outputs: Outputs, step: Any) -> Any:
        """Returns the generator's loss alone."""
        real, fake = outputs
        if self.top_share is not None:
            fake = fake._replace(logits=top_k_logits(fake.logits, self.top_share(step)))
        return self.loss.generator(fake, real if self.loss.generator_needs_real else None, **self.arguments(step))

    def arguments(self, step: Any) -> dict[str, Any]:
        """Returns the keywords of both losses: scalars, constants and, if the loss uses it, the step."""
        return {**self.scalars(), **self.constants, **({"step": step} if self.loss.uses_step else {})}

    def scalars(self) -> dict[str, Any]:
        """Returns the current values of the loss's scalars."""
        return {name: tf.convert_to_tensor(variable) for name, variable in self.state.items()}

    def measure_and_advance(self, outputs: Outputs) -> Metrics:
        """Returns the loss's measures of the discriminator's outputs, and updates its scalars from these outputs."""
        real, fake = outputs
        scalars = self.scalars()
        measured = dict(self.loss.measure(real, fake, **scalars))
        if scalars:
            assign_scalars(self.state, self.loss.next_state(real, fake, **scalars))
        return measured
