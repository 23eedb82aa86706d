"""The projection discriminator: the logit has an inner product of the features and a vector of the class.

Miyato & Koyama 2018, "cGANs with Projection Discriminator", arXiv:1802.05637, equation 3:
f(x, y) = v_y · h + w · h + b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.heads import OUTPUT, HeadBuilder, pick
from gan_cli.data import DataSpec
from gan_cli.losses import LOGITS
from gan_cli.models import ModelPair

CLASS_VECTORS = "class_vectors"


@dataclass(frozen=True)
class Projection(Conditioning):
    """Adds v_y · h to the logit; no term of its own.

    In a pack it adds the sum over its examples; each place has vectors of its own.
    """

    needs_labels: ClassVar[bool] = True
    uses_label_input: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = (LOGITS,)

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator whose logits are those of the pair plus the projection."""
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=True)
        projected = builder.per_pack(pick(builder.dense(CLASS_VECTORS, data.classes), builder.labels))
        return builder.model({OUTPUT: builder.output + projected})
