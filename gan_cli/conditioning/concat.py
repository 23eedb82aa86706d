"""The conditional GAN: the label is joined to the latents and to the example.

Mirza & Osindero 2014, "Conditional Generative Adversarial Nets", arXiv:1411.1784, equation 2. To an image the one-hot
label is joined as maps, one for each class, that are 1 for the class of the image; to a point as further coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.data import DataSpec
from gan_cli.lazy import keras
from gan_cli.models import ModelPair
from gan_cli.models.condition import CONCAT, Condition
from gan_cli.models.discriminator import JOINED, NETWORK


@dataclass(frozen=True)
class ConcatConditioning(Conditioning):
    """D(x, y) and G(z, y), both with the label as a part of their input; no term of its own."""

    needs_labels: ClassVar[bool] = True
    uses_label_input: ClassVar[bool] = True

    def condition(self, data: DataSpec) -> Condition:
        return Condition(data.classes, preferred=CONCAT)

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator of examples with `pack` times `data.classes` more channels or coordinates."""
        added = data.classes * pack
        wider = replace(data, shape=(*data.shape[:-1], data.shape[-1] + added))
        inner = pair.discriminator(wider) if outputs is None else pair.discriminator(wider, outputs=outputs)
        inner.name = NETWORK
        examples = keras.Input(data.shape, name="examples")
        labels = keras.Input((), dtype="int32", name="labels")
        joined = join_labels(examples, labels, data.shape, data.classes, pack)
        joined = keras.layers.Activation("linear", name=JOINED)(joined)
        return keras.Model([examples, labels], inner(joined), name="discriminator")


def join_labels(examples: Any, labels: Any, shape: Sequence[int], classes: int, pack: int = 1) -> Any:
    """Examples `[n / pack, ..., channels]` with the one-hot labels, int `[n]`, as further channels.

    Args:
        shape: of an example without its batch axis.
        classes: number of classes.
        pack: examples in a pack, whose labels are joined one after the other.
    """
    one_hot = keras.ops.one_hot(labels, classes, dtype=examples.dtype)
    one_hot = keras.ops.reshape(one_hot, (-1, *[1] * (len(shape) - 1), classes * pack))
    maps = one_hot * keras.ops.ones((1, *shape[:-1], 1), examples.dtype)
    return keras.ops.concatenate([examples, maps], axis=-1)
