"""The projection discriminator: the logit has an inner product of the features and a vector of the class.

Miyato & Koyama 2018, "cGANs with Projection Discriminator", arXiv:1802.05637, equation 3:
f(x, y) = v_y · h + w · h + b. With `form=mapped` it is that of StyleGAN2-ADA (Karras et al. 2020, arXiv:2006.06676),
where a mapping network of the label gives the vector: f(x, y) = m(y) · (W h + b) / sqrt(size). With `form=embedding` it
is that of R3GAN (Huang et al. 2025, arXiv:2501.05441; brownvc/R3GAN): f(x, y) = e_y · (W h + b).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.heads import OUTPUT, HeadBuilder, pick
from gan_cli.data import DataSpec
from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import keras
from gan_cli.losses import LOGITS
from gan_cli.models import ModelPair

CLASS_VECTORS = "class_vectors"
TABLE, MAPPED, EMBEDDED = "table", "mapped", "embedding"


@dataclass(frozen=True)
class Projection(Conditioning):
    """The logit as above; no term of its own. In a pack, class vectors are added up over its examples.

    Attributes:
        form: `table`, `mapped` for a mapping network of the label, or `embedding`.
        mapping_size: of the mapping network's layers and its vectors, and of the vectors of `embedding`, at least 1.
        mapping_layers: hidden layers of the mapping network, at least 1.

    Raises:
        ConfigError: where a value is outside its range.
    """

    form: str = TABLE
    mapping_size: int = 512
    mapping_layers: int = 8

    needs_labels: ClassVar[bool] = True
    uses_label_input: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = (LOGITS,)

    @property
    def replaces_output(self) -> bool:  # type: ignore[override]
        return self.form != TABLE

    def __post_init__(self) -> None:
        check_choice("form", self.form, (TABLE, MAPPED, EMBEDDED))
        check_number("mapping_size", self.mapping_size, at_least=1)
        check_number("mapping_layers", self.mapping_layers, at_least=1)

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with the logit above."""
        if self.form == MAPPED:
            return self.mapped_network(pair, data, pack)
        if self.form == EMBEDDED:
            return self.embedding_network(pair, data, pack)
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=True)
        projected = builder.per_pack(pick(builder.dense(CLASS_VECTORS, data.classes), builder.labels))
        return builder.model({OUTPUT: builder.output + projected})

    def mapped_network(self, pair: ModelPair, data: DataSpec, pack: int) -> Any:
        from gan_cli.models.mapping_network import map_condition  # here, since it defines Keras layers

        builder = HeadBuilder(pair, data, self.mapping_size, pack, takes_labels=True)
        one_hot = keras.ops.one_hot(builder.labels, data.classes, dtype="float32")
        vectors = map_condition(None, one_hot, self.mapping_size, self.mapping_layers, name=CLASS_VECTORS)
        return builder.model({OUTPUT: inner_product(builder.output, self.per_pack(vectors, pack))})

    def embedding_network(self, pair: ModelPair, data: DataSpec, pack: int) -> Any:
        builder = HeadBuilder(pair, data, self.mapping_size, pack, takes_labels=True)
        # The deviation that brownvc/R3GAN has: the logit then starts with the variance of an unconditional one.
        deviation = 1.0 / math.sqrt(data.classes * self.mapping_size)
        initializer = keras.initializers.RandomNormal(stddev=deviation)
        table = keras.layers.Embedding(
            data.classes, self.mapping_size, embeddings_initializer=initializer, dtype="float32", name=CLASS_VECTORS
        )
        vectors = self.per_pack(table(builder.labels), pack)
        return builder.model({OUTPUT: keras.ops.sum(builder.output * vectors, axis=1)})

    def per_pack(self, vectors: Any, pack: int) -> Any:
        """Sums over the examples of a pack, `[n, size]` to `[n / pack, size]`."""
        return (
            vectors if pack == 1 else keras.ops.sum(keras.ops.reshape(vectors, (-1, pack, self.mapping_size)), axis=1)
        )


def inner_product(features: Any, vectors: Any) -> Any:
    """m · h / sqrt(size), `[n]`, of `[n, size]` each."""
    return keras.ops.sum(features * vectors, axis=1) / math.sqrt(features.shape[1])
