"""ReACGAN: a cross-entropy between data, whose positives are class proxies and whose negatives are other classes.

Kang et al. 2021, "Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training", arXiv:2111.01118. Margins switch
off easy positives and negatives. The discriminator learns from real examples, the generator from its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.conditioning.class_proxies import EMBEDDING, PROXY, ClassProxies
from gan_cli.conditioning.contrastive_losses import data_to_data_cross_entropy
from gan_cli.errors import check_choice, check_number
from gan_cli.losses import DiscriminatorOutput

NONE, LARGEST = "none", "largest"


@dataclass(frozen=True)
class DataToData(ClassProxies):
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

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("temperature", self.temperature, above=0.0)
        check_number("margin", self.margin, at_least=0.0, at_most=1.0)
        check_number("embedding_size", self.embedding_size, at_least=1)
        check_choice("stabilizer", self.stabilizer, (NONE, LARGEST))

    def loss(self, output: DiscriminatorOutput) -> Any:
        embeddings, proxies = output.heads[EMBEDDING], output.heads[PROXY]
        scaled = self.stabilizer == LARGEST
        return data_to_data_cross_entropy(
            embeddings, proxies, output.labels, self.temperature, self.margin, scaled
        )  # fmt: skip
