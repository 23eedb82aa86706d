"""ReACGAN: a cross-entropy between data, whose positives are class proxies and whose negatives are other classes.

Kang et al. 2021, "Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training", arXiv:2111.01118. Margins switch
off easy positives and negatives. The discriminator learns from real examples, the generator from its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.contrastive import EMBEDDING, PROXY, network_with_proxies
from gan_cli.conditioning.contrastive_losses import data_to_data_cross_entropy
from gan_cli.data import DataSpec
from gan_cli.errors import check_choice, check_number
from gan_cli.losses import DiscriminatorOutput
from gan_cli.models import ModelPair

NONE, LARGEST = "none", "largest"


@dataclass(frozen=True)
class DataToData(Conditioning):
    """Adds the D2D-CE loss of real examples to the discriminator's, and that of generated ones to the generator's.

    Attributes:
        weight: factor of both terms, at least 0.
        temperature: divides cosines, above 0.
        margin: the cosine with its proxy above which an example attracts no more, in [0, 1]; 1 - margin is the cosine
            with another class below which it is not repelled.
        embedding_size: of embeddings and proxies, at least 1.
        stabilizer: `none`, the loss of the paper, or `largest`, see `data_to_data_cross_entropy`.

    Raises:
        ConfigError: where a value is outside its range.
    """

    weight: float = 0.5
    temperature: float = 0.5
    margin: float = 0.98
    embedding_size: int = 512
    stabilizer: str = NONE

    needs_labels: ClassVar[bool] = True
    uses_label_input: ClassVar[bool] = True
    discriminator_terms: ClassVar[tuple[str, ...]] = ("discriminator_class_loss",)
    generator_terms: ClassVar[tuple[str, ...]] = ("generator_class_loss",)

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("temperature", self.temperature, above=0.0)
        check_number("margin", self.margin, at_least=0.0, at_most=1.0)
        check_number("embedding_size", self.embedding_size, at_least=1)
        check_choice("stabilizer", self.stabilizer, (NONE, LARGEST))

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with an embedding of each example, and the proxy of its class."""
        return network_with_proxies(pair, data, outputs, pack, self.embedding_size)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Mapping[str, Any]:
        return {"discriminator_class_loss": self.weight * self.loss(real)}

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        return {"generator_class_loss": self.weight * self.loss(fake)}

    def loss(self, output: DiscriminatorOutput) -> Any:
        embeddings, proxies = output.heads[EMBEDDING], output.heads[PROXY]
        scaled = self.stabilizer == LARGEST
        return data_to_data_cross_entropy(
            embeddings, proxies, output.labels, self.temperature, self.margin, scaled
        )  # fmt: skip
