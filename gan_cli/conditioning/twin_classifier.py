"""The twin auxiliary classifiers GAN: a second classifier, of generated examples alone, takes out the AC-GAN's bias.

Gong et al. 2019, "Twin Auxiliary Classifiers GAN", arXiv:1907.02690, equation 6. The generator wants its examples in
their class by the first classifier, and not to be classified by the twin, so that classes may overlap and stay diverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.auxiliary_classifier import CLASS_LOGITS
from gan_cli.conditioning.class_losses import cross_entropy
from gan_cli.conditioning.heads import HeadBuilder
from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.losses import DiscriminatorOutput
from gan_cli.models import ModelPair

TWIN_LOGITS = "twin_logits"


@dataclass(frozen=True)
class TwinClassifier(Conditioning):
    """Cross-entropies of a classifier of real and of a twin of generated examples; the generator's is their difference.

    Attributes:
        weight: factor of the classifier's terms, at least 0.
        twin_weight: factor of the twin's terms, at least 0.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 1.0
    twin_weight: float = 1.0

    needs_labels: ClassVar[bool] = True
    discriminator_terms: ClassVar[tuple[str, ...]] = ("discriminator_class_loss", "discriminator_twin_loss")
    generator_terms: ClassVar[tuple[str, ...]] = ("generator_class_loss", "generator_twin_loss")

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("twin_weight", self.twin_weight, at_least=0.0)

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with the logits of both classifiers."""
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=False)
        return builder.model({name: builder.dense(name, data.classes) for name in (CLASS_LOGITS, TWIN_LOGITS)})

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Mapping[str, Any]:
        return {
            "discriminator_class_loss": self.weight * cross_entropy(real.heads[CLASS_LOGITS], real.labels),
            "discriminator_twin_loss": self.twin_weight * cross_entropy(fake.heads[TWIN_LOGITS], fake.labels),
        }

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        return {
            "generator_class_loss": self.weight * cross_entropy(fake.heads[CLASS_LOGITS], fake.labels),
            "generator_twin_loss": -self.twin_weight * cross_entropy(fake.heads[TWIN_LOGITS], fake.labels),
        }
