"""The adversarial step: `critic_steps` updates of the discriminator and one of the generator.

    repeat critic_steps - 1 times:                 the discriminator alone
        fake = G(z), or G(z, labels of the real examples)
        D <- D - rate * gradient of [ loss.discriminator(D(real), D(fake)) + terms of the conditioning + penalties ]
    once more, with one generated batch for both:
        fake = G(z)
        D <- as above
        G <- G - rate * gradient of [ loss.generator(D(fake)) + terms of the conditioning + penalties on the generator ]
    the phases of penalties on the generator that have one, see `gan_cli.training.generator_phases`

D is the augmented discriminator, see `gan_cli.training.augmented_discriminator`.

`alternating` computes the generator's loss with the updated discriminator (Goodfellow 2014, arXiv:1406.2661,
Algorithm 1), `simultaneous` with the discriminator before its update, whose outputs are already computed. Both use the
generated batch of the discriminator's update for the generator's update too: the generator has not changed since, so
another batch would be a sample of the same distribution at the cost of one more forward pass.

The generator's gradient is computed by the chain rule in two parts, through the discriminator to the generated
examples, and from these to the weights, so that no gradient of the discriminator's weights is computed on the way.

All random numbers are functions of the seed and the step. The state of a step is its models, its optimizers and the
scalars of its loss, penalties and augmentations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gan_cli.lazy import keras, tf
from gan_cli.models.condition import Condition, Targets
from gan_cli.penalties import Penalty, Projection, Regularizer, is_on_generator
from gan_cli.penalties.phase_penalty import PhasePenalty
from gan_cli.schedule import Schedule
from gan_cli.training.augmented_discriminator import AugmentedDiscriminator, Role, UpdateContext
from gan_cli.training.forward_pass import ForwardPass, Generated, Inputs, Outputs
from gan_cli.training.generator_inputs import GeneratorInputs
from gan_cli.training.generator_phases import GeneratorPhases, generator_update_ratio
from gan_cli.training.gradients import GeneratorGradients, add_gradients, gradient_norm, set_beta_2, set_learning_rate
from gan_cli.training.objectives import Metrics, Objectives
from gan_cli.training.penalty_terms import PenaltyTerms
from gan_cli.training.trained_variables import split_variables

# With several critic steps, the discriminator's metrics are those of the last one.
METRICS = (
    "generator_loss",
    "discriminator_loss",
    "real_logits",
    "fake_logits",
    "generator_gradient_norm",
    "discriminator_gradient_norm",
)
FOR_DISCRIMINATOR = (Role.REAL, Role.FAKE)
FOR_GENERATOR = (Role.REAL_FOR_GENERATOR, Role.FAKE_FOR_GENERATOR)


class LossTerms(NamedTuple):
    """A loss with all its terms, scaled for the optimizer, and as metrics the loss and each term.

    Penalties are unweighted there.
    """

    scaled: Any
    metrics: Metrics


@dataclass(eq=False)
class AdversarialStep:
    """One training step over models, a loss, penalties and optimizers; knows no configuration, files or console.

    Attributes:
        augmented_discriminator: `discriminator` with packing and augmentation.
        draw_latents: maps a stateless seed, int32 `[2]`, to float32 latents `[batch, latent_size]`.
        learning_rates: maps the step, int64 scalar, to the learning rates of generator and discriminator.
        state: scalars of the loss ("loss") and of penalties ("penalty/NAME"), as variables by name.
        constants: arrays that the loss has computed from all training examples, as tensors by name.
        top_share: maps the step to the share of generated examples that train the generator; None for all.
        beta_2: Adam's beta_2 where it changes, else None.
        schedules: schedules by the name of the metric that shows their value.
        condition: what the generator gets besides latents; None for nothing.
        draw_targets: maps a stateless seed to random codes; None where generated examples get the labels of real ones.
        noise_size: how many normal numbers the generator gets for an example besides latents and condition.
    """

    generator: keras.Model
    discriminator: keras.Model
    generator_optimizer: keras.Optimizer
    discriminator_optimizer: keras.Optimizer
    augmented_discriminator: AugmentedDiscriminator
    penalties: dict[str, Regularizer | Projection]
    draw_latents: Callable[[Any], Any]
    learning_rates: Callable[[Any], tuple[Any, Any]]
    critic_steps: int
    simultaneous: bool
    seed: int
    state: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    top_share: Callable[[Any], Any] | None = None
    beta_2: Schedule | None = None
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    condition: Condition | None = None
    draw_targets: Callable[[Any], Targets] | None = None
    noise_size: int = 0

    def __post_init__(self) -> None:
        self.loss = self.augmented_discriminator.loss
        self.conditioning = self.augmented_discriminator.conditioning
        self.variables = split_variables(self.generator, self.discriminator, self.conditioning)
        terms = {name: one for name, one in self.penalties.items() if isinstance(one, Penalty)}
        self.generator_penalties = self.penalty_terms(self.generator, on_generator=True)
        self.discriminator_penalties = self.penalty_terms(self.discriminator, on_generator=False)
        on_generator = self.generator_penalties.penalties.values()
        # Vectors get their logits by comparison with a real batch.
        penalties_need_real = any(one.needs_real for one in on_generator)
        logits_need_real = bool(on_generator) and self.loss.compares_vectors
        terms_need_real = self.conditioning.generator_needs_real
        self.generator_needs_real = (
            self.loss.generator_needs_real or penalties_need_real or logits_need_real or terms_need_real
        )
        deviations = (one.perturbation_std for one in terms.values())
        self.inputs = GeneratorInputs(
            self.draw_latents,
            self.seed,
            self.condition,
            self.draw_targets,
            self.noise_size,
            perturbation_std=next((deviation for deviation in deviations if deviation), None),
        )
        self.objectives = Objectives(
            self.loss, self.conditioning, self.state.get("loss", {}), self.constants, self.top_share
        )
        self.phases = self.generator_phases()

    def penalty_terms(self, network: keras.Model, on_generator: bool) -> PenaltyTerms:
        """Returns the penalties that are terms of the loss of one of the networks."""
        terms = {name: one for name, one in self.penalties.items() if isinstance(one, Penalty)}
        chosen = {name: one for name, one in terms.items() if is_on_generator(one) == on_generator}
        return PenaltyTerms(chosen, self.penalty_indices(), network, self.seed, self.state)

    def generator_phases(self) -> GeneratorPhases:
        """Returns the penalties on the generator with a phase of their own."""
        return GeneratorPhases(
            penalties={name: one for name, one in self.penalties.items() if isinstance(one, PhasePenalty)},
            indices=self.penalty_indices(),
            generator=self.generator,
            optimizer=self.generator_optimizer,
            variables=self.variables.generator,
            inputs=self.inputs,
            seed=self.seed,
            state=self.state,
        )

    def penalty_indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.penalties)}

    def __call__(self, real: Any, step: Any, labels: Any = None) -> Metrics:
        """Performs one step.

        Args:
            real: float32 `[critic_steps, batch, *shape]`, a batch for each update of the discriminator.
            step: int64 scalar, from 0.
            labels: of these examples, int32 `[critic_steps, batch]`; None unless `uses_labels`.

        Returns:
            Float32 scalars, one for each of `intervals`; a penalty that is not due is 0.
        """
        self.set_optimizer_schedules(step)
        last = self.critic_steps - 1

        def update_critic(update: Any) -> list[Any]:
            context = self.context(step, update, labels)
            generated = self.generate(context).without_gradient()
            self.update_discriminator(context.prepare(real[update], generated.examples), generated, context)
            return [update + 1]

        if last > 0:
            tf.while_loop(lambda update: update < last, update_critic, [tf.constant(0)])
        metrics = self.update_both(real[last], self.context(step, last, labels))
        metrics |= self.phases(step, None if labels is None else labels[last])
        return metrics | {name: schedule(step) for name, schedule in self.schedules.items()}

    @property
    def uses_labels(self) -> bool:
        """Whether the step gets the labels of real examples."""
        return self.conditioning.needs_labels

    def context(self, step: Any, update: Any, labels: Any) -> UpdateContext:
        """Returns the discriminator in an update, with the labels or codes of its examples."""
        of_update = None if labels is None else labels[update]
        targets = self.inputs.targets(step, update, of_update)
        return self.augmented_discriminator.context(step, update, targets)

    def set_optimizer_schedules(self, step: Any) -> None:
        """Assigns the learning rates of the step, and its beta_2 where that changes."""
        optimizers = (self.generator_optimizer, self.discriminator_optimizer)
        ratios = (generator_update_ratio(self.penalties), 1.0)
        for optimizer, rate, ratio in zip(optimizers, self.learning_rates(step), ratios, strict=True):
            set_learning_rate(optimizer, rate * ratio)
            if self.beta_2 is not None:
                set_beta_2(optimizer, self.beta_2(step) ** ratio)

    @property
    def intervals(self) -> dict[str, int]:
        """The name of each metric, with the interval in steps at which it is computed."""
        augmentations = self.augmented_discriminator.augmentations
        strengths = [f"augment_{name}" for name, one in augmentations.items() if one.varies]
        terms = (*self.conditioning.discriminator_terms, *self.conditioning.generator_terms)
        names = (*METRICS, *terms, *self.loss.measures, *strengths, *self.schedules)
        penalties = (self.discriminator_penalties, self.generator_penalties, self.phases)
        return dict.fromkeys(names, 1) | {name: every for one in penalties for name, every in one.intervals().items()}

    def generate(self, context: UpdateContext) -> Generated:
        """Returns a batch of generated examples, with perturbed ones if a penalty asks for them."""
        batches = self.inputs.latents(context)
        noise = self.inputs.noise(batches[0], context)
        inputs = (self.inputs.join(latents, context.targets, noise) for latents in batches)
        return Generated(batches[0], *(self.generator(one, training=True) for one in inputs))

    def update_both(self, real: Any, context: UpdateContext) -> Metrics:
        """Updates both networks with one generated batch."""
        with tf.GradientTape() as tape:
            generated = self.generate(context)
        update = self.update_simultaneously if self.simultaneous else self.update_alternately
        metrics, gradients = update(real, generated, context)
        return metrics | self.update_generator(tape, generated, gradients)

    def update_alternately(
        self, real: Any, generated: Generated, context: UpdateContext
    ) -> tuple[Metrics, GeneratorGradients]:
        """Updates the discriminator, then computes the generator's gradients with the updated one."""
        constant = generated.without_gradient()
        prepared = context.prepare(real, constant.examples)
        metrics = self.update_discriminator(prepared, constant, context)
        variables = self.variables.generator
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([generated.outputs(), [variable.value for variable in variables]])
            inputs = Inputs(prepared.real, context.pack(generated.examples))
            forward = ForwardPass(inputs, self.outputs_for_generator(inputs, context), generated, context)
            terms = self.generator_loss(forward)
        gradients = GeneratorGradients(*tape.gradient(terms.scaled, (generated.outputs(), variables)))
        return metrics | terms.metrics, gradients

    def update_simultaneously(
        self, real: Any, generated: Generated, context: UpdateContext
    ) -> tuple[Metrics, GeneratorGradients]:
        """Updates the discriminator, and computes the generator's gradients with the one before the update."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(generated.outputs())
            inputs = context.prepare(real, generated.examples)
            outputs = context.forward_pair(inputs, FOR_DISCRIMINATOR)
            constant = generated.without_gradient()
            constant_inputs = Inputs(inputs.real, context.pack(constant.examples))
            forward = ForwardPass(constant_inputs, outputs, constant, context)
            of_discriminator = self.discriminator_loss(forward)
            of_generator = self.generator_loss(ForwardPass(inputs, outputs, generated, context))
        gradients = tape.gradient(of_discriminator.scaled, self.variables.discriminator)
        sources = (generated.outputs(), self.variables.generator)
        generator_gradients = GeneratorGradients(*tape.gradient(of_generator.scaled, sources))
        del tape
        metrics = self.apply_to_discriminator(gradients, of_discriminator.metrics, forward)
        return metrics | of_generator.metrics, generator_gradients

    def update_discriminator(self, inputs: Inputs, generated: Generated, context: UpdateContext) -> Metrics:
        """Updates the discriminator; no gradient flows to the generator."""
        with tf.GradientTape() as tape:
            outputs = context.forward_pair(inputs, FOR_DISCRIMINATOR)
            forward = ForwardPass(inputs, outputs, generated, context)
            terms = self.discriminator_loss(forward)
        gradients = tape.gradient(terms.scaled, self.variables.discriminator)
        return self.apply_to_discriminator(gradients, terms.metrics, forward)

    def outputs_for_generator(self, inputs: Inputs, context: UpdateContext) -> Outputs:
        """Returns the updated discriminator's outputs, for real examples only if the generator needs them."""
        if self.generator_needs_real:
            return context.forward_pair(inputs, FOR_GENERATOR)
        return Outputs(None, context.forward(inputs.fake, Role.FAKE_FOR_GENERATOR))

    def discriminator_loss(self, forward: ForwardPass) -> LossTerms:
        objective, metrics = self.objectives.discriminator(forward.outputs, forward.context)
        total, penalties = self.discriminator_penalties.add_to(objective, forward)
        return LossTerms(self.discriminator_optimizer.scale_loss(total), metrics | penalties)

    def generator_loss(self, forward: ForwardPass) -> LossTerms:
        objective, metrics = self.objectives.generator(forward.outputs, forward.context)
        total, penalties = self.generator_penalties.add_to(objective, forward)
        return LossTerms(self.generator_optimizer.scale_loss(total), metrics | penalties)

    def apply_to_discriminator(self, gradients: list[Any], metrics: Metrics, forward: ForwardPass) -> Metrics:
        """Applies gradients and projections to the discriminator, and updates what learns from its outputs.

        Returns `metrics`, those of its loss, with those of its outputs and of the update.
        """
        norm = tf.constant(0.0)
        if self.loss.trains_discriminator:
            norm = gradient_norm(gradients, self.discriminator_optimizer)
            variables = self.variables.discriminator
            self.discriminator_optimizer.apply(gradients, variables)
            for penalty in self.penalties.values():
                if isinstance(penalty, Projection):
                    penalty.project(variables)
        real, fake = forward.outputs
        measured = self.objectives.measure_and_advance(forward.outputs)
        self.augmented_discriminator.update_augmentations(forward.outputs, forward.context.step)
        return {
            **metrics,
            "real_logits": tf.reduce_mean(real.logits),
            "fake_logits": tf.reduce_mean(fake.logits),
            "discriminator_gradient_norm": norm,
            **measured,
            **self.augmented_discriminator.strength_metrics(forward.context.strengths),
        }

    def update_generator(self, tape: Any, generated: Generated, gradients: GeneratorGradients) -> Metrics:
        """Updates the generator; `tape` recorded how `generated` depends on its weights."""
        return self.apply_to_generator(self.gradients_of_weights(tape, generated, gradients))

    def gradients_of_weights(self, tape: Any, generated: Generated, gradients: GeneratorGradients) -> list[Any]:
        """Returns the gradients of the generator's weights, through its outputs and directly."""
        variables, outputs = self.variables.generator, generated.outputs()
        pairs = zip(outputs, gradients.outputs, strict=True)
        of_outputs = [tf.zeros_like(output) if gradient is None else gradient for output, gradient in pairs]
        through_outputs = tape.gradient(outputs, variables, output_gradients=of_outputs)
        return [add_gradients(*pair) for pair in zip(through_outputs, gradients.weights, strict=True)]

    def apply_to_generator(self, gradients: list[Any]) -> Metrics:
        """Applies gradients to the generator."""
        norm = gradient_norm(gradients, self.generator_optimizer)
        self.generator_optimizer.apply(gradients, self.variables.generator)
        return {"generator_gradient_norm": norm}
