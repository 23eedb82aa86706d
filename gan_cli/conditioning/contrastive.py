"""ContraGAN: embeddings are drawn to the proxy of their class and to each other within a class.

Kang & Park 2020, "ContraGAN: Contrastive Learning for Conditional Image Generation", arXiv:2006.12681. The
discriminator learns from real examples, the generator from its own, each within its batch. A batch should have several
examples of a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.conditioning.class_proxies import EMBEDDING, PROXY, ClassProxies
from gan_cli.conditioning.contrastive_losses import conditional_contrastive
from gan_cli.errors import check_number
from gan_cli.losses import DiscriminatorOutput


@dataclass(frozen=True)
class Contrastive(ClassProxies):
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

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("temperature", self.temperature, above=0.0)
        check_number("embedding_size", self.embedding_size, at_least=1)

    def loss(self, output: DiscriminatorOutput) -> Any:
        heads = output.heads
        return conditional_contrastive(heads[EMBEDDING], heads[PROXY], output.labels, self.temperature)
