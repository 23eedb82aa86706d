"""What the generator is called with in a step: latents, conditions and noise, as functions of the seed and the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gan_cli.lazy import tf
from gan_cli.models.condition import Condition, Targets
from gan_cli.random_seeds import Purpose, fold
from gan_cli.training.augmented_discriminator import UpdateContext


@dataclass(eq=False)
class GeneratorInputs:
    """Draws the inputs of the generator.

    Attributes:
        draw_latents: maps a stateless seed, int32 `[2]`, to float32 latents `[batch, latent_size]`.
        seed: the run's seed.
        condition: what the generator gets besides latents; None for nothing.
        draw_targets: maps a stateless seed to random codes; None where generated examples get the labels of real ones.
        noise_size: how many normal numbers the generator gets for an example besides latents and condition.
        perturbation_std: standard deviation of the noise on latents for perturbed examples; None for none of these.
    """

    draw_latents: Callable[[Any], Any]
    seed: int
    condition: Condition | None = None
    draw_targets: Callable[[Any], Targets] | None = None
    noise_size: int = 0
    perturbation_std: float | None = None

    def targets(self, step: Any, update: Any, labels: Any) -> Targets | None:
        """Returns the labels or codes of an update; None without a condition.

        Args:
            labels: of real examples, int32 `[batch]`.
        """
        if self.condition is None:
            return None
        if self.draw_targets is None:
            return Targets(labels)
        return self.draw_targets(fold(self.seed, Purpose.CODES, step, update))

    def latents(self, context: UpdateContext) -> list[Any]:
        """Returns the latents of an update, with those of perturbed examples if a penalty asks for these."""
        step, update = context.step, context.update
        latents = self.draw_latents(fold(self.seed, Purpose.LATENTS, step, update))
        if self.perturbation_std is None:
            return [latents]
        noise = tf.random.stateless_normal(tf.shape(latents), fold(self.seed, Purpose.PERTURBATION, step, update))
        return [latents, latents + self.perturbation_std * noise]

    def noise(self, latents: Any, context: UpdateContext) -> Any:
        """Returns the normal numbers of an update, `[batch, noise_size]`; None where the generator takes none."""
        return self.draw_noise(latents.shape[0], fold(self.seed, Purpose.NOISE, context.step, context.update))

    def draw_noise(self, count: int, seed: Any) -> Any:
        return tf.random.stateless_normal([count, self.noise_size], seed) if self.noise_size else None

    def join(self, latents: Any, targets: Targets | None, noise: Any = None) -> Any:
        """Returns what the generator is called with: latents, with conditions and noise where it takes some."""
        inputs = self.as_list(latents, targets, noise)
        return inputs if len(inputs) > 1 else latents

    def as_list(self, latents: Any, targets: Targets | None, noise: Any) -> list[Any]:
        inputs = [latents]
        if self.condition is not None and targets is not None:
            inputs.append(self.condition.tensors(targets))
        return inputs if noise is None else [*inputs, noise]

    def for_phase(self, index: int, step: Any, examples: Callable[[int], int], labels: Any) -> list[Any]:
        """Returns new inputs for the phase of penalty `index`.

        Args:
            examples: maps the batch size to the number of examples, at most that many.
            labels: of real examples, int32 `[batch]`; None where the step gets none.
        """
        latents, noise, codes = (
            fold(self.seed, Purpose.PHASE_INPUTS, index, use, step)
            for use in (Purpose.LATENTS, Purpose.NOISE, Purpose.CODES)
        )
        whole, targets = self.draw_latents(latents), None
        count = examples(whole.shape[0])
        if self.condition is not None:
            drawn = Targets(labels) if self.draw_targets is None else self.draw_targets(codes)
            targets = Targets(*(None if one is None else one[:count] for one in drawn))
        return self.as_list(whole[:count], targets, self.draw_noise(count, noise))
