"""The adversarial step: `critic_steps` updates of the discriminator and one of the generator.

    repeat critic_steps - 1 times:                 the discriminator alone
        fake = G(z)
        D <- D - rate * gradient of [ loss.discriminator(D(real), D(fake)) + penalties ]
    once more, sharing one generated batch:        both
        fake = G(z)
        D <- as above
        G <- G - rate * gradient of loss.generator(D(fake))

`alternating` computes the generator's loss with the updated discriminator (Goodfellow 2014, arXiv:1406.2661,
Algorithm 1), `simultaneous` with the one before, whose outputs are there already. In both, the generated batch of the
generator's update is the one that the discriminator has just learned from: the generator has not changed in between, so
computing it again would give another sample of the same distribution at the price of a pass through the generator.

The generator's gradient is taken by the chain rule in two parts, through the discriminator to `fake`, and from `fake`
to the weights, so that no gradient of the discriminator's weights is computed on its way.

Everything random is a function of the seed and the step, so the step has no state besides its models and optimizers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gan_cli.lazy import keras, tf
from gan_cli.losses import DiscriminatorOutput, Loss
from gan_cli.penalties import Penalty, Projection
from gan_cli.randomness import Purpose, fold

Metrics = dict[str, Any]
# With several critic steps, those of the discriminator are of the last of them.
METRICS = (
    "generator_loss",
    "discriminator_loss",
    "real_logits",
    "fake_logits",
    "generator_gradient_norm",
    "discriminator_gradient_norm",
)


@dataclass(eq=False)
class AdversarialStep:
    """One training step over models, a loss, penalties and optimizers; knows no configuration, files or console."""

    generator: keras.Model
    discriminator: keras.Model
    generator_optimizer: keras.Optimizer
    discriminator_optimizer: keras.Optimizer
    loss: Loss
    penalties: dict[str, Penalty | Projection]
    draw_latents: Callable[[Any], Any]
    """From a stateless seed, int32 `[2]`, to float32 latents `[batch, latent_size]`."""
    learning_rates: Callable[[Any], tuple[Any, Any]]
    """From the step, int64 scalar, to the learning rates of generator and discriminator."""
    critic_steps: int
    simultaneous: bool
    seed: int

    def __call__(self, real: Any, step: Any) -> Metrics:
        """Performs one step.

        Args:
            real: float32 `[critic_steps, batch, *shape]`, a batch for each update of the discriminator.
            step: int64 scalar, from 0.

        Returns:
            Float32 scalars, one for each of `intervals`; a penalty that the step leaves out is 0.
        """
        generator_rate, discriminator_rate = self.learning_rates(step)
        set_learning_rate(self.generator_optimizer, generator_rate)
        set_learning_rate(self.discriminator_optimizer, discriminator_rate)
        for update in tf.range(self.critic_steps - 1) if self.critic_steps > 1 else ():
            fake = self.generator(self.latents(step, update), training=True)
            self.update_discriminator(real[update], tf.stop_gradient(fake), step, update)
        return self.update_both(real[self.critic_steps - 1], step, self.critic_steps - 1)

    @property
    def intervals(self) -> dict[str, int]:
        """The name of each metric, with the interval in steps at which it is computed."""
        lazy = {f"penalty_{name}": p.every for name, p in self.penalties.items() if isinstance(p, Penalty)}
        return dict.fromkeys(METRICS, 1) | lazy

    def latents(self, step: Any, update: Any) -> Any:
        return self.draw_latents(fold(self.seed, Purpose.LATENTS, step, update))

    def judge(self, examples: Any) -> DiscriminatorOutput:
        return DiscriminatorOutput(self.discriminator(examples, training=True))

    def update_both(self, real: Any, step: Any, update: Any) -> Metrics:
        with tf.GradientTape() as from_weights:
            fake = self.generator(self.latents(step, update), training=True)
        if self.simultaneous:
            return self.update_simultaneously(real, fake, from_weights, step, update)
        metrics = self.update_discriminator(real, tf.stop_gradient(fake), step, update)
        with tf.GradientTape(watch_accessed_variables=False) as to_fake:
            to_fake.watch(fake)
            judged_real = self.judge(real) if self.loss.generator_sees_real else None
            loss = self.loss.generator(self.judge(fake), judged_real)
            scaled = self.generator_optimizer.scale_loss(loss)
        slope = to_fake.gradient(scaled, fake)
        return metrics | self.update_generator(loss, from_weights, fake, slope)

    def update_simultaneously(self, real: Any, fake: Any, from_weights: Any, step: Any, update: Any) -> Metrics:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fake)
            judged_real, judged_fake = self.judge(real), self.judge(fake)
            discriminator_loss = self.loss.discriminator(judged_real, judged_fake)
            penalised, penalties = self.add_penalties(discriminator_loss, real, tf.stop_gradient(fake), step, update)
            scaled_discriminator_loss = self.discriminator_optimizer.scale_loss(penalised)
            loss = self.loss.generator(judged_fake, judged_real if self.loss.generator_sees_real else None)
            scaled = self.generator_optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled_discriminator_loss, self.discriminator.trainable_variables)
        slope = tape.gradient(scaled, fake)
        del tape
        metrics = self.apply_to_discriminator(gradients, discriminator_loss, judged_real, judged_fake)
        return metrics | penalties | self.update_generator(loss, from_weights, fake, slope)

    def update_discriminator(self, real: Any, fake: Any, step: Any, update: Any) -> Metrics:
        with tf.GradientTape() as tape:
            judged_real, judged_fake = self.judge(real), self.judge(fake)
            loss = self.loss.discriminator(judged_real, judged_fake)
            penalised, penalties = self.add_penalties(loss, real, fake, step, update)
            scaled = self.discriminator_optimizer.scale_loss(penalised)
        gradients = tape.gradient(scaled, self.discriminator.trainable_variables)
        return self.apply_to_discriminator(gradients, loss, judged_real, judged_fake) | penalties

    def add_penalties(self, loss: Any, real: Any, fake: Any, step: Any, update: Any) -> tuple[Any, Metrics]:
        """The loss with its penalties, and each penalty unweighted; 0 where this step leaves it out."""
        values = {}
        for index, (name, penalty) in enumerate(self.penalties.items()):
            if not isinstance(penalty, Penalty):
                continue
            seed = fold(self.seed, Purpose.PENALTY, index, step, update)
            if penalty.every == 1:
                value = penalty(self.judge, real, fake, seed)
                loss = loss + penalty.weight * value
            else:
                due = step % penalty.every == 0
                value = tf.cond(
                    due,
                    lambda p=penalty, s=seed: p(self.judge, real, fake, s),
                    lambda: tf.constant(0.0),
                )
                loss = loss + penalty.weight * penalty.every * value
            values[f"penalty_{name}"] = value
        return loss, values

    def apply_to_discriminator(self, gradients: list[Any], loss: Any, real: Any, fake: Any) -> Metrics:
        norm = gradient_norm(gradients, self.discriminator_optimizer)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(gradients, variables)
        for penalty in self.penalties.values():
            if isinstance(penalty, Projection):
                penalty.project(variables)
        return {
            "discriminator_loss": loss,
            "real_logits": tf.reduce_mean(real.logits),
            "fake_logits": tf.reduce_mean(fake.logits),
            "discriminator_gradient_norm": norm,
        }

    def update_generator(self, loss: Any, from_weights: Any, fake: Any, slope: Any) -> Metrics:
        variables = self.generator.trainable_variables
        gradients = from_weights.gradient(fake, variables, output_gradients=slope)
        norm = gradient_norm(gradients, self.generator_optimizer)
        self.generator_optimizer.apply(gradients, variables)
        return {"generator_loss": loss, "generator_gradient_norm": norm}


def set_learning_rate(optimizer: keras.Optimizer, rate: Any) -> None:
    getattr(optimizer, "inner_optimizer", optimizer).learning_rate = rate


def gradient_norm(gradients: list[Any], optimizer: keras.Optimizer) -> Any:
    """The norm over all gradients together, float32, loss scaling taken out."""
    scale = getattr(optimizer, "dynamic_scale", None)
    norm = tf.linalg.global_norm([tf.cast(gradient, tf.float32) for gradient in gradients if gradient is not None])
    return norm if scale is None else norm / tf.convert_to_tensor(scale)
