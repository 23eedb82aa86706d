"""ContraGAN: embeddings are drawn to the proxy of their class and to each other within a class.

Kang & Park 2020, "ContraGAN: Contrastive Learning for Conditional Image Generation", arXiv:2006.12681. The
discriminator learns from real examples, the generator from its own, each within its batch. A batch should have several
examples of a class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.contrastive_losses import conditional_contrastive
from gan_cli.conditioning.heads import HeadBuilder, class_vectors
from gan_cli.data import DataSpec
from gan_cli.errors import check_number
from gan_cli.losses import DiscriminatorOutput
from gan_cli.models import ModelPair

EMBEDDING, PROXY = "class_embedding", "class_proxy"


@dataclass(frozen=True)
class Contrastive(Conditioning):
    """Adds the 2C loss of real examples to the discriminator's, and that of generated ones to the generator's.

    Attributes:
        weight: factor of both terms, at least 0.
        temperature: divides cosines, above 0.
        embedding_size: of embeddings and proxies, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 1.0
    temperature: float = 1.0
    embedding_size: int = 512

    needs_labels: ClassVar[bool] = True
    uses_label_input: ClassVar[bool] = True
    discriminator_terms: ClassVar[tuple[str, ...]] = ("discriminator_class_loss",)
    generator_terms: ClassVar[tuple[str, ...]] = ("generator_class_loss",)

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("temperature", self.temperature, above=0.0)
        check_number("embedding_size", self.embedding_size, at_least=1)

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with an embedding of each example, and the proxy of its class."""
        return network_with_proxies(pair, data, outputs, pack, self.embedding_size)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Mapping[str, Any]:
        return {"discriminator_class_loss": self.weight * self.loss(real)}

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        return {"generator_class_loss": self.weight * self.loss(fake)}

    def loss(self, output: DiscriminatorOutput) -> Any:
        heads = output.heads
        return conditional_contrastive(heads[EMBEDDING], heads[PROXY], output.labels, self.temperature)


def network_with_proxies(pair: ModelPair, data: DataSpec, outputs: int | None, pack: int, size: int) -> Any:
    """The pair's discriminator with embeddings of `size` numbers and the proxies of their classes."""
    builder = HeadBuilder(pair, data, outputs, pack, takes_labels=True)
    proxies = class_vectors(builder.labels, data.classes, size, PROXY)
    return builder.model({EMBEDDING: builder.dense(EMBEDDING, size, use_bias=True), PROXY: proxies})
