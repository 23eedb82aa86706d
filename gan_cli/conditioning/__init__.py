"""Class-conditional GANs (`conditioning=...`): how labels, or codes, enter the discriminator and its objective.

One conditioning per file: a frozen dataclass, derived from `Conditioning`, over pure functions of logits, embeddings
and labels. `loss=...` compares real and generated examples; a conditioning adds terms of its own. What the generator
gets is the model's matter (`model.conditioning`).

In a run with labels the i-th generated example of a batch has the label of the i-th real one. Generated examples then
have the class frequencies of the data, and the pairs of a relativistic loss and the lines of a gradient penalty lie
within a class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.losses import EMBEDDING, LOGITS, NOTHING, DiscriminatorOutput, Loss
from gan_cli.models import ModelPair
from gan_cli.models.condition import Condition, Targets


class Conditioning:
    """Base class of conditionings; everything has a default, which is a run without labels.

    Class attributes may also be properties.

    Attributes:
        needs_labels: whether examples must have labels.
        uses_label_input: whether the discriminator's network takes labels besides examples.
        outputs: the kinds of discriminator (LOGITS, ... of `gan_cli.losses`) that it supports; empty: all.
        replaces_loss: whether its terms are all of the objective, without those of `loss`.
        replaces_output: whether a head takes the place of the layer `output` of the discriminator, with another size.
        draws_targets: whether generated examples get random codes of `draw_targets`, in place of labels of the data.
        generator_needs_real: whether `generator` uses its argument `real`.
        generator_heads: names of layers of the discriminator that are trained with the generator, by its optimizer.
        discriminator_terms, generator_terms: names of the terms, which are the names of their metrics.
    """

    needs_labels: ClassVar[bool] = False
    uses_label_input: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = (LOGITS, EMBEDDING)
    replaces_loss: ClassVar[bool] = False
    replaces_output: ClassVar[bool] = False
    draws_targets: ClassVar[bool] = False
    generator_needs_real: ClassVar[bool] = False
    generator_heads: ClassVar[tuple[str, ...]] = ()
    discriminator_terms: ClassVar[tuple[str, ...]] = ()
    generator_terms: ClassVar[tuple[str, ...]] = ()

    def condition(self, data: DataSpec) -> Condition | None:
        """Returns what the generator gets besides latents; None for nothing. Default: the label if there is one."""
        return Condition(data.classes) if self.needs_labels else None

    def check_loss(self, loss: Loss) -> None:
        """Raises ConfigError for a loss that it can't be combined with, besides those of other `outputs`."""

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """Returns the discriminator, a functional Keras model.

        Its inputs are examples `[n / pack, *data.shape]` and, with `uses_label_input`, int32 labels `[n]`. Its output
        is that of `pair.discriminator`, or a dictionary with that under `output` and further heads under their names,
        float32 `[n, ...]`.

        Args:
            pair: builds the discriminator without a conditioning.
            data: what the discriminator gets at once: `pack` examples, concatenated on the last axis.
            outputs: as of `ModelPair.discriminator`.
            pack: examples in a pack.
        """
        return pair.discriminator(data) if outputs is None else pair.discriminator(data, outputs=outputs)

    def draw_targets(self, seed: Any, count: int) -> Targets:
        """Returns random codes for `count` generated examples, a function of the seed; for `draws_targets`."""
        raise NotImplementedError(f"{type(self).__name__} draws no codes")

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Mapping[str, Any]:
        """Returns the terms of the discriminator's loss, float32 scalars by the names in `discriminator_terms`.

        The heads of both outputs, in `heads`, have a row for each of their `labels`.
        """
        return NOTHING

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        """Returns the terms of the generator's loss; `real` may be None unless `generator_needs_real`."""
        return NOTHING
