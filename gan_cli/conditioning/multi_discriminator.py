"""The multi-task discriminator: one real/fake output for each class, of which that of the label counts.

Liu et al. 2019, "Few-Shot Unsupervised Image-to-Image Translation" (FUNIT), arXiv:1905.01723, section 3.2; before it
Mescheder et al. 2018, arXiv:1801.04406.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.heads import OUTPUT, HeadBuilder, pick
from gan_cli.data import DataSpec
from gan_cli.losses import LOGITS
from gan_cli.models import ModelPair


@dataclass(frozen=True)
class MultiDiscriminator(Conditioning):
    """Takes the logit of the label among those of all classes; no term of its own. In a pack, their sum."""

    needs_labels: ClassVar[bool] = True
    uses_label_input: ClassVar[bool] = True
    replaces_output: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = (LOGITS,)

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with a logit for each class in place of its own."""
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=True)
        of_all = builder.dense(OUTPUT, data.classes, use_bias=True)
        return builder.model({OUTPUT: builder.per_pack(pick(of_all, builder.labels))})
