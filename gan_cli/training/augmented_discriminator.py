"""What the discriminator sees in an update, and what it says of that.

    examples -> mixed (APA) -> packed | -> unpacked -> augmented -> packed -> network -> logits, features, embedding

What stands before the bar is done once an update, what stands after it whenever something is judged, so that gradients,
those of penalties included, flow through the augmentation (StyleGAN2-ADA, arXiv:2006.06676, figure 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from gan_cli.augmentations import Augmentation
from gan_cli.lazy import tf
from gan_cli.losses import EMBEDDING, PIXELS, DiscriminatorOutput, Loss, decision_threshold_of, output_of
from gan_cli.models.discriminator import pack_examples, unpack_examples
from gan_cli.random_seeds import Purpose, fold


class Role(IntEnum):
    """Which examples are augmented; each draws other random numbers. Values are part of every run: never renumber."""

    MIXED = 0
    REAL = 1
    FAKE = 2
    REAL_FOR_GENERATOR = 3
    FAKE_FOR_GENERATOR = 4
    FIRST_PENALTY = 8


@dataclass(frozen=True, eq=False)
class AugmentedDiscriminator:
    """A discriminator with what stands before it.

    Attributes:
        network: a Keras model of `gan_cli.models.discriminator`, with features or without.
        loss: says what its output means.
        augmentations: by name, in their order.
        pack: how many examples it judges at once.
        seed: of the run.
        state: the float32 scalars of each augmentation, by its name and theirs.
    """

    network: Any
    loss: Loss
    augmentations: Mapping[str, Augmentation]
    pack: int
    seed: int
    state: Mapping[str, Mapping[str, Any]]

    def strengths(self, step: Any) -> dict[str, Any]:
        """How strong each augmentation is at a step."""
        return {name: one.strength(step, self.state[name]) for name, one in self.augmentations.items()}

    def at(self, step: Any, update: Any) -> Update:
        """The judge of one update: update `update` of step `step`, int64 scalars."""
        return Update(self, self.strengths(step), step, update)

    def read(self, output: Any) -> DiscriminatorOutput:
        """What the network gives, as losses and penalties see it; of vectors, the logits are still missing."""
        values, features = output if isinstance(output, list | tuple) else (output, {})
        features = tf.nest.map_structure(lambda activations: tf.cast(activations, tf.float32), features)
        if output_of(self.loss) in (EMBEDDING, PIXELS):
            return DiscriminatorOutput(None, features, values)
        return DiscriminatorOutput(values, features)

    def learn(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, images: int) -> None:
        """Lets each augmentation that learns take in what was said of a batch."""
        threshold = decision_threshold_of(self.loss)
        if threshold is None:
            threshold = 0.5 * (tf.reduce_mean(real.logits) + tf.reduce_mean(fake.logits))
        margins = tf.stop_gradient(real.logits - threshold)
        for name, augmentation in self.augmentations.items():
            if augmentation.learns:
                assign(self.state[name], augmentation.next_state(margins, images, self.state[name]))


@dataclass(frozen=True, eq=False)
class Update:
    """The judge in one update: what is random is drawn for it alone, and strengths stand still."""

    judge: AugmentedDiscriminator
    strengths: Mapping[str, Any]
    step: Any
    update: Any

    def present(self, real: Any, fake: Any) -> tuple[Any, Any]:
        """Real and generated examples as they come, `[batch, *shape]`, as they are presented to the judge."""
        constant = tf.stop_gradient(fake)  # what stands for real examples is nothing that the generator learns from
        for index, (name, augmentation) in enumerate(self.judge.augmentations.items()):
            real = augmentation.mixed(real, constant, self.strengths[name], self.seed(index, Role.MIXED))
        return self.pack(real), self.pack(fake)

    def pack(self, examples: Any) -> Any:
        return pack_examples(examples, self.judge.pack)

    def say(self, presented: Any, role: int, beside: tuple[Any, Any] | None = None) -> DiscriminatorOutput:
        """What the discriminator says of presented examples, in training mode.

        Args:
            presented: float32 `[batch, *shape]`, packed.
            role: what is random in the augmentation depends on it.
            beside: what was said of a real and of a generated batch, which vectors are scored beside.
        """
        examples = unpack_examples(presented, self.judge.pack)
        for index, (name, augmentation) in enumerate(self.judge.augmentations.items()):
            examples = augmentation(examples, self.strengths[name], self.seed(index, role))
        said = self.judge.read(self.judge.network(self.pack(examples), training=True))
        return self.score(said, beside) if beside else said

    def say_both(self, real: Any, fake: Any, roles: tuple[int, int]) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """What the discriminator says of a real and of a generated batch."""
        both = self.say(real, roles[0]), self.say(fake, roles[1])
        return self.score(both[0], both), self.score(both[1], both)

    def score(self, said: DiscriminatorOutput, beside: tuple[Any, Any]) -> DiscriminatorOutput:
        """The same with logits: those of vectors are their witness beside a real and a generated batch."""
        if said.embedding is None:
            return said
        mmd_witness: Any = self.judge.loss.mmd_witness  # type: ignore[attr-defined]
        return said._replace(logits=mmd_witness(said.embedding, beside[0].embedding, beside[1].embedding))

    def for_penalty(self, index: int, beside: tuple[Any, Any]) -> Callable[[Any], DiscriminatorOutput]:
        """The discriminator as a penalty sees it; its calls augment alike, so that what they say may be compared."""
        return lambda presented: self.say(presented, Role.FIRST_PENALTY + index, beside)

    def seed(self, index: int, role: int) -> Any:
        return fold(self.judge.seed, Purpose.AUGMENTATION, index, role, self.step, self.update)


def assign(variables: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Gives scalars their new values."""
    for name, value in values.items():
        variables[name].assign(tf.stop_gradient(tf.cast(value, tf.float32)))
