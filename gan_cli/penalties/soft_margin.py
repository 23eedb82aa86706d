"""Soft margin penalty: the discriminator's last layer is trained as a support vector machine.

Lim & Ye 2017, "Geometric GAN", arXiv:1705.02894: the last layer, <w, f(x)> + b over the features f(x) before it, is a
linear classifier with a soft margin, 1/2 ||w||² + C Σ (slack of n real and of n generated examples). Divided by C n
that is the two means of `loss=hinge` plus ||w||² / (2 C n), which is this penalty, with n the batch size. The authors'
code (lim0606/pytorch-geometric-gan) implements it as a weight decay of 1 / (C n) for w only, not for b or other layers.

So `loss=geometric` is `loss=hinge` with this penalty and the paper's optimizer. Without it (infinite C) a
large w is not penalised, and the discriminator can satisfy the margin by the scale of w only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import ConfigError, check_number
from gan_cli.lazy import tf
from gan_cli.losses import LOGITS
from gan_cli.penalties import Batch, Penalty
from gan_cli.schedule import Schedule

NORMAL = ["output", "kernel"]
"""End of the variable path of w: models name the last layer with weights `output`."""


@dataclass(frozen=True)
class SoftMargin(Penalty):
    """||w||² / (2 n), w the kernel of the discriminator's last layer and n the batch size.

    Attributes:
        weight: 1/C of the paper, at least 0.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 1.0
    every: int = 1

    outputs: ClassVar[tuple[str, ...]] = (LOGITS,)
    uses_output_weights: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0. Raises ConfigError if there is no such w."""
        normal = tf.cast(tf.convert_to_tensor(normal_of(batch.variables)), tf.float32)
        examples = tf.cast(tf.shape(batch.real)[0], tf.float32)
        return 0.5 * tf.reduce_sum(tf.square(normal)) / examples


def normal_of(variables: Sequence[Any]) -> Any:
    """Returns w, the normal vector of the hyperplane, from the discriminator's trainable variables."""
    candidates = [one for one in variables if one.path.split("/")[-2:] == NORMAL and one.shape[-1] == 1]
    if len(candidates) != 1:
        problem = "needs a discriminator whose last layer, named output, gives one logit"
        raise ConfigError("penalty", problem, "soft_margin", "Leave it out, or use a loss that compares logits.")
    return candidates[0]
