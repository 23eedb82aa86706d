"""The discriminator with packing and augmentation in front of it.

    examples -> replaced (APA) -> packed | -> unpacked -> augmented -> packed -> network -> logits, features, embedding

The part before the bar, `prepare`, runs once in an update. The part after it, `forward`, runs at each forward pass, so
that all gradients, those of penalties included, flow through the augmentation (StyleGAN2-ADA, arXiv:2006.06676,
figure 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from gan_cli.augmentations import Augmentation
from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.heads import OUTPUT
from gan_cli.conditioning.none import NO_CONDITIONING
from gan_cli.lazy import tf
from gan_cli.losses import NOTHING, DiscriminatorOutput, Loss
from gan_cli.models.condition import Targets
from gan_cli.models.discriminator import pack_examples, unpack_examples
from gan_cli.random_seeds import Purpose, fold
from gan_cli.training.forward_pass import Inputs, Outputs


class Role(IntEnum):
    """The use of a forward pass; each has its own random augmentation. Values are part of every run: never renumber.

    The k-th penalty has the role `FIRST_PENALTY + k`.
    """

    MIXED = 0
    REAL = 1
    FAKE = 2
    REAL_FOR_GENERATOR = 3
    FAKE_FOR_GENERATOR = 4
    FIRST_PENALTY = 8


@dataclass(frozen=True, eq=False)
class AugmentedDiscriminator:
    """A discriminator with packing and augmentation in front of it.

    Attributes:
        network: a Keras model of `gan_cli.models.discriminator`, with features or without.
        loss: defines the meaning of the network's output.
        augmentations: by name, in the order in which they are applied.
        pack: how many examples the network gets at once.
        seed: the run's seed.
        state: the float32 scalars of each augmentation, by its name and theirs.
        conditioning: defines its inputs and its heads.
    """

    network: Any
    loss: Loss
    augmentations: Mapping[str, Augmentation]
    pack: int
    seed: int
    state: Mapping[str, Mapping[str, Any]]
    conditioning: Conditioning = NO_CONDITIONING

    @property
    def takes_labels(self) -> bool:
        """Whether the network has labels as an input."""
        return self.conditioning.uses_label_input

    def strengths(self, step: Any) -> dict[str, Any]:
        """Returns the strength of each augmentation at a step."""
        return {name: one.strength(step, self.state[name]) for name, one in self.augmentations.items()}

    def context(self, step: Any, update: Any, targets: Targets | None = None) -> UpdateContext:
        """Returns the discriminator in update `update` of step `step`, int64 scalars."""
        return UpdateContext(self, self.strengths(step), step, update, targets)

    def output(self, network_output: Any) -> DiscriminatorOutput:
        """Returns the network's output in the form that losses and penalties get; vectors have no logits yet."""
        values, features = network_output if isinstance(network_output, list | tuple) else (network_output, {})
        features = tf.nest.map_structure(lambda activations: tf.cast(activations, tf.float32), features)
        heads: Mapping[str, Any] = NOTHING
        if isinstance(values, Mapping):
            heads = {name: tf.cast(head, tf.float32) for name, head in values.items() if name != OUTPUT}
            values = values[OUTPUT]
        if self.loss.compares_vectors:
            return DiscriminatorOutput(None, features, values, heads)
        return DiscriminatorOutput(values, features, heads=heads)

    def update_augmentations(self, outputs: Outputs, step: Any) -> None:
        """Updates the state of each augmentation that learns from the discriminator's outputs."""
        threshold: Any = self.loss.decision_threshold
        if threshold is None:
            threshold = 0.5 * (tf.reduce_mean(outputs.real.logits) + tf.reduce_mean(outputs.fake.logits))
        margins = tf.stop_gradient(outputs.real.logits - threshold)
        images = tf.size(outputs.real.logits) * self.pack
        for name, augmentation in self.augmentations.items():
            if augmentation.learns:
                assign_scalars(self.state[name], augmentation.next_state(margins, images, self.state[name], step))

    def strength_metrics(self, strengths: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the strengths that change during training, float32 scalars by the name of their metric."""
        return {
            f"augment_{name}": tf.cast(strengths[name], tf.float32)
            for name, one in self.augmentations.items()
            if one.varies
        }


@dataclass(frozen=True, eq=False)
class UpdateContext:
    """The augmented discriminator within one update: fixed strengths, random numbers of that update, and its labels.

    Attributes:
        targets: the labels or codes of all examples of the update; None without a conditioning.
    """

    discriminator: AugmentedDiscriminator
    strengths: Mapping[str, Any]
    step: Any
    update: Any
    targets: Targets | None = None

    def prepare(self, real: Any, fake: Any) -> Inputs:
        """Returns the discriminator's inputs for real and generated examples `[batch, *shape]`."""
        constant = tf.stop_gradient(fake)  # a generated example in the place of a real one does not train the generator
        for index, (name, augmentation) in enumerate(self.discriminator.augmentations.items()):
            seed = self.seed(index, Role.MIXED)
            labels = {} if self.labels is None else {"labels": self.labels}
            real = augmentation.replace_real(real, constant, self.strengths[name], seed, **labels)
        return Inputs(self.pack(real), self.pack(fake))

    @property
    def labels(self) -> Any:
        """The labels that real and generated examples share, int32 `[batch]`; None where real examples have none."""
        has_labels = self.targets is not None and self.discriminator.conditioning.needs_labels
        return self.targets.labels if has_labels and self.targets else None

    def pack(self, examples: Any) -> Any:
        return pack_examples(examples, self.discriminator.pack)

    def forward(self, inputs: Any, role: int, reference: Outputs | None = None) -> DiscriminatorOutput:
        """Returns the discriminator's output in training mode.

        Args:
            inputs: packed examples, float32 `[batch, *shape]`.
            role: selects the random numbers of the augmentation.
            reference: outputs of a real and of a generated batch, with which vectors are compared for their logits.
        """
        examples = unpack_examples(inputs, self.discriminator.pack)
        for index, (name, augmentation) in enumerate(self.discriminator.augmentations.items()):
            examples = augmentation(examples, self.strengths[name], self.seed(index, role))
        packed = self.pack(examples)
        network_inputs = [packed, self.labels[: examples.shape[0]]] if self.discriminator.takes_labels else packed
        output = self.discriminator.output(self.discriminator.network(network_inputs, training=True))
        if self.targets is not None:
            output = output._replace(**self.targets.first(examples.shape[0]))
        return self.with_logits(output, reference) if reference else output

    def forward_pair(self, inputs: Inputs, roles: tuple[int, int]) -> Outputs:
        """Returns the discriminator's outputs for a real and a generated batch."""
        outputs = Outputs(self.forward(inputs.real, roles[0]), self.forward(inputs.fake, roles[1]))
        return Outputs(self.with_logits(outputs.real, outputs), self.with_logits(outputs.fake, outputs))

    def with_logits(self, output: DiscriminatorOutput, reference: Outputs) -> DiscriminatorOutput:
        """Returns the output with logits: for vectors the witness function of a real and a generated batch."""
        if output.embedding is None:
            return output
        witness = self.discriminator.loss.mmd_witness
        return output._replace(
            logits=witness(output.embedding, reference.real.embedding, reference.fake.embedding)
        )  # fmt: skip

    def for_penalty(self, index: int, reference: Outputs) -> Callable[[Any], DiscriminatorOutput]:
        """Returns the discriminator for penalty `index`; all of its calls have the same random augmentation."""
        return lambda inputs: self.forward(inputs, Role.FIRST_PENALTY + index, reference)

    def seed(self, index: int, role: int) -> Any:
        return fold(self.discriminator.seed, Purpose.AUGMENTATION, index, role, self.step, self.update)


def assign_scalars(variables: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Assigns new values to scalars, by name."""
    for name, value in values.items():
        variables[name].assign(tf.stop_gradient(tf.cast(value, tf.float32)))
