"""What conditionings share that compare embeddings of examples with a learned vector of their class, its proxy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.heads import HeadBuilder, class_vectors
from gan_cli.data import DataSpec
from gan_cli.losses import DiscriminatorOutput
from gan_cli.models import ModelPair

EMBEDDING, PROXY = "class_embedding", "class_proxy"


class ClassProxies(Conditioning):
    """Adds a loss of real examples to the discriminator's, and that of generated ones to the generator's.

    Attributes:
        weight: factor of both terms, at least 0.
        embedding_size: of embeddings and proxies, at least 1.
    """

    weight: float
    embedding_size: int

    needs_labels: ClassVar[bool] = True
    uses_label_input: ClassVar[bool] = True
    discriminator_terms: ClassVar[tuple[str, ...]] = ("discriminator_class_loss",)
    generator_terms: ClassVar[tuple[str, ...]] = ("generator_class_loss",)

    @abstractmethod
    def loss(self, output: DiscriminatorOutput) -> Any:
        """Returns the loss of embeddings and proxies, a float32 scalar."""

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with an embedding of each example, and the proxy of its class."""
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=True)
        proxies = class_vectors(builder.labels, data.classes, self.embedding_size, PROXY)
        return builder.model({EMBEDDING: builder.dense(EMBEDDING, self.embedding_size, use_bias=True), PROXY: proxies})

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Mapping[str, Any]:
        return {"discriminator_class_loss": self.weight * self.loss(real)}

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        return {"generator_class_loss": self.weight * self.loss(fake)}
