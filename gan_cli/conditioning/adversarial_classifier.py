"""ADC-GAN: a classifier that separates real from generated examples within each class.

Hou et al. 2022, "Conditional GANs with Auxiliary Discriminative Classifier", arXiv:2107.10060, equations 6 and 7. There
are two classes for each label y: 2y of real and 2y + 1 of generated examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.auxiliary_classifier import CLASS_LOGITS, CROSS_ENTROPY, HINGE
from gan_cli.conditioning.class_losses import class_hinge, class_margin, cross_entropy
from gan_cli.conditioning.heads import HeadBuilder
from gan_cli.data import DataSpec
from gan_cli.errors import check_choice, check_number
from gan_cli.losses import DiscriminatorOutput
from gan_cli.models import ModelPair


@dataclass(frozen=True)
class AdversarialClassifier(Conditioning):
    """Adds the classifier's loss on real and generated examples; the generator wants 2y, and not 2y + 1.

    Attributes:
        weight: factor of both terms, at least 0.
        objective: `cross_entropy` or `hinge`, see `gan_cli.conditioning.class_losses`.

    Raises:
        ConfigError: where a value is outside its range.
    """

    weight: float = 1.0
    objective: str = CROSS_ENTROPY

    needs_labels: ClassVar[bool] = True
    discriminator_terms: ClassVar[tuple[str, ...]] = ("discriminator_class_loss",)
    generator_terms: ClassVar[tuple[str, ...]] = ("generator_class_loss",)

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_choice("objective", self.objective, (CROSS_ENTROPY, HINGE))

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with logits of twice as many classes."""
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=False)
        return builder.model({CLASS_LOGITS: builder.dense(CLASS_LOGITS, 2 * data.classes)})

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Mapping[str, Any]:
        loss = cross_entropy if self.objective == CROSS_ENTROPY else class_hinge
        on_real = loss(real.heads[CLASS_LOGITS], real_class(real.labels))
        on_fake = loss(fake.heads[CLASS_LOGITS], fake_class(fake.labels))
        return {"discriminator_class_loss": self.weight * (on_real + on_fake)}

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        loss = cross_entropy if self.objective == CROSS_ENTROPY else class_margin
        logits, labels = fake.heads[CLASS_LOGITS], fake.labels
        value = loss(logits, real_class(labels)) - loss(logits, fake_class(labels))
        return {"generator_class_loss": self.weight * value}


def real_class(labels: Any) -> Any:
    """The class of real examples of each label."""
    return 2 * labels


def fake_class(labels: Any) -> Any:
    """The class of generated examples of each label."""
    return 2 * labels + 1
