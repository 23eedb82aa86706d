"""The auxiliary classifier GAN: the discriminator also says which class an example is of.

Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs", arXiv:1610.09585, equation 3. The
paper's classifier learns from real and from generated examples (`trained_on=real_and_fake`). One that learns from real
ones alone (`trained_on=real`), as in PyTorch-StudioGAN, is not misled by generated examples of the wrong class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.class_losses import class_hinge, class_margin, cross_entropy
from gan_cli.conditioning.heads import HeadBuilder
from gan_cli.data import DataSpec
from gan_cli.errors import check_choice, check_number
from gan_cli.losses import DiscriminatorOutput
from gan_cli.models import ModelPair

CLASS_LOGITS = "class_logits"
REAL, REAL_AND_FAKE = "real", "real_and_fake"
CROSS_ENTROPY, HINGE = "cross_entropy", "hinge"


@dataclass(frozen=True)
class AuxiliaryClassifier(Conditioning):
    """Adds a classifier's loss to the discriminator's, and its loss on generated examples to the generator's.

    Attributes:
        weight: factor of both terms, at least 0.
        trained_on: `real`, or `real_and_fake` as in the paper: what the classifier learns from.
        objective: `cross_entropy` or `hinge`, see `gan_cli.conditioning.class_losses`.
        smoothing: of the labels of real examples, in [0, 1).

    Raises:
        ConfigError: where a value is outside its range.
    """

    weight: float = 1.0
    trained_on: str = REAL
    objective: str = CROSS_ENTROPY
    smoothing: float = 0.0

    needs_labels: ClassVar[bool] = True
    discriminator_terms: ClassVar[tuple[str, ...]] = ("discriminator_class_loss",)
    generator_terms: ClassVar[tuple[str, ...]] = ("generator_class_loss",)

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_choice("trained_on", self.trained_on, (REAL, REAL_AND_FAKE))
        check_choice("objective", self.objective, (CROSS_ENTROPY, HINGE))
        check_number("smoothing", self.smoothing, at_least=0.0, below=1.0)

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with class logits."""
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=False)
        return builder.model({CLASS_LOGITS: builder.dense(CLASS_LOGITS, data.classes)})

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Mapping[str, Any]:
        value = self.loss_of_classifier(real.heads[CLASS_LOGITS], real.labels, self.smoothing)
        if self.trained_on == REAL_AND_FAKE:
            value += self.loss_of_classifier(fake.heads[CLASS_LOGITS], fake.labels, 0.0)
        return {"discriminator_class_loss": self.weight * value}

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        logits, labels = fake.heads[CLASS_LOGITS], fake.labels
        value = cross_entropy(logits, labels) if self.objective == CROSS_ENTROPY else class_margin(logits, labels)
        return {"generator_class_loss": self.weight * value}

    def loss_of_classifier(self, logits: Any, labels: Any, smoothing: float) -> Any:
        if self.objective == CROSS_ENTROPY:
            return cross_entropy(logits, labels, smoothing)
        return class_hinge(logits, labels)
