"""The adversarial step: `critic_steps` updates of the discriminator and one of the generator.

    repeat critic_steps - 1 times:                 the discriminator alone
        fake = G(z)
        D <- D - rate * gradient of [ loss.discriminator(D(real), D(fake)) + penalties ]
    once more, sharing one generated batch:        both
        fake = G(z)
        D <- as above
        G <- G - rate * gradient of [ loss.generator(D(fake)) + penalties on the generator ]

D here is the discriminator with what stands before it, see `gan_cli.training.augmented_discriminator`.

`alternating` computes the generator's loss with the updated discriminator (Goodfellow 2014, arXiv:1406.2661,
Algorithm 1), `simultaneous` with the one before, whose outputs are there already. In both, the generated batch of the
generator's update is the one that the discriminator has just learned from: the generator has not changed in between, so
computing it again would give another sample of the same distribution at the price of a pass through the generator.

The generator's gradient is taken by the chain rule in two parts, through the discriminator to `fake`, and from `fake`
to the weights, so that no gradient of the discriminator's weights is computed on its way.

Everything random is a function of the seed and the step, so the step has no state besides its models, its optimizers
and the scalars that its parts carry on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gan_cli.lazy import keras, tf
from gan_cli.losses import EMBEDDING, PIXELS, DiscriminatorOutput, Loss, output_of, trains_discriminator
from gan_cli.penalties import Batch, Penalty, Projection, is_on_generator
from gan_cli.random_seeds import Purpose, fold
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator, Role, Update, assign
from gan_cli.training.top_k import top_k_logits

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
    judge: AugmentedDiscriminator
    """The discriminator with what stands before it."""
    penalties: dict[str, Penalty | Projection]
    draw_latents: Callable[[Any], Any]
    """From a stateless seed, int32 `[2]`, to float32 latents `[batch, latent_size]`."""
    learning_rates: Callable[[Any], tuple[Any, Any]]
    """From the step, int64 scalar, to the learning rates of generator and discriminator."""
    critic_steps: int
    simultaneous: bool
    seed: int
    state: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Scalars that the loss ("loss") and penalties ("penalty/NAME") carry on, as variables by name."""
    top_share: Callable[[Any], Any] | None = None
    """From the step to the share of generated examples that the generator learns from; None for all."""

    def __post_init__(self) -> None:
        terms = {name: one for name, one in self.penalties.items() if isinstance(one, Penalty)}
        self.on_generator = {name: one for name, one in terms.items() if is_on_generator(one)}
        self.on_discriminator = {name: one for name, one in terms.items() if name not in self.on_generator}
        self.loss: Loss = self.judge.loss
        seeing = [one for one in self.on_generator.values() if getattr(one, "needs_real", False)]
        scored = bool(self.on_generator) and output_of(self.loss) in (EMBEDDING, PIXELS)  # beside real ones
        self.generator_needs_real = self.loss.generator_needs_real or bool(seeing) or scored
        distances = (getattr(one, "perturbation_std", None) for one in terms.values())
        self.perturbation_std = next((distance for distance in distances if distance), None)

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
            made, now = [tf.stop_gradient(one) for one in self.generate(step, update)], self.judge.at(step, update)
            self.update_discriminator(now.present(real[update], made[0]), made, now)
        return self.update_both(real[self.critic_steps - 1], self.judge.at(step, self.critic_steps - 1))

    @property
    def intervals(self) -> dict[str, int]:
        """The name of each metric, with the interval in steps at which it is computed."""
        more = [*getattr(self.loss, "measures", ())]
        more += [f"augment_{name}" for name, one in self.judge.augmentations.items() if one.varies]
        lazy = {f"penalty_{name}": one.every for name, one in (self.on_discriminator | self.on_generator).items()}
        return dict.fromkeys((*METRICS, *more), 1) | lazy

    def generate(self, step: Any, update: Any) -> list[Any]:
        """A batch of examples and, where a penalty asks for them, their neighbours."""
        latents = self.draw_latents(fold(self.seed, Purpose.LATENTS, step, update))
        fake = self.generator(latents, training=True)
        if self.perturbation_std is None:
            return [fake]
        noise = tf.random.stateless_normal(tf.shape(latents), fold(self.seed, Purpose.NEIGHBOURS, step, update))
        return [fake, self.generator(latents + self.perturbation_std * noise, training=True)]

    def update_both(self, real: Any, now: Update) -> Metrics:
        with tf.GradientTape() as from_weights:
            made = self.generate(now.step, now.update)
        if self.simultaneous:
            metrics, slopes = self.update_simultaneously(real, made, now)
        else:
            constant = [tf.stop_gradient(one) for one in made]
            presented = now.present(real, constant[0])
            metrics = self.update_discriminator(presented, constant, now)
            with tf.GradientTape(watch_accessed_variables=False) as to_made:
                to_made.watch([made, [variable.value for variable in self.generator.trainable_variables]])
                presented = presented[0], now.pack(made[0])
                real_output, fake_output = self.judge_for_generator(*presented, now)
                loss, scaled, penalties = self.generator_loss(presented, real_output, fake_output, made, now)
            slopes = to_made.gradient(scaled, (made, self.generator.trainable_variables))
            metrics |= {"generator_loss": loss, **penalties}
        return metrics | self.update_generator(from_weights, made, *slopes)

    def update_simultaneously(self, real: Any, made: list[Any], now: Update) -> tuple[Metrics, Any]:
        """Updates the discriminator, and gives the slopes of the generator's loss from before that."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(made)
            presented = now.present(real, made[0])
            judged = now.say_both(*presented, roles=(Role.REAL, Role.FAKE))
            constant = [tf.stop_gradient(one) for one in made]
            fixed = presented[0], now.pack(constant[0])
            loss, scaled, penalties = self.discriminator_loss(fixed, judged, constant, now)
            generator_loss, generator_scaled, more = self.generator_loss(presented, *judged, made, now)
        gradients = tape.gradient(scaled, self.discriminator.trainable_variables)
        slopes = tape.gradient(generator_scaled, (made, self.generator.trainable_variables))
        del tape
        metrics = self.apply_to_discriminator(gradients, loss, judged, now)
        return metrics | penalties | {"generator_loss": generator_loss, **more}, slopes

    def update_discriminator(self, presented: tuple[Any, Any], made: list[Any], now: Update) -> Metrics:
        """Updates the discriminator on presented examples; no gradient flows into what `made` them."""
        with tf.GradientTape() as tape:
            judged = now.say_both(*presented, roles=(Role.REAL, Role.FAKE))
            loss, scaled, penalties = self.discriminator_loss(presented, judged, made, now)
        gradients = tape.gradient(scaled, self.discriminator.trainable_variables)
        return self.apply_to_discriminator(gradients, loss, judged, now) | penalties

    def judge_for_generator(self, real: Any, fake: Any, now: Update) -> tuple[DiscriminatorOutput | None, Any]:
        """What the updated discriminator says of presented examples, of real ones where the generator sees that."""
        if self.generator_needs_real:
            return now.say_both(real, fake, roles=(Role.REAL_FOR_GENERATOR, Role.FAKE_FOR_GENERATOR))
        return None, now.say(fake, Role.FAKE_FOR_GENERATOR)

    def discriminator_loss(
        self, presented: tuple[Any, Any], judged: tuple[Any, Any], made: list[Any], now: Update
    ) -> tuple[Any, Any, Metrics]:
        """The loss alone, the loss with its penalties scaled for the optimizer, and each penalty."""
        loss = self.loss.discriminator(*judged, **self.values("loss"))
        variables = self.discriminator.trainable_variables
        total, penalties = self.add_penalties(self.on_discriminator, loss, presented, judged, variables, made, now)
        return loss, self.discriminator_optimizer.scale_loss(total), penalties

    def generator_loss(
        self, presented: tuple[Any, Any], real_output: Any, fake_output: Any, made: list[Any], now: Update
    ) -> tuple[Any, Any, Metrics]:
        """As `discriminator_loss`, for the generator."""
        best = fake_output
        if self.top_share is not None:
            best = fake_output._replace(logits=top_k_logits(fake_output.logits, self.top_share(now.step)))
        seen = real_output if self.loss.generator_needs_real else None
        loss = self.loss.generator(best, seen, **self.values("loss"))
        judged, variables = (real_output, fake_output), self.generator.trainable_variables
        total, penalties = self.add_penalties(self.on_generator, loss, presented, judged, variables, made, now)
        return loss, self.generator_optimizer.scale_loss(total), penalties

    def add_penalties(
        self,
        penalties: Mapping[str, Penalty],
        loss: Any,
        presented: tuple[Any, Any],
        judged: tuple[Any, Any],
        variables: list[Any],
        made: list[Any],
        now: Update,
    ) -> tuple[Any, Metrics]:
        """The loss with its penalties, and each penalty unweighted; 0 where this step leaves it out."""
        values, order = {}, list(self.penalties)
        for name, penalty in penalties.items():
            index = order.index(name)
            batch = Batch(
                discriminator=now.for_penalty(index, judged),
                real=presented[0],
                fake=presented[1],
                real_output=judged[0],
                fake_output=judged[1],
                seed=fold(self.seed, Purpose.PENALTY, index, now.step, now.update),
                step=now.step,
                variables=variables,
                augmented=bool(self.judge.augmentations),
                neighbours=now.pack(made[1]) if len(made) > 1 else None,
                state=self.state.get(f"penalty/{name}", {}),
            )
            if penalty.every == 1:
                value = penalty(batch)
                loss = loss + penalty.weight * value
            else:
                due = now.step % penalty.every == 0
                value = tf.cond(due, lambda p=penalty, b=batch: p(b), lambda: tf.constant(0.0))
                loss = loss + penalty.weight * penalty.every * value
            if batch.state:
                assign(batch.state, penalty.next_state(batch))  # type: ignore[attr-defined]
            values[f"penalty_{name}"] = value
        return loss, values

    def apply_to_discriminator(
        self, gradients: list[Any], loss: Any, judged: tuple[DiscriminatorOutput, DiscriminatorOutput], now: Update
    ) -> Metrics:
        real, fake = judged
        norm = tf.constant(0.0)
        if trains_discriminator(self.loss):
            norm = gradient_norm(gradients, self.discriminator_optimizer)
            variables = self.discriminator.trainable_variables
            self.discriminator_optimizer.apply(gradients, variables)
            for penalty in self.penalties.values():
                if isinstance(penalty, Projection):
                    penalty.project(variables)
        values = self.values("loss")
        measured = self.loss.measure(real, fake, **values) if hasattr(self.loss, "measure") else {}
        strengths = {f"augment_{n}": now.strengths[n] for n, one in self.judge.augmentations.items() if one.varies}
        if values:
            assign(self.state["loss"], self.loss.next_state(real, fake, **values))  # type: ignore[attr-defined]
        self.judge.learn(real, fake, tf.size(real.logits) * self.judge.pack)
        return {
            "discriminator_loss": loss,
            "real_logits": tf.reduce_mean(real.logits),
            "fake_logits": tf.reduce_mean(fake.logits),
            "discriminator_gradient_norm": norm,
            **measured,
            **{name: tf.cast(value, tf.float32) for name, value in strengths.items()},
        }

    def update_generator(
        self, from_weights: Any, made: list[Any], to_made: list[Any], to_weights: list[Any]
    ) -> Metrics:
        """Updates the generator from the slopes of its loss: at what it made, and at its weights themselves."""
        variables = self.generator.trainable_variables
        slopes = [tf.zeros_like(one) if slope is None else slope for one, slope in zip(made, to_made, strict=True)]
        gradients = from_weights.gradient(made, variables, output_gradients=slopes)
        gradients = [sum_of(pair) for pair in zip(gradients, to_weights, strict=True)]
        norm = gradient_norm(gradients, self.generator_optimizer)
        self.generator_optimizer.apply(gradients, variables)
        return {"generator_gradient_norm": norm}

    def values(self, part: str) -> dict[str, Any]:
        """The scalars that a part carries on, as they are now."""
        return {name: tf.convert_to_tensor(variable) for name, variable in self.state.get(part, {}).items()}


def sum_of(gradients: tuple[Any, Any]) -> Any:
    """The sum of two gradients, either of which may be missing."""
    first, second = gradients
    if first is None or second is None:
        return second if first is None else first
    return first + second


def set_learning_rate(optimizer: keras.Optimizer, rate: Any) -> None:
    getattr(optimizer, "inner_optimizer", optimizer).learning_rate = rate


def gradient_norm(gradients: list[Any], optimizer: keras.Optimizer) -> Any:
    """The norm over all gradients together, float32, loss scaling taken out."""
    scale = getattr(optimizer, "dynamic_scale", None)
    norm = tf.linalg.global_norm([tf.cast(gradient, tf.float32) for gradient in gradients if gradient is not None])
    return norm if scale is None else norm / tf.convert_to_tensor(scale)
