"""The adversarial step of a large batch in the memory of a small one (`train.accumulate`).

The gradient is that of the whole batch also for losses that compare examples with each other (kernels, relativistic
averages, contrastive losses), since a loss depends on examples through the discriminator's outputs alone:

    1. all outputs o = D(x), chunk by chunk, without gradient
    2. the loss of the whole batch and its gradient g with respect to o
    3. chunk by chunk the outputs again, now with gradient: the sum of the gradients of <o, g> is that of the loss

A penalty is added to step 3 as the mean over the chunks, which is its value for the batch where it is a mean over
examples (`Penalty.is_mean`); other penalties are refused. The generator is updated in the same way, through its
examples.
Each chunk has its own random numbers of augmentation and penalties; latents are those of the whole batch.

Activations exist for one chunk at a time. Examples, outputs and kernel matrices are those of the whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gan_cli.lazy import tf
from gan_cli.losses import PIXELS, DiscriminatorOutput
from gan_cli.models.condition import Targets
from gan_cli.training.adversarial_step import (
    FOR_DISCRIMINATOR,
    FOR_GENERATOR,
    AdversarialStep,
)
from gan_cli.training.augmented_discriminator import Role, UpdateContext
from gan_cli.training.chunked_loops import chunk_of, join_chunks, sum_chunks
from gan_cli.training.forward_pass import ForwardPass, Generated, Inputs, Outputs
from gan_cli.training.gradients import GeneratorGradients, dense
from gan_cli.training.objectives import Metrics
from gan_cli.training.penalty_terms import PenaltyTerms


@dataclass(eq=False)
class AccumulatingStep(AdversarialStep):
    """One training step whose gradients are added up over the chunks of a batch.

    Attributes:
        chunks: their number, which divides the batch.
    """

    chunks: int = 1

    def generate(self, context: UpdateContext) -> Generated:
        """Returns a batch of generated examples, chunk by chunk and without gradient."""
        batches = self.inputs.latents(context)
        noise = self.inputs.noise(batches[0], context)

        def compute(chunk: Any) -> list[Any]:
            within, own = self.context_of(context, chunk), self.optional_chunk(noise, chunk)
            inputs = (self.inputs.join(self.chunk(latents, chunk), within.targets, own) for latents in batches)
            return [self.generator(one, training=True) for one in inputs]

        return Generated(batches[0], *join_chunks(self.chunks, len(batches), compute))

    def update_both(self, real: Any, context: UpdateContext) -> Metrics:
        """Updates both networks with one generated batch."""
        generated = self.generate(context)
        prepared = context.prepare(real, generated.examples)
        if self.simultaneous:
            of_generator, gradients = self.generator_gradients(prepared, FOR_DISCRIMINATOR, context)
            metrics = self.update_discriminator(prepared, generated, context)
        else:
            metrics = self.update_discriminator(prepared, generated, context)
            of_generator, gradients = self.generator_gradients(prepared, FOR_GENERATOR, context)
        return metrics | of_generator | self.apply_to_generator(gradients)

    def update_discriminator(self, inputs: Inputs, generated: Generated, context: UpdateContext) -> Metrics:
        """Updates the discriminator; no gradient flows to the generator."""
        real = self.real_outputs(inputs.real, Role.REAL, context)
        raw = Outputs(real, self.outputs(inputs.fake, Role.FAKE, context))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([leaves(raw.real), leaves(raw.fake)])
            outputs = with_logits(raw, context)
            loss, metrics = self.objectives.discriminator(outputs, context)
        forward = ForwardPass(inputs, outputs, generated, context)
        variables = self.variables.discriminator
        if not variables:
            return self.apply_to_discriminator([], metrics, forward)
        gradients = tape.gradient(loss, [leaves(raw.real), leaves(raw.fake)], unconnected_gradients="zero")

        def compute(chunk: Any) -> list[Any]:
            within = self.context_of(context, chunk)
            parts = Inputs(*(self.chunk(one, chunk) for one in inputs))
            with tf.GradientTape() as tape:
                again = Outputs(within.forward(parts.real, Role.REAL), within.forward(parts.fake, Role.FAKE))
                objective = self.inner_product(again.real, gradients[0], chunk)
                objective += self.inner_product(again.fake, gradients[1], chunk)
                pass_of_chunk = ForwardPass(parts, with_logits(again, within), self.part(generated, chunk), within)
                total, values = self.with_penalties(self.discriminator_penalties, objective, pass_of_chunk)
                scaled = self.discriminator_optimizer.scale_loss(total)
            return [*dense(tape.gradient(scaled, variables), variables), *values]

        summed = sum_chunks(self.chunks, self.zeros(variables, self.discriminator_penalties), compute)
        metrics = self.apply_to_discriminator(summed[: len(variables)], metrics, forward)
        return metrics | penalty_metrics(self.discriminator_penalties, summed[len(variables) :])

    def generator_gradients(
        self, inputs: Inputs, roles: tuple[int, int], context: UpdateContext
    ) -> tuple[Metrics, list[Any]]:
        """Returns the generator's loss with its penalties, as metrics, and the gradients of its weights."""
        real = self.real_outputs(inputs.real, roles[0], context) if self.generator_needs_real else None
        fake = self.outputs(inputs.fake, roles[1], context)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(leaves(fake))
            outputs = Outputs(None, fake) if real is None else with_logits(Outputs(real, fake), context)
            loss, metrics = self.objectives.generator(outputs, context)
        gradients = tape.gradient(loss, leaves(fake), unconnected_gradients="zero")
        batches, variables = self.inputs.latents(context), self.variables.generator
        noise = self.inputs.noise(batches[0], context)

        def compute(chunk: Any) -> list[Any]:
            within, own = self.context_of(context, chunk), self.optional_chunk(noise, chunk)
            with tf.GradientTape() as outer:
                parts_of_batches = [self.chunk(latents, chunk) for latents in batches]
                inputs_of_chunk = [self.inputs.join(latents, within.targets, own) for latents in parts_of_batches]
                generated = Generated(
                    self.chunk(batches[0], chunk), *(self.generator(one, training=True) for one in inputs_of_chunk)
                )
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch([generated.outputs(), [variable.value for variable in variables]])
                parts = Inputs(self.chunk(inputs.real, chunk), within.pack(generated.examples))
                again = within.forward(parts.fake, roles[1])
                objective = self.inner_product(again, gradients, chunk)
                pair = self.outputs_for_penalties(parts, again, roles[0], within)
                pass_of_chunk = ForwardPass(parts, pair, generated, within)
                total, values = self.with_penalties(self.generator_penalties, objective, pass_of_chunk)
                scaled = self.generator_optimizer.scale_loss(total)
            found = GeneratorGradients(*inner.gradient(scaled, (generated.outputs(), variables)))
            return [*dense(self.gradients_of_weights(outer, generated, found), variables), *values]

        summed = sum_chunks(self.chunks, self.zeros(variables, self.generator_penalties), compute)
        values = penalty_metrics(self.generator_penalties, summed[len(variables) :])
        return metrics | values, summed[: len(variables)]

    def outputs_for_penalties(
        self, parts: Inputs, fake: DiscriminatorOutput, role: int, context: UpdateContext
    ) -> Outputs:
        """Returns the outputs that penalties on the generator get, for real examples only where they need them."""
        if not self.generator_penalties.penalties or not self.generator_needs_real:
            return Outputs(None, fake)
        return with_logits(Outputs(context.forward(parts.real, role), fake), context)

    def real_outputs(self, inputs: Any, role: int, context: UpdateContext) -> DiscriminatorOutput:
        """Returns the outputs for all real examples; their own values, of any number of them, need no chunks."""
        if self.loss.output == PIXELS:
            return context.forward(inputs, role)
        return self.outputs(inputs, role, context)

    def outputs(self, inputs: Any, role: int, context: UpdateContext) -> DiscriminatorOutput:
        """Returns the discriminator's outputs for all chunks, without gradient; vectors have no logits yet."""
        structure: list[DiscriminatorOutput] = []

        def compute(chunk: Any) -> list[Any]:
            output = self.context_of(context, chunk).forward(self.chunk(inputs, chunk), role)
            structure[:] = [output]
            return leaves(output)

        count = len(tf.nest.flatten(self.augmented_discriminator.network.output))
        values = iter(join_chunks(self.chunks, count, compute))
        (output,) = structure
        logits = None if output.logits is None else next(values)
        features = tf.nest.map_structure(lambda _: next(values), dict(output.features))
        embedding = None if output.embedding is None else next(values)
        heads = tf.nest.map_structure(lambda _: next(values), dict(output.heads))
        whole = DiscriminatorOutput(logits, features, embedding, heads)
        targets = context.targets
        return whole if targets is None else whole._replace(labels=targets.labels, codes=targets.continuous)

    def context_of(self, context: UpdateContext, chunk: Any) -> UpdateContext:
        """Returns the context of a chunk, with random numbers that no other chunk and no other update has."""
        targets = context.targets
        if targets is not None:
            targets = Targets(*(self.optional_chunk(one, chunk) for one in targets))
        return replace(context, update=context.update + chunk * self.critic_steps, targets=targets)

    def chunk(self, values: Any, chunk: Any) -> Any:
        return chunk_of(values, chunk, self.chunks)

    def optional_chunk(self, values: Any, chunk: Any) -> Any:
        return None if values is None else self.chunk(values, chunk)

    def part(self, generated: Generated, chunk: Any) -> Generated:
        """Returns a chunk of a generated batch."""
        batch = (generated.latents, generated.examples, generated.perturbed)
        return Generated(*(self.optional_chunk(one, chunk) for one in batch))

    def inner_product(self, output: DiscriminatorOutput, gradients: list[Any], chunk: Any) -> Any:
        """Returns the sum over all values of a chunk's outputs times the loss's gradient with respect to them."""
        pairs = zip(leaves(output), gradients, strict=True)
        return tf.add_n([tf.reduce_sum(one * self.chunk(gradient, chunk)) for one, gradient in pairs])

    def with_penalties(self, terms: PenaltyTerms, objective: Any, forward: ForwardPass) -> tuple[Any, list[Any]]:
        """Returns the objective of a chunk with its share of the penalties, and the share of each, unweighted."""
        penalties, metrics = terms.add_to(tf.constant(0.0), forward)
        return objective + penalties / self.chunks, [value / self.chunks for value in metrics.values()]

    def zeros(self, variables: list[Any], terms: PenaltyTerms) -> list[Any]:
        return [tf.zeros(variable.shape, variable.dtype) for variable in variables] + [
            tf.constant(0.0) for _ in terms.penalties
        ]


def leaves(output: DiscriminatorOutput) -> list[Any]:
    """Returns the tensors of an output that the discriminator has computed, in a fixed order."""
    parts = (output.logits, dict(output.features), output.embedding, dict(output.heads))
    return [one for one in tf.nest.flatten(parts) if one is not None]


def with_logits(outputs: Outputs, context: UpdateContext) -> Outputs:
    """Returns outputs for real and generated examples whose vectors have logits."""
    return Outputs(context.with_logits(outputs.real, outputs), context.with_logits(outputs.fake, outputs))


def penalty_metrics(terms: PenaltyTerms, values: list[Any]) -> Metrics:
    return {f"penalty_{name}": value for name, value in zip(terms.penalties, values, strict=True)}
